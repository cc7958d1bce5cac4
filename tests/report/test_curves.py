import numpy as np
import pytest
from report.drawings import DRAWN, label_of

from mien.report.curves import POINTS, thinned


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("curves", "loss over epoch: train from 1 to 1.6."),
        ("one point", "loss over epoch: train from 1 to 1."),
        ("not a number", "loss over epoch: train from 900 to inf."),
    ],
)
def test_curves_say_where_they_begin_and_end(name: str, label: str) -> None:
    assert label_of(DRAWN[name]()) == label


def test_long_series_are_averaged_in_blocks() -> None:
    x, y, block = thinned(np.arange(1000.0))
    assert block == 3
    assert len(x) == len(y) <= POINTS
    assert y[0] == 1.0
    assert x[0] == 2.0  # the middle of steps 1, 2, 3
    assert (y[-1], x[-1]) == (999.0, 1000.0)
    short = thinned(np.arange(5.0))
    assert (list(short[0]), list(short[1]), short[2]) == ([1, 2, 3, 4, 5], [0, 1, 2, 3, 4], 1)
