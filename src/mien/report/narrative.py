"""Sentences about a study, made from its numbers, each only as strong as they are."""

from collections.abc import Sequence
from dataclasses import dataclass

from mien.faces.audit import Audit
from mien.report.study_data import ReportedNet, ReportedStudy
from mien.report.tables import duration, percent, probability, whole, with_spread
from mien.runs.metrics import Accuracy, McNemar

CHANCE = 0.05
"""A difference is called beyond chance where McNemar's p is below this."""

OVERFIT = 0.10
"""Train accuracy above validation accuracy by more than this is called over-fitting."""


@dataclass(frozen=True)
class Answer:
    """The study's answer: one line, and what belongs to it."""

    headline: str
    details: tuple[str, ...]


def answer(study: ReportedStudy) -> Answer:
    """Which net is best and how good it is on faces that no choice has looked at."""
    if not study.selected:
        done = len(study.evaluated)
        why = "A net counts when all of its seeds came to their end." if done else "The reasons stand below."
        return Answer("No net came to its end.", (why,))
    best = study.selected[0]
    split, accuracy = ("test", best.test) if best.test else ("validation", best.validation)
    assert accuracy is not None
    details = [_spread(accuracy, study.total(split), len(study.results.seeds))]
    clean, leaked = best.result.accuracy.test_without_leaks, study.results.faces.leaked_test
    if split == "validation":
        details.append("It was selected on these very faces and no test face was looked at, so expect a little less.")
    elif leaked and clean:
        stand = "test face that also stands" if leaked == 1 else f"{whole(leaked)} test faces that also stand"
        details.append(f"Without the {stand} in train: {with_spread(clean)} %.")
    counts = study.results.faces.counts.get(split, {})
    if counts:
        most = max(counts, key=lambda name: counts[name])
        share = counts[most] / max(sum(counts.values()), 1)
        details.append(f"Always answering {most} would be correct for {percent(share)} %.")
    return Answer(f"{best.name} recognises {percent(accuracy.mean)} % of the {split} faces.", tuple(details))


def narrate_group(study: ReportedStudy, group: str) -> list[str]:
    """Which net leads a comparison table and by how much, and which nets over-fit."""
    return [sentence for sentence in [_lead(study, group), *_fit(study, group)] if sentence]


def narrate_study(study: ReportedStudy) -> list[str]:
    """What the study's best gains over the best of each other table, and at which cost."""
    gains = [_gain(study, study.selected[0], other) for other in study.selected[1:]]
    return [sentence for sentence in gains if sentence]


def narrate_audit(audit: Audit) -> list[str]:
    """What an audit of the faces means for the study; [] where it has no findings."""
    sentences = []
    if constant := audit.constant["total"]:
        images = count(constant, "image is", "images are")
        sentences.append(f"{images} of one gray all over: no face can be seen there.")
    copies, conflicts = audit.duplicates["train"], audit.conflicts
    if copies.groups:
        sentences.append(
            f"Within train {whole(copies.images)} images are copies of one another, in "
            f"{count(copies.groups, 'group', 'groups')}: train holds fewer different faces than it counts."
        )
    if leaks := audit.leaks["validation_in_train"]:
        sentences.append(
            f"{count(leaks, 'validation image stands', 'validation images stand')} pixel for pixel in train too, which "
            "flatters validation accuracy a little."
        )
    if conflicts.groups:
        sentences.append(
            f"{count(conflicts.images, 'image is a copy', 'images are copies')} with labels that contradict each "
            f"other, in {count(conflicts.groups, 'group', 'groups')}: no net can be correct on all of them."
        )
    return sentences


def verdict(p: float) -> str:
    """McNemar's p in words."""
    return "beyond chance" if p < CHANCE else "may be chance"


def _spread(accuracy: Accuracy, faces: int, seeds: int) -> str:
    low, high = map(percent, accuracy.interval)
    parts = [f"95 % interval {low} to {high} %", f"n = {count(faces, 'face', 'faces')}"]
    if seeds > 1:
        spread = f", standard deviation {100 * accuracy.sd:.1f} points" if accuracy.sd is not None else ""
        parts.append(f"mean of {seeds} seeds{spread}")
    return "; ".join(parts) + "."


