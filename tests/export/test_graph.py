"""The adjustment: rare classes gain, equal ones stay equal."""

import pytest
import torch

from mien.export.graph import logit_offsets

CLASSES = ("common", "usual", "rare")


def test_the_rarer_a_class_the_more_its_logit_rises() -> None:
    offsets = logit_offsets({"rare": 1, "common": 6, "usual": 3}, CLASSES, 0.5)
    assert offsets.tolist() == pytest.approx([-0.2554, -0.6020, -1.1513], abs=1e-4)
    assert torch.allclose(2 * offsets, logit_offsets({"rare": 1, "common": 6, "usual": 3}, CLASSES, 1.0))


def test_equal_shares_change_no_answer() -> None:
    assert len(set(logit_offsets(dict.fromkeys(CLASSES, 7), CLASSES, 1.0).tolist())) == 1


def test_a_class_without_faces_counts_as_one_of_a_single_face() -> None:
    assert torch.equal(
        logit_offsets({"common": 5, "usual": 5}, CLASSES, 1.0),
        logit_offsets({"common": 5, "usual": 5, "rare": 1}, CLASSES, 1.0),
    )
