"""The tables that `mien test` prints: accuracies, scores by emotion, confusion, pairs of models, corruptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mien.cli.study_progress import percent
from mien.cli.tables import print_wide, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from mien.evaluation.results import Evaluation, EvaluationReport
    from mien.runs.metrics import Accuracy

LABELLED = {"majority": ", labelled by FER+'s majority", "agreed": ", on whose labels FER+'s majority agrees"}
"""What is added about faces that do not simply have their source's labels."""


def show_report(report: EvaluationReport) -> None:
    """Print an evaluation as tables."""
    from rich.markup import escape

    from mien.errors import counted

    first = report.models[0]
    faces = counted(len(first.labels), "face" if report.fingerprint else "photo")
    print_wide(f"{escape(report.source)}, {report.split}: {faces}{LABELLED.get(report.labels, '')}")
    for note in report.notes:
        print_wide(f"note: {escape(note)}")
    for emotion, count in first.left_out.items():
        print_wide(f"left out: {count:,} of {escape(emotion)}, which {escape(first.model)} does not know")
    for path, reason in (report.unread or {}).items():
        typer.echo(f"mien: {path}: {reason}; left out", err=True)
    print_wide(_accuracies(report.models))
    print_wide("")
    scored = [model for model in report.models if model.scores]
    if scored:
        print_wide(_emotions(scored))
    for model in scored:
        print_wide("")
        print_wide(_confusion(model))
    print_wide("")
    for pair in report.pairs:
        a, b, test = escape(pair.a), escape(pair.b), pair.mcnemar
        chance = "may be chance" if test.p > 0.05 else "is more than chance"
        print_wide(
            f"{a} and {b}: only {a} is correct on {test.only_a:,}, only {b} on {test.only_b:,}; "
            f"the difference {chance} (McNemar's p = {test.p:.2g})"
        )
    if report.corruptions:
        print_wide("")
        print_wide(_corruptions(report))


def _accuracies(models: Sequence[Evaluation]) -> Table:
    from rich.markup import escape

    leaks = int(models[0].leaked.sum())
    numbers = ["accuracy %", "95 %"]
    numbers += [f"without the {leaks:,} in train %", "95 %"] if leaks else []
    numbers += ["no face found"] if any(model.not_detected for model in models) else []
    table = table_of(["model"], [*numbers, "balanced %", "macro-F1 %", "calibration error %"])
    for model in models:
        cells = _with_interval(model.accuracy)
        cells += _with_interval(model.accuracy_without_leaks) if leaks else []
        cells += [f"{model.not_detected:,}"] if "no face found" in numbers else []
        scores = model.scores
        cells += map(percent, (scores.balanced_accuracy, scores.macro_f1, scores.ece)) if scores else [""] * 3
        table.add_row(escape(model.model), *cells)
    return table


def _emotions(models: Sequence[Evaluation]) -> Table:
    """Recall and precision of each model for each emotion of the first; of a single model the area under ROC too."""
    from rich.markup import escape

    parts = ("recall %", "precision %", "ROC area")[: 3 if len(models) == 1 else 2]
    table = table_of(["emotion"], ["faces", *(f"{escape(model.model)}: {part}" for model in models for part in parts)])
    by_emotion = [dict(zip(model.classes, model.scores.per_class, strict=True)) for model in models if model.scores]
    for emotion, score in by_emotion[0].items():
        if score.support:
            cells = [cell for model in models for cell in _emotion(model, emotion)[: len(parts)]]
            table.add_row(emotion, f"{score.support:,}", *cells)
    return table


def _emotion(model: Evaluation, emotion: str) -> list[str]:
    """Three cells: recall, precision and area under ROC; empty where the model does not know the emotion."""
    if emotion not in model.classes or model.scores is None or model.areas is None:
        return [""] * 3
    place = model.classes.index(emotion)
    score, ranked = model.scores.per_class[place], model.areas.per_class[place]
    return [percent(score.recall), percent(score.precision), f"{ranked.roc_auc.value:.3f}" if ranked else ""]


def _confusion(model: Evaluation) -> Table:
    """Of the faces of each emotion, the row, the percentage predicted as each, the column."""
    from rich.markup import escape

    table = table_of([""], model.classes, f"{escape(model.model)}: % of an emotion's faces predicted as each emotion")
    for name, row in zip(model.classes, model.confusion, strict=True):
        if row.any():
            table.add_row(name, *(f"{100 * count / row.sum():.0f}" for count in row))
    return table


def _corruptions(report: EvaluationReport) -> Table:
    from rich.markup import escape

    table = table_of(["corruption"], [f"{escape(model.model)}: accuracy %" for model in report.models])
    for name, accuracies in report.corruptions.items():
        table.add_row(name, *map(percent, accuracies))
    return table


def _with_interval(accuracy: Accuracy | None) -> list[str]:
    """Two cells: `71.3`, `69.8 to 72.7`."""
    return [percent(accuracy.mean), " to ".join(map(percent, accuracy.interval))] if accuracy else ["", ""]