def _lead(study: ReportedStudy, group: str) -> str:
    ranked = sorted(
        (
            (net, net.validation.mean)
            for net in study.members(group)
            if net.validation and net.result.state == "finished"
        ),
        key=lambda pair: (pair[0].selected, pair[1]),
        reverse=True,
    )
    if not ranked:
        return ""
    first, best = ranked[0]
    if len(ranked) == 1:
        others = len(study.members(group)) > 1
        return f"{first.name} is the only net that came to its end." if others else ""
    second, lead = ranked[1][0], apart(best, ranked[1][1])
    text = f"{first.name} is best on validation with {percent(best)} %"
    if lead <= 0:
        return f"{text}, level with {second.name}."
    test = study.mcnemar(first.name, second.name, "validation")
    return f"{text}, {points(lead)} ahead of {second.name}{beyond(study, test)}."


def _gain(study: ReportedStudy, best: ReportedNet, other: ReportedNet) -> str:
    split = "test" if best.test and other.test else "validation"
    mine, its = best.result.accuracy.of(split), other.result.accuracy.of(split)
    if mine is None or its is None:
        return ""
    difference = apart(mine.mean, its.mean)
    test = study.mcnemar(best.name, other.name, split)
    if difference > 0:
        first = f"{best.name} gains {points(difference)} over {other.name} on {split}"
    elif difference < 0:
        first = f"{best.name}, best on validation, is {points(-difference)} behind {other.name} on {split}"
        test = study.mcnemar(other.name, best.name, split)
    else:
        first, test = f"{best.name} and {other.name} are level on {split}", None
    text = f"{first} ({percent(mine.mean)} against {percent(its.mean)} %){beyond(study, test)}."
    return f"{text} {_cost(study, best, other, 'It' if difference else best.name)}".strip()


def _cost(study: ReportedStudy, best: ReportedNet, other: ReportedNet, subject: str) -> str:
    a, b = best.result, other.result
    if not a.seconds or not b.seconds or a.parameters is None or not b.parameters:
        return ""
    took = " against ".join(_time(study, net) for net in (best, other))
    size = f"has {times(a.parameters / b.parameters, 'number of parameters')}"
    size += f" ({whole(a.parameters)} against {whole(b.parameters)})"
    if a.parameters == b.parameters:
        size = f"has as many parameters ({whole(a.parameters)})"
    return f"{subject} takes {times(a.seconds / b.seconds, 'training time')} ({took}) and {size}."


def _time(study: ReportedStudy, net: ReportedNet) -> str:
    """A net's training time, and that of the search behind it."""
    search = study.results.tuning.get(net.name)
    after = f" after a search of {duration(search.seconds)}" if search else ""
    return f"{duration(net.result.seconds or 0.0)}{after}"


def beyond(study: ReportedStudy, test: McNemar | None) -> str:
    """The tail of "a is ahead of b": whether McNemar's test bears it out. `test` is seen from the one that is ahead."""
    if test is None:
        return ""
    seeds = study.results.seeds
    p = f"McNemar p {probability(test.p)}" if test.p < 0.001 else f"McNemar p = {probability(test.p)}"
    whose = f", by the runs of seed {seeds[0]}" if len(seeds) > 1 else ""
    if test.p >= CHANCE:
        return f", which may be chance ({p}{whose})"
    if test.only_a > test.only_b:
        return f", beyond chance ({p}{whose})"
    return f", though the runs compared point the other way ({p}{whose})"


def _fit(study: ReportedStudy, group: str) -> list[str]:
    gaps = [
        (apart(net.train.mean, net.validation.mean), net.name, net.train.mean, net.validation.mean)
        for net in study.members(group)
        if net.train and net.validation
    ]
    over = sorted((gap for gap in gaps if gap[0] > OVERFIT), key=lambda gap: -gap[0])
    rest = [name for gap, name, _, _ in gaps if gap <= OVERFIT]
    sentences = []
    if over:
        gap, worst, train, validation = over[0]
        others = f" So do {listed([name for _, name, _, _ in over[1:]])}, less so." if len(over) > 2 else ""
        others = f" So does {over[1][1]}, less so." if len(over) == 2 else others
        sentences.append(
            f"{worst} over-fits{' most' if len(gaps) > 1 else ''}: {percent(train)} % on train, "
            f"{percent(validation)} % on validation, a gap of {points(gap)}.{others}"
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


def count(number: int, one: str, many: str) -> str:
    """A number and its noun: `1 group`, `2,300 groups`."""
    return f"{whole(number)} {one if number == 1 else many}"


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them: `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
