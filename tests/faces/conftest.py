"""Comparing faces."""

from collections.abc import Callable

import numpy as np
import pytest

from mien.faces import Faces


@pytest.fixture
def same() -> Callable[[Faces, Faces], None]:
    """Asserts that two Faces hold the same images, labels, splits and classes, in the same order."""

    def check(one: Faces, other: Faces) -> None:
        assert one.classes == other.classes
        np.testing.assert_array_equal(one.splits, other.splits)
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_array_equal(one.images, other.images)

    return check
