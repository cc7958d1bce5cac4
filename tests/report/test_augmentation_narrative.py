from collections.abc import Sequence
from typing import Any

import pytest
from report.examples import comparison, reported
from report.examples import net as example

from mien.report.augmentation_narrative import narrate_augmentation
from mien.runs.recipe import Recipe
from mien.runs.results import Comparison, NetResult

WILD = ["rotate(90)", "shift(0.2)", "flip", "flip_vertical"]


def net(name: str, group: str, validation: float, train: float, **recipe: Any) -> NetResult:
    return example(name, group, validation, train, recipe=Recipe(**recipe))


def sentences(augmented: NetResult, *others: NetResult, comparisons: Sequence[Comparison] = ()) -> str:
    study = reported((augmented, *others), comparisons)
    return " ".join(narrate_augmentation(study, study.nets[0]))


PLAIN = net("plain", "cnn", 0.564, 0.994)


def test_a_net_is_compared_with_itself_without_augmentation() -> None:
    tested = [comparison("plain", "sane", "validation", 200, 330, 1e-8)]
    text = sentences(net("sane", "augmented", 0.601, 0.68, augment=["flip"]), PLAIN, comparisons=tested)
    assert text == (
        "sane is plain trained on augmented faces: 60.1 % on validation against 56.4 %, 3.7 points more, beyond chance "
        "(McNemar p < 0.001). It cannot learn by heart what never comes twice: from train to validation it loses 7.9 "
        "points, plain 43.0 points."
    )


def test_what_else_differs_is_named() -> None:
    text = sentences(net("sane", "g", 0.601, 0.68, augment=["flip"], epochs=10, batch=32), PLAIN)
    assert "the recipes also differ in epochs (10 against 20) and batch (32 against 256)" in text


def test_only_words_that_turn_faces_far_are_explained() -> None:
    wild = sentences(net("wild", "g", 0.37, 0.37, augment=WILD), PLAIN)
    assert "19.4 points less" in wild
    assert "rotate(90) turns faces by up to 90 degrees and flip_vertical turns some upside down, which hurt" in wild
    assert "upside" not in sentences(net("sane", "g", 0.6, 0.6, augment=["flip", "rotate(10)"]), PLAIN)
    lucky = sentences(net("lucky", "g", 0.6, 0.6, augment=WILD), PLAIN)
    assert "which could have hurt" in lucky


def test_without_a_twin_there_is_no_comparison() -> None:
    assert sentences(net("sane", "g", 0.6, 0.6, augment=["flip"])) == ""
    assert "which may hurt" in sentences(net("wild", "g", 0.6, 0.6, augment=WILD))


@pytest.mark.parametrize("validation", [0.3, 0.564, 0.7])
def test_a_net_without_augmentation_has_nothing_to_say(validation: float) -> None:
    assert sentences(net("other", "g", validation, 0.6), PLAIN) == ""


def test_level_nets_are_called_so() -> None:
    assert "56.4 % on validation against 56.4 %, the same." in sentences(
        net("a", "g", 0.564, 0.6, augment=["flip"]), PLAIN
    )
