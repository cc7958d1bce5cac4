"""NetComparison: McNemar's test of two nets, as an object that says what it means."""

from dataclasses import dataclass

from mien.errors import counted
from mien.html_tables import html_lines
from mien.report.narrative import verdict
from mien.report.tables import probability


@dataclass(frozen=True, repr=False)
class NetComparison:
    """McNemar's exact test of two nets on the same faces, each by the run of its first seed.

    >>> comparison = results.compare("dense", "cnn")
    >>> comparison.split, comparison.discordant == comparison.only_a + comparison.only_b, 0 < comparison.p <= 1
    ('validation', True, True)

    Attributes:
        a, b: the nets' names.
        split: of the faces.
        only_a, only_b: faces that only one of them predicts correctly.
        p: two-sided probability of a split at least as uneven, if both were equally good.
    """

    a: str
    b: str
    split: str
    only_a: int
    only_b: int
    p: float

    @property
    def better(self) -> str | None:
        """The net that predicts more faces correctly; None where both predict as many."""
        if self.only_a == self.only_b:
            return None
        return self.a if self.only_a > self.only_b else self.b

    @property
    def discordant(self) -> int:
        """Faces that only one of the two predicts correctly: those that the test counts."""
        return self.only_a + self.only_b

    def __repr__(self) -> str:
        faces = f"{counted(self.discordant, 'face')} of {self.split}"
        if self.better is None:
            return f"{self.a} and {self.b}: of {faces} that only one predicts correctly each has {self.only_a}"
        p = probability(self.p)
        p = f"p {p}" if p.startswith("<") else f"p = {p}"
        return (
            f"{self.better} is better: of {faces} that only one of {self.a} and {self.b} predicts correctly it has "
            f"{max(self.only_a, self.only_b)}, {p}; the difference {_is(self.p)}"
        )

    def _repr_html_(self) -> str:
        return html_lines([repr(self)])


def _is(p: float) -> str:
    words = verdict(p)
    return words if words.startswith("may") else f"is {words}"
