"""Which examples are selected."""

import numpy as np
import pytest

from mien.explain.sheet import Example, most_confident


def test_of_each_emotion_the_surest_are_chosen() -> None:
    shares = np.array([[0.6, 0.4], [0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.3, 0.7], [0.9, 0.1]], np.float32)
    (correct, wrong), (also_correct, also_wrong) = most_confident(shares, np.array([0, 0, 0, 1, 1, 0], np.uint8), 2)
    assert [one.row for one in correct] == [1, 5]
    assert wrong == [Example(2, 0, 1, pytest.approx(0.8))]
    assert [one.row for one in also_correct] == [3, 4]
    assert also_wrong == []
    assert all(one.correct for one in (*correct, *also_correct))
