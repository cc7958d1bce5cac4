"""The error that a user causes and can correct."""

from collections.abc import Sequence
from difflib import get_close_matches


class UserError(Exception):
    """The user's input is wrong. The program prints the message without a traceback and ends with exit code 2.

    The message says what is wrong, where it is (file, row, key), what was found there, and what to do. A notebook shows
    it without a traceback too.

    >>> import mien
    >>> from mien.errors import UserError
    >>> try:
    ...     faces = mien.open_faces("no_such.csv")
    ... except UserError as error:
    ...     print(error)
    no_such.csv: no such file or folder
    """

    def _render_traceback_(self) -> list[str]:
        """What IPython prints in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


def did_you_mean(word: object, known: Sequence[str]) -> str:
    """End a message about an unknown word: list the known words, and name the one that is most similar, if any is."""
    similar = get_close_matches(str(word), known, n=1)
    hint = f"; did you mean {similar[0]!r}?" if similar else ""
    return f"known: {', '.join(known)}{hint}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun, for a message: `1 group`, `1,024 groups`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
