"""Previews of what augmentation does to faces."""

import numpy as np
import pytest

from mien.augmentation import GENERATORS
from mien.errors import UserError
from mien.faces import Faces
from mien.faces.drawn import draw_faces
from mien.training.preview import preview


@pytest.fixture(scope="module")
def drawn() -> Faces:
    """Faces of 24 x 24 pixels, for which whitening takes little time."""
    faces = draw_faces(100, seed=0)
    return Faces(faces.images[:, ::2, ::2].copy(), faces.labels, faces.splits, faces.classes)


@pytest.mark.parametrize("name", GENERATORS)
def test_of_each_generator_has_nine_pairs_and_is_fixed_by_its_seed(name, drawn):
    entries = GENERATORS[name]
    before, after = preview(entries, drawn, seed=1)
    assert before.shape == after.shape == (9, 24, 24)
    assert before.dtype == after.dtype == np.uint8
    assert not np.array_equal(before, after)
    again = preview(entries, drawn, seed=1)
    assert np.array_equal(before, again[0])
    assert np.array_equal(after, again[1])
    assert not np.array_equal(before, preview(entries, drawn, seed=2)[0])


def test_before_are_faces_of_train(drawn):
    before, _ = preview({}, drawn)
    train = {image.tobytes() for image in drawn.split("train").images}
    assert {image.tobytes() for image in before} <= train


def test_centred_shows_grays_as_they_are_and_others_are_stretched(drawn):
    before, after = preview({}, drawn)
    assert np.array_equal(before, after)
    _, stretched = preview({"scaling": "featurewise"}, drawn)
    assert (stretched.min((1, 2)) == 0).all()
    assert (stretched.max((1, 2)) == 255).all()


def test_fewer_faces_than_requested_are_all_shown(drawn):
    assert len(preview({}, drawn, count=10**6)[0]) == len(drawn.split("train"))


def test_without_a_train_split_is_reported(drawn):
    with pytest.raises(UserError, match="no face in its train split"):
        preview({}, drawn.split("test"))
