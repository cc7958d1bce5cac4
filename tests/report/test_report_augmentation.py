from typing import Any

import pytest

from mien.report.augmentation_narrative import augmentation_words
from mien.report.study_data import Contents, NetResult

WILD = ["rotate(90)", "shift(0.2)", "flip", "flip_vertical"]


def net(name: str, group: str, validation: float, train: float, **recipe: Any) -> NetResult:
    return NetResult(
        {
            "name": name,
            "group": group,
            "layers": ["flatten", "classes"],
            "values": {},
            "recipe": recipe,
            "validation_accuracy": validation,
            "train_accuracy": train,
        }
    )


def said(augmented: NetResult, *others: NetResult, comparisons: list[dict[str, Any]] | None = None) -> str:
    nets = (augmented, *others)
    groups = [{"name": name} for name in dict.fromkeys(net.group for net in nets)]
    facts = {"seeds": [0], "groups": groups, "comparisons": comparisons or []}
    return " ".join(augmentation_words(Contents(facts, nets), augmented))


PLAIN = net("plain", "cnn", 0.564, 0.994)


def test_a_net_is_compared_with_itself_without_augmentation() -> None:
    tested = [{"a": "plain", "b": "sane", "split": "validation", "b10": 200, "b01": 330, "p": 1e-8}]
    found = said(net("sane", "augmented", 0.601, 0.68, augment=["flip"]), PLAIN, comparisons=tested)
    assert found == (
        "sane is plain trained on augmented faces: 60.1 % on validation against 56.4 %, 3.7 points more, beyond chance "
        "(McNemar p < 0.001). It cannot learn by heart what never comes twice: from train to validation it loses 7.9 "
        "points, plain 43.0 points."
    )


def test_what_else_differs_is_named() -> None:
    found = said(net("sane", "g", 0.601, 0.68, augment=["flip"], epochs=10, batch=32), PLAIN)
    assert "the recipes also differ in epochs (10 against 20) and batch (32 against 256)" in found


def test_why_turned_faces_hurt_is_said_only_of_words_that_turn_them() -> None:
    wild = said(net("wild", "g", 0.37, 0.37, augment=WILD), PLAIN)
    assert "19.4 points less" in wild
    assert "rotate(90) turns faces by up to 90 degrees and flip_vertical turns some upside down, which hurt" in wild
    assert "upside" not in said(net("sane", "g", 0.6, 0.6, augment=["flip", "rotate(10)"]), PLAIN)
    lucky = said(net("lucky", "g", 0.6, 0.6, augment=WILD), PLAIN)
    assert "which could have hurt" in lucky


def test_without_a_twin_there_is_no_comparison() -> None:
    assert said(net("sane", "g", 0.6, 0.6, augment=["flip"])) == ""
    assert "which may hurt" in said(net("wild", "g", 0.6, 0.6, augment=WILD))


@pytest.mark.parametrize("validation", [0.3, 0.564, 0.7])
def test_a_net_without_augmentation_has_nothing_to_say(validation: float) -> None:
    assert said(net("other", "g", validation, 0.6), PLAIN) == ""


def test_level_nets_are_called_so() -> None:
    assert "56.4 % on validation against 56.4 %, the same." in said(net("a", "g", 0.564, 0.6, augment=["flip"]), PLAIN)
