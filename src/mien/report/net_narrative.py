"""Words of one net: sentences made from its own numbers, each only as strong as they are."""

import numpy as np

from mien.report.narrative import apart, points
from mien.report.study_data import NetResult
from mien.report.tables import percent

CALIBRATED = 0.02
"""Mean confidence within this of the accuracy is called right on the whole."""


def net_words(net: NetResult) -> list[str]:
    """What a net's own numbers mean: the emotions it knows and confuses, its calibration, and what leaks add."""
    if net.judged_on is None:
        return []
    return [*_emotions(net), _calibration(net), *_leaks(net)]


def curve_words(net: NetResult) -> str:
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


def _emotions(net: NetResult) -> list[str]:
    scores = {name: one["recall"] for name, one in net.facts["per_class"].items() if one["support"]}
    names = list(net.facts["per_class"])
    confusion = np.array(net.facts["confusion"], dtype=float)
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(shares, 0.0)
    sentences = []
    if len(scores) > 1:
        best, worst = max(scores, key=lambda name: scores[name]), min(scores, key=lambda name: scores[name])
        if scores[best] > scores[worst]:
            sentences.append(
                f"Best recognised is {best} ({percent(scores[best])} % of its faces), worst {worst} "
                f"({percent(scores[worst])} %)."
            )
    if shares.size and shares.max() > 0:
        order = np.argsort(-shares, axis=None, kind="stable")[:2]
        pairs = [np.unravel_index(place, shares.shape) for place in order if shares.flat[place] > 0]
        told = " and ".join(f"{names[t]} for {names[p]} ({percent(shares[t, p])} % of {names[t]})" for t, p in pairs)
        sentences.append(f"Most often it takes {told}.")
    return sentences


def _calibration(net: NetResult) -> str:
    bins = net.facts["reliability"]
    total = max(sum(one["count"] for one in bins), 1)
    confidence = sum(one["count"] * one["confidence"] for one in bins) / total
    right = sum(one["count"] * one["accuracy"] for one in bins) / total
    off, ece = apart(confidence, right), net.facts["ece"]
    said = f"its mean confidence is {percent(confidence)} %, and {percent(right)} % of its answers are right"
    if abs(off) <= CALIBRATED:
        kind = "On the whole its confidence is right"
    else:
        kind = f"It is {'over' if off > 0 else 'under'}-confident by {points(abs(off))}"
    return f"{kind}: {said} (expected calibration error {percent(ece)} %)."


def _leaks(net: NetResult) -> list[str]:
    clean = net.measure("test_accuracy_without_leaks")
    if net.test is None or clean is None or not apart(net.test.value, clean.value):
        return []
    added = apart(net.test.value, clean.value)
    word = "more" if added > 0 else "fewer"
    return [
        f"Test faces that also stand in train change its test accuracy by {points(abs(added))}: with them "
        f"{word} are right, {percent(net.test.value)} against {percent(clean.value)} %."
    ]
