"""Words: sentences made from the numbers, each only as strong as they are."""

from collections.abc import Sequence
from dataclasses import dataclass

from mien.faces.audit import Audit
from mien.report.study_data import Comparison, Contents, NetResult
from mien.report.tables import Measure, duration, percent, probability, whole

CHANCE = 0.05
"""A difference is called beyond chance where McNemar's p is below this."""

OVERFIT = 0.10
"""Train accuracy above validation accuracy by more than this is called over-fitting."""


@dataclass(frozen=True)
class Answer:
    """The study's answer: one line, and what belongs to it."""

    headline: str
    details: tuple[str, ...]


def answer(contents: Contents) -> Answer:
    """Which net is best and how good it is on faces that no choice has looked at."""
    if not contents.selected:
        done = len(contents.judged)
        why = "A net counts when all of its seeds came to their end." if done else "The reasons stand below."
        return Answer("No net came to its end.", (why,))
    best = contents.selected[0]
    split, found = ("test", best.test) if best.test else ("validation", best.validation)
    assert found is not None
    details = [_spread(found, contents.total(split), len(contents.facts["seeds"]))]
    clean, leaked = best.measure("test_accuracy_without_leaks"), contents.faces["leaked_test"]
    if split == "validation":
        details.append("It was selected on these very faces and no test face was looked at, so expect a little less.")
    elif leaked and clean:
        details.append(f"Without the {whole(leaked)} test faces that also stand in train: {clean} %.")
    counts = contents.faces["counts"].get(split, {})
    if counts:
        most = max(counts, key=lambda name: counts[name])
        share = counts[most] / max(sum(counts.values()), 1)
        details.append(f"Always answering {most} would be right for {percent(share)} %.")
    return Answer(f"{best.name} recognises {percent(found.value)} % of the {split} faces.", tuple(details))


def group_words(contents: Contents, group: str) -> list[str]:
    """Who leads a comparison table and by how much, and who over-fits."""
    return [sentence for sentence in [_lead(contents, group), *_fit(contents, group)] if sentence]


def whole_words(contents: Contents) -> list[str]:
    """What the study's best gains over the best of each other table, and at which cost."""
    gains = [_gain(contents, contents.selected[0], other) for other in contents.selected[1:]]
    return [sentence for sentence in gains if sentence]


def audit_words(found: Audit) -> list[str]:
    """What an audit of the faces means for what follows; [] where it found nothing."""
    sentences = []
    if found.constant["total"]:
        sentences.append(f"{_images(found.constant['total'])} of one gray all over: no face can be seen there.")
    copies = found.duplicates["train"]
    if copies.groups:
        sentences.append(
            f"Within train {whole(copies.images)} images are copies of one another, in {whole(copies.groups)} groups: "
            "train holds fewer different faces than it counts."
        )
    if found.leaks["validation_in_train"]:
        sentences.append(
            f"{whole(found.leaks['validation_in_train'])} validation images stand pixel for pixel in train too, which "
            "flatters validation accuracy a little."
        )
    if found.conflicts.groups:
        sentences.append(
            f"{_images(found.conflicts.images)} copies whose labels contradict each other, in "
            f"{whole(found.conflicts.groups)} groups: no net can be right on all of them."
        )
    return sentences


def verdict(p: float) -> str:
    """McNemar's p in words."""
    return "beyond chance" if p < CHANCE else "may be chance"


def _spread(found: Measure, faces: int, seeds: int) -> str:
    parts = [f"n = {whole(faces)} faces"]
    if found.interval:
        parts.insert(0, f"95 % interval {percent(found.interval[0])} to {percent(found.interval[1])} %")
    if seeds > 1:
        spread = f", standard deviation {100 * found.sd:.1f} points" if found.sd is not None else ""
        parts.append(f"mean of {seeds} seeds{spread}")
    return "; ".join(parts) + "."


def _lead(contents: Contents, group: str) -> str:
    ranked = sorted(
        (net for net in contents.members(group) if net.validation and net.facts["state"] == "finished"),
        key=lambda net: (net.selected, net.validation.value if net.validation else 0.0),
        reverse=True,
    )
    if not ranked or ranked[0].validation is None:
        return ""
    first = ranked[0]
    if len(ranked) == 1 or ranked[1].validation is None:
        others = len(contents.members(group)) > 1
        return f"{first.name} is the only net that came to its end." if others else ""
    second, lead = ranked[1], apart(ranked[0].validation.value, ranked[1].validation.value)
    text = f"{first.name} is best on validation with {percent(ranked[0].validation.value)} %"
    if lead <= 0:
        return f"{text}, level with {second.name}."
    test = contents.comparison(first.name, second.name, "validation")
    return f"{text}, {points(lead)} ahead of {second.name}{beyond(contents, test)}."


