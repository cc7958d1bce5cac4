"""Examples: of each emotion, the faces on which a run was surest, rightly and wrongly."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Example(NamedTuple):
    """A face and what was said of it.

    Attributes:
        row: of the face, within its split.
        label: the emotion it carries, an index into the classes.
        said: the emotion it was judged to show.
        share: that emotion's probability, 0..1.
    """

    row: int
    label: int
    said: int
    share: float

    @property
    def right(self) -> bool:
        """Whether it was judged to show what it carries."""
        return self.label == self.said


def surest(
    probabilities: NDArray[np.float32], labels: NDArray[np.uint8], each: int
) -> list[tuple[list[Example], list[Example]]]:
    """Of each label, the faces that were surest judged right, and those surest judged wrong.

    Args:
        probabilities: float32 [N, K].
        labels: uint8 [N].
        each: how many of either, at most.

    Returns:
        K pairs, in the order of the classes; the surest first, of equal ones the first row.
    """
    said, shares = probabilities.argmax(axis=1), probabilities.max(axis=1)
    order = np.argsort(-shares, kind="stable")
    pairs = []
    for label in range(probabilities.shape[1]):
        of_label = [row for row in order if labels[row] == label]
        found = [Example(int(row), label, int(said[row]), float(shares[row])) for row in of_label]
        right = [example for example in found if example.right][:each]
        pairs.append((right, [example for example in found if not example.right][:each]))
    return pairs
