"""Mistakes in a source, gathered into one error message: all are counted, the first ten are listed."""

from mien.errors import UserError, counted

MAX_LISTED = 10


class Mistakes:
    """The mistakes in a source, in the order in which they were added.

    Args:
        source: the file or folder that is being read, as the user wrote it.
        advice: what to do, the message's last line.
    """

    def __init__(self, source: object, advice: str) -> None:
        self.source = source
        self.advice = advice
        self.count = 0
        self.listed: list[str] = []

    def add(self, place: str, mistake: str) -> None:
        """Add one mistake: its place in the source ("line 7", "train/happy/3.png"), and what is there."""
        self.count += 1
        if self.count <= MAX_LISTED:
            self.listed.append(f"  {place}: {mistake}")

    def raise_if_any(self) -> None:
        """Raise one UserError that lists the mistakes, if there are any."""
        if not self.count:
            return
        title = f"{self.source}: {counted(self.count, 'problem')}"
        if self.count > MAX_LISTED:
            title += f", the first {MAX_LISTED} are"
        raise UserError("\n".join([f"{title}:", *self.listed, self.advice]))


def quoted(word: str) -> str:
    """A word of a file as a message shows it: in quotation marks, cut off after 20 characters."""
    return repr(word if len(word) <= 20 else word[:20] + "...")
