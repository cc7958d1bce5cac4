"""Sentences about one net, made from its own numbers, each only as strong as they are."""

import numpy as np

from mien.report.narrative import apart, points
from mien.report.study_data import ReportedNet
from mien.report.tables import percent
from mien.runs.results import SplitScores

CALIBRATED = 0.02
"""Where the mean confidence is this near to the accuracy, it is called right on the whole."""


def narrate_net(net: ReportedNet) -> list[str]:
    """What a net's own numbers mean: the emotions it knows and confuses, its calibration, and what leaks add."""
    scores = net.result.scores
    if scores is None:
        return []
    return [*_emotions(scores), _calibration(scores), *_leaks(net)]


def narrate_curves(net: ReportedNet) -> str:
    """Where the validation loss turned, from the history of the first seed; "" where there is nothing to say."""
    losses = [epoch.validation_loss for epoch in net.runs[0].history()] if net.runs else []
    if len(losses) < 2:
        return ""
    lowest = int(np.argmin(losses)) + 1
    if lowest == len(losses):
        more = "more epochs may help" if net.recipe.schedule == "constant" else "a longer schedule may help"
        return f"Its validation loss was still falling after epoch {lowest}, the last: {more}."
    rise = losses[-1] - losses[lowest - 1]
    return (
        f"Its validation loss was lowest after epoch {lowest} of {len(losses)} ({losses[lowest - 1]:.3f}) "
        f"and ended {rise:.3f} above that."
    )


def _emotions(scores: SplitScores) -> list[str]:
    recalls = {name: one.recall for name, one in scores.per_class.items() if one.support}
    names = list(scores.per_class)
    confusion = np.array(scores.confusion, dtype=float)
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(shares, 0.0)
    sentences = []
    if len(recalls) > 1:
        best, worst = max(recalls, key=lambda name: recalls[name]), min(recalls, key=lambda name: recalls[name])
        if recalls[best] > recalls[worst]:
            sentences.append(
                f"Best recognised is {best} ({percent(recalls[best])} % of its faces), worst {worst} "
                f"({percent(recalls[worst])} %)."
            )
    if shares.size and shares.max() > 0:
        order = np.argsort(-shares, axis=None, kind="stable")[:2]
        pairs = [np.unravel_index(place, shares.shape) for place in order if shares.flat[place] > 0]
        confused = " and ".join(
            f"{names[t]} for {names[p]} ({percent(shares[t, p])} % of {names[t]})" for t, p in pairs
        )
        sentences.append(f"Most often it takes {confused}.")
    return sentences


def _calibration(scores: SplitScores) -> str:
    total = max(sum(one.count for one in scores.reliability), 1)
    confidence = sum(one.count * one.confidence for one in scores.reliability) / total
    correct = sum(one.count * one.accuracy for one in scores.reliability) / total
    off = apart(confidence, correct)
    if abs(off) <= CALIBRATED:
        kind = "On the whole its confidence is right"
    else:
        kind = f"It is {'over' if off > 0 else 'under'}-confident by {points(abs(off))}"
    return (
        f"{kind}: its mean confidence is {percent(confidence)} %, and {percent(correct)} % of its answers are correct "
        f"(expected calibration error {percent(scores.ece)} %)."
    )


def _leaks(net: ReportedNet) -> list[str]:
    clean = net.result.accuracy.test_without_leaks
    if net.test is None or clean is None or not apart(net.test.mean, clean.mean):
        return []
    added = apart(net.test.mean, clean.mean)
    higher = "higher" if added > 0 else "lower"
    return [
        f"Test faces that also stand in train change its test accuracy by {points(abs(added))}: with them it is "
        f"{higher}, {percent(net.test.mean)} against {percent(clean.mean)} %."
    ]
