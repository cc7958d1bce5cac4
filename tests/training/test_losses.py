"""Losses and targets against what they are defined as."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mien.errors import UserError
from mien.faces import Faces
from mien.runs.recipe import Recipe
from mien.training.losses import Loss, make_loss, targets_of

LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2], np.uint8)
TARGETS = torch.from_numpy(LABELS).long()
LOGITS = torch.randn(8, 3, generator=torch.Generator().manual_seed(0)) * 2


def loss_of(**entries: object) -> Loss:
    return make_loss(Recipe.model_validate(entries), LABELS, classes=3)


def test_plain_cross_entropy() -> None:
    assert loss_of()(LOGITS, TARGETS).item() == pytest.approx(F.cross_entropy(LOGITS, TARGETS).item())


@pytest.mark.parametrize("smoothing", [0.05, 0.1, 0.5])
def test_label_smoothing_is_torchs(smoothing: float) -> None:
    expected = F.cross_entropy(LOGITS, TARGETS, label_smoothing=smoothing).item()
    assert loss_of(label_smoothing=smoothing)(LOGITS, TARGETS).item() == pytest.approx(expected)


@pytest.mark.parametrize("gamma", [0.5, 2.0, 5.0])
def test_focal_loss_weighs_each_face_by_how_wrong_it_is(gamma: float) -> None:
    truth = LOGITS.softmax(1).gather(1, TARGETS[:, None])
    expected = (-((1 - truth) ** gamma) * truth.log()).mean().item()
    assert loss_of(focal_gamma=gamma)(LOGITS, TARGETS).item() == pytest.approx(expected)


def test_balanced_weights_are_scikit_learns() -> None:
    each = F.cross_entropy(LOGITS, TARGETS, reduction="none")
    weights = torch.tensor([8 / (3 * 4), 8 / (3 * 2), 8 / (3 * 2)])  # N / (K n)
    expected = (each * weights[TARGETS]).mean().item()
    assert loss_of(class_weights="balanced")(LOGITS, TARGETS).item() == pytest.approx(expected)


@pytest.mark.parametrize("entries", [{}, {"label_smoothing": 0.1}, {"focal_gamma": 2.0}, {"class_weights": "balanced"}])
def test_labels_and_their_shares_have_the_same_loss(entries: dict[str, object]) -> None:
    shares = F.one_hot(TARGETS, 3).float()
    loss = loss_of(**entries)
    assert loss(LOGITS, shares).item() == pytest.approx(loss(LOGITS, TARGETS).item())


def test_a_class_without_faces_weighs_nothing_and_breaks_nothing() -> None:
    loss = make_loss(Recipe(class_weights="balanced"), LABELS, classes=4)
    assert loss(torch.zeros(8, 4), TARGETS).isfinite()


def test_targets_are_the_labels(faces: Faces) -> None:
    targets = targets_of(faces, Recipe())
    assert targets.dtype == torch.int64
    assert targets.tolist() == faces.labels.tolist()


def with_votes(faces: Faces, votes: list[int]) -> Faces:
    return replace(faces, votes=np.tile(np.array(votes, np.uint8), (len(faces), 1)))


def test_votes_become_shares_of_the_classes(faces: Faces) -> None:
    #                     neutral happy surprise sad anger disgust fear contempt unknown NF
    voted = with_votes(faces, [4, 3, 0, 0, 1, 0, 0, 1, 1, 0])
    targets = targets_of(voted, Recipe(targets="votes"))
    angry, disgust, fear, happy, sad, surprise, neutral = targets[0].tolist()
    assert (angry, happy, neutral) == pytest.approx((1 / 8, 3 / 8, 4 / 8))
    assert disgust == fear == sad == surprise == 0


def test_a_face_without_votes_for_a_class_keeps_its_label(faces: Faces) -> None:
    targets = targets_of(with_votes(faces, [0, 0, 0, 0, 0, 0, 0, 0, 0, 10]), Recipe(targets="votes"))
    assert targets.argmax(1).tolist() == faces.labels.tolist()
    assert targets.sum(1).tolist() == [1.0] * len(faces)


def test_votes_that_are_not_there_are_reported(faces: Faces) -> None:
    with pytest.raises(UserError, match="has no votes; name FER"):
        targets_of(faces, Recipe(targets="votes"))


def test_classes_that_nobody_voted_on_are_reported(faces: Faces) -> None:
    voted = replace(with_votes(faces, [1] * 10), classes=(*faces.classes[:-1], "bored"))
    with pytest.raises(UserError, match="no votes on bored"):
        targets_of(voted, Recipe(targets="votes"))
