"""The one kind of error that a user can cause and mend."""

from collections.abc import Sequence
from difflib import get_close_matches


class UserError(Exception):
    """A mistake in what the user gave: shown as one message, without a traceback; the process ends with exit code 2.

    The message says what is wrong, where (file, row, key), what was found, and what to do.
    """


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """The tail of a message about an unknown word: what is known, and the nearest of them if one is near."""
    near = get_close_matches(word, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"known: {', '.join(known)}{hint}"