def _gain(contents: Contents, best: NetResult, other: NetResult) -> str:
    split = "test" if best.test and other.test else "validation"
    mine, its = best.measure(f"{split}_accuracy"), other.measure(f"{split}_accuracy")
    if mine is None or its is None:
        return ""
    difference = apart(mine.value, its.value)
    test = contents.comparison(best.name, other.name, split)
    if difference > 0:
        first = f"{best.name} gains {points(difference)} over {other.name} on {split}"
    elif difference < 0:
        first = f"{best.name}, best on validation, is {points(-difference)} behind {other.name} on {split}"
        test = contents.comparison(other.name, best.name, split)
    else:
        first, test = f"{best.name} and {other.name} are level on {split}", None
    text = f"{first} ({percent(mine.value)} against {percent(its.value)} %){beyond(contents, test)}."
    return f"{text} {_cost(contents, best, other, 'It' if difference else best.name)}".strip()


def _cost(contents: Contents, best: NetResult, other: NetResult, subject: str) -> str:
    a, b = best.facts, other.facts
    if not a["seconds"] or not b["seconds"] or not b["parameters"]:
        return ""
    took = " against ".join(_time(contents, net) for net in (best, other))
    size = f"has {times(a['parameters'] / b['parameters'], 'number of parameters')}"
    size += f" ({whole(a['parameters'])} against {whole(b['parameters'])})"
    if a["parameters"] == b["parameters"]:
        size = f"has as many parameters ({whole(a['parameters'])})"
    return f"{subject} takes {times(a['seconds'] / b['seconds'], 'training time')} ({took}) and {size}."


def _time(contents: Contents, net: NetResult) -> str:
    """A net's training time, and that of the search behind it."""
    search = contents.facts.get("tuning", {}).get(net.name)
    after = f" after a search of {duration(search['seconds'])}" if search else ""
    return f"{duration(net.facts['seconds'])}{after}"


def beyond(contents: Contents, test: Comparison | None) -> str:
    """The tail of "a is ahead of b": whether McNemar's test bears it out. `test` is seen from the one that is ahead."""
    if test is None:
        return ""
    p = f"McNemar p {probability(test.p)}" if test.p < 0.001 else f"McNemar p = {probability(test.p)}"
    whose = f", by the runs of seed {contents.facts['seeds'][0]}" if len(contents.facts["seeds"]) > 1 else ""
    if test.p >= CHANCE:
        return f", which may be chance ({p}{whose})"
    if test.a_alone > test.b_alone:
        return f", beyond chance ({p}{whose})"
    return f", though the runs compared point the other way ({p}{whose})"


def _fit(contents: Contents, group: str) -> list[str]:
    gaps = [
        (apart(net.train.value, net.validation.value), net)
        for net in contents.members(group)
        if net.train and net.validation
    ]
    over = sorted((gap for gap in gaps if gap[0] > OVERFIT), key=lambda gap: -gap[0])
    rest = [net.name for gap, net in gaps if gap <= OVERFIT]
    sentences = []
    if over:
        gap, worst = over[0]
        assert worst.train is not None
        assert worst.validation is not None
        others = f" So do {listed([net.name for _, net in over[1:]])}, less so." if len(over) > 2 else ""
        others = f" So does {over[1][1].name}, less so." if len(over) == 2 else others
        sentences.append(
            f"{worst.name} over-fits{' most' if len(gaps) > 1 else ''}: {percent(worst.train.value)} % on train, "
            f"{percent(worst.validation.value)} % on validation, a gap of {points(gap)}.{others}"
        )
    if rest:
        verb = "does" if len(rest) == 1 else "do"
        sentences.append(
            f"{listed(rest)} {verb} about as well on validation as on train (within {points(OVERFIT)}): "
            "what limits such a net is not over-fitting."
        )
    return sentences


def points(share: float) -> str:
    """A difference of two shares in percentage points: `1.0 point`, `10.8 points`."""
    text = percent(share)
    return f"{text} point{'' if text == '1.0' else 's'}"


def apart(a: float, b: float) -> float:
    """The difference a - b as a reader sees it who has both in per cent with one digit."""
    return round(round(a, 3) - round(b, 3), 3)


def times(ratio: float, what: str) -> str:
    """A ratio in words: `5.4 times the training time`, `about the same training time`."""
    if 0.95 <= ratio <= 1.05:
        return f"about the same {what}"
    digits = ".1f" if ratio >= 1.95 else ".2f" if ratio >= 0.095 else ".2g"
    return f"{ratio:{digits}} times the {what}"


def _images(number: int) -> str:
    return "1 image is" if number == 1 else f"{whole(number)} images are"


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them: `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
