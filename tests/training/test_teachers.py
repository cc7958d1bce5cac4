"""Runs that learn from others: what a teacher says of a face is part of the face's target."""

import shutil

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from trained import CNN, NORMAL, Start, assert_same, silent, stop_at

from mien.augmentation import Augmentation
from mien.faces import Faces
from mien.nets import Net, build
from mien.runs.recipe import Recipe
from mien.runs.run import Run
from mien.training.loop import fit
from mien.training.trainer import Trainer

SMALL = Net("small", ("pool(4)", "flatten", "dense(8)", "relu", "classes"))


def put_beside(teacher: Run, *students: Run) -> None:
    for student in students:
        shutil.copytree(teacher.folder, student.folder.parent / teacher.folder.name)


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_a_target_is_in_part_what_the_teachers_say(share: float, faces: Faces) -> None:
    images, labels = torch.from_numpy(faces.images[:32]), torch.from_numpy(faces.labels[:32]).long()
    targets = F.one_hot(labels, 7).float()
    teachers = [Trainer(build(net, 24, seed=1), Recipe(precision="float32"), 0) for net in (CNN, NORMAL)]
    recipe = Recipe(precision="float32", teachers=("a", "b"), distillation_weight=share)
    student = Trainer(build(SMALL, 24), recipe, 0, teachers=teachers)
    with torch.no_grad():
        predictions = sum(teacher.probabilities(images) for teacher in teachers) / 2
        y = student.model(student.scaling(images))
        expected = F.cross_entropy(y, (1 - share) * targets + share * predictions).item()
    assert student.step(images, targets, 1).loss.item() == pytest.approx(expected, rel=1e-5)
    student.close()


def test_teachers_see_a_face_without_what_degrades_it(faces: Faces) -> None:
    images, labels = torch.from_numpy(faces.images[:32]), torch.from_numpy(faces.labels[:32]).long()
    targets, words = F.one_hot(labels, 7).float(), ("flip", "blur(3)", "mixup(0.4)", "noise(20)")
    teacher = Trainer(build(CNN, 24, seed=1), Recipe(precision="float32"), 0)
    recipe = Recipe(precision="float32", teachers=("a",), distillation_weight=1.0, augment=words)
    student = Trainer(build(SMALL, 24), recipe, 0, teachers=[teacher])
    with torch.no_grad():
        spoilt, _ = Augmentation(words, 0)(images, targets, 5)
        sharp = student.augmentation.for_teachers(images, 5)
        y = student.model(student.scaling(spoilt))
        expected = F.cross_entropy(y, teacher.probabilities(sharp)).item()
    assert student.step(images, targets, 5).loss.item() == pytest.approx(expected, rel=1e-5)
    student.close()


def test_a_student_that_believes_its_teacher_alone_never_looks_at_the_labels(start: Start, faces: Faces) -> None:
    others = Faces(faces.images, (faces.labels + 3) % 7, faces.splits)
    teacher = start(CNN, epochs=2, batch=16)
    fit(teacher, faces, silent)
    recipe = {"epochs": 2, "batch": 32, "teachers": teacher.folder.name}
    predictions = {}
    for share in (1.0, 0.5):
        for labelled in (faces, others):
            student = start(SMALL, of=labelled, distillation_weight=share, **recipe)
            put_beside(teacher, student)
            fit(student, labelled, silent)
            predictions[share, labelled is faces] = student.predictions("train")
    assert np.array_equal(predictions[1.0, True].probabilities, predictions[1.0, False].probabilities)
    assert not np.allclose(predictions[0.5, True].probabilities, predictions[0.5, False].probabilities, atol=1e-3)


def test_a_student_that_was_stopped_ends_as_one_that_was_not(start: Start, faces: Faces) -> None:
    teacher = start(SMALL, epochs=1)
    fit(teacher, faces, silent)
    recipe = {"epochs": 3, "batch": 32, "teachers": teacher.folder.name, "augment": ["flip", "mixup(0.4)"]}
    whole, stopped = start(NORMAL, **recipe), start(NORMAL, **recipe)
    put_beside(teacher, whole, stopped)
    fit(whole, faces, silent)
    stop_at(stopped, faces, epoch=2, step=2)
    fit(stopped, faces, silent)
    assert_same(stopped, whole)


def test_a_teacher_that_is_not_there_fails_the_run_with_the_reason(start: Start, faces: Faces) -> None:
    status = fit(start(SMALL, epochs=1, teachers=["other-0123456789"]), faces, silent)
    assert status.state == "failed"
    assert status.reason.startswith("its teacher other-0123456789 is ")
