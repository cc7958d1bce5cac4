"""Sentences on augmentation: what it did to a net, against the same layers without, and why some of it hurts faces."""

from mien.augmentation.registry import read_word
from mien.report.narrative import OVERFIT, apart, beyond, listed, points
from mien.report.recipe_summary import differences
from mien.report.study_data import ReportedNet, ReportedStudy
from mien.report.tables import percent

UPRIGHT = 45.0
"""Faces turned by more degrees than this no longer stand upright."""


def narrate_augmentation(study: ReportedStudy, net: ReportedNet) -> list[str]:
    """What a net's augmentation did, a paragraph or two; [] where it has none, or none that can be compared."""
    other = study.without_augmentation(net)
    if other is None or net.validation is None or other.validation is None:
        return _unnatural(net, "may hurt")
    gain = apart(net.validation.mean, other.validation.mean)
    compared = " ".join([_against(study, net, other, gain), *_gaps(net, other), *_besides(net, other)])
    return [compared, *_unnatural(net, "hurt" if gain < 0 else "could have hurt")]


def _against(study: ReportedStudy, net: ReportedNet, other: ReportedNet, gain: float) -> str:
    assert net.validation
    assert other.validation
    ahead, behind = (net, other) if gain > 0 else (other, net)
    test = study.mcnemar(ahead.name, behind.name, "validation") if gain else None
    better = f"{points(abs(gain))} {'more' if gain > 0 else 'less'}" if gain else "the same"
    mine, its = percent(net.validation.mean), percent(other.validation.mean)
    return (
        f"{net.name} is {other.name} trained on augmented faces: {mine} % on validation against {its} %, "
        f"{better}{beyond(study, test)}."
    )


def _gaps(net: ReportedNet, other: ReportedNet) -> list[str]:
    """How far train accuracy stands above validation, with augmentation and without."""
    if not (net.train and net.validation and other.train and other.validation):
        return []
    mine, its = apart(net.train.mean, net.validation.mean), apart(other.train.mean, other.validation.mean)
    if its - mine <= OVERFIT:
        return []
    return [
        f"It cannot learn by heart what never comes twice: from train to validation it loses {points(max(mine, 0.0))}, "
        f"{other.name} {points(its)}."
    ]


def _besides(net: ReportedNet, other: ReportedNet) -> list[str]:
    others = differences(net.recipe, other.recipe, apart_from=("augment",))
    if not others:
        return []
    return [f"Not all of this is augmentation's doing: the recipes also differ in {listed(others)}."]


def _unnatural(net: ReportedNet, how: str) -> list[str]:
    """Why turning faces far from upright hurts; [] where no word does so."""
    words = [(text, *read_word(text)) for text in net.recipe.augment]
    acts = [
        f"{text} turns faces by up to {given['degrees']:g} degrees"
        for text, word, given in words
        if word == "rotate" and given["degrees"] > UPRIGHT
    ]
    acts += [f"{text} turns some upside down" for text, word, _ in words if word == "flip_vertical"]
    if not acts:
        return []
    return [
        f"{listed(acts)}, which {how}: the faces that the net is evaluated on stand upright, so much of what it "
        "trained on is unlike them, and what distinguishes emotions is which way things point. The corners of a smile "
        "point up, those of a sad mouth down; turned over, the one looks like the other."
    ]
