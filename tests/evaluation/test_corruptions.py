"""Corruptions."""

from pathlib import Path

import numpy as np
import pytest

from mien.evaluation.corruptions import CORRUPTIONS, corrupt
from mien.evaluation.evaluate import evaluate_faces
from mien.faces import open_faces
from mien.predict.classifier import Classifier


def test_changes_do_what_they_say() -> None:
    faces = open_faces("drawn:40").split("test")
    before = faces.images.astype(float)
    after = {change: corrupt(faces, change).images.astype(float) for change in CORRUPTIONS}
    assert all(images.shape == before.shape for images in after.values())
    half = after["half the contrast"]
    np.testing.assert_allclose(half.std(axis=(1, 2)), before.std(axis=(1, 2)) / 2, atol=0.5)
    np.testing.assert_allclose(half.mean(axis=(1, 2)), before.mean(axis=(1, 2)), atol=1)
    assert (after["darker: gamma 2"] <= before).all()
    assert (after["brighter: gamma 0.5"] >= before).all()

    def edges(images: np.ndarray) -> float:
        return float(np.abs(np.diff(images, axis=2)).mean())

    assert edges(after["blurred by 1 pixel"]) < 0.8 * edges(before)
    assert edges(after["sharpened"]) > 1.2 * edges(before)
    assert np.std(after["noise of 8 grays"] - before) == pytest.approx(8, abs=1)
    assert edges(after["half the size, enlarged"]) < 0.9 * edges(before)
    assert 0 < np.abs(after["JPEG of quality 20"] - before).mean() < 10
    np.testing.assert_array_equal(corrupt(faces, "blurred by 1 pixel").labels, faces.labels)


@pytest.mark.real
@pytest.mark.parametrize("change", ["blurred by 1 pixel", "sharpened", "noise of 8 grays"])
def test_best_bears_what_pictures_suffer(fer2013: Path, change: str) -> None:
    """On all of validation it loses less than three points; of 1,000 faces chance may add as much."""
    faces, best = open_faces(str(fer2013)).split("validation").first(1000), Classifier("best")
    before, after = (
        evaluate_faces(best, some, "validation").correct.mean() for some in (faces, corrupt(faces, change))
    )
    assert after > before - 0.06
