"""Problems of a source, gathered: all of them are counted, the first ten are told, in one message."""

from mien.errors import UserError

LISTED = 10


class Problems:
    """What is wrong with a source, in the order in which it was found.

    Args:
        source: the file or folder that is being read, as the user knows it.
        advice: what to do, the message's last line.
    """

    def __init__(self, source: object, advice: str) -> None:
        self.source = source
        self.advice = advice
        self.count = 0
        self.listed: list[str] = []

    def add(self, place: str, found: str) -> None:
        """Note one problem: its place within the source ("line 7", "train/happy/3.png") and what was found there."""
        self.count += 1
        if self.count <= LISTED:
            self.listed.append(f"  {place}: {found}")

    def raise_if_any(self) -> None:
        """Raise one UserError about all problems, if there are any."""
        if not self.count:
            return
        title = f"{self.source}: {self.count:,} problem{'s' if self.count > 1 else ''}"
        if self.count > LISTED:
            title += f", the first {LISTED} are"
        raise UserError("\n".join([f"{title}:", *self.listed, self.advice]))
