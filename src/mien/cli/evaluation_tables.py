"""What `mien test` says to people: a line a model, then emotion by emotion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from mien.cli.study_progress import percent
from mien.cli.tables import print_wide, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table


LABELLED = {"majority": ", labelled by FER+'s majority", "agreed": ", of whose labels FER+'s majority says the same"}
"""What is told of faces that do not simply carry their source's labels."""


def show_tested(told: dict[str, Any]) -> None:
    """Print the JSON of `mien test` as tables."""
    from rich.markup import escape

    models = [model | {"model": escape(model["model"])} for model in told["models"]]
    first = models[0]
    what = "faces" if "fingerprint" in told else "photos"
    whose = LABELLED.get(told.get("labels", "own"), "")
    print_wide(f"{escape(told['source'])}, {told['split']}: {first['faces']:,} {what}{whose}")
    for note in told.get("notes", ()):
        print_wide(f"note: {escape(note)}")
    for emotion, count in first["left_out"].items():
        print_wide(f"left out: {count:,} of {escape(emotion)}, for which {first['model']} has no word")
    for path, why in told.get("unread", {}).items():
        typer.echo(f"mien: {path}: {why}; left out", err=True)
    print_wide(_accuracies(models))
    print_wide("")
    if any("per_class" in model for model in models):
        print_wide(_emotions(models))
    for model in models:
        if "confusion" in model:
            print_wide("")
            print_wide(_confusion(model))
    print_wide("")
    for pair in told["comparisons"]:
        a, b = escape(pair["a"]), escape(pair["b"])
        lead = "may be chance" if pair["p"] > 0.05 else "is more than chance"
        print_wide(
            f"{a} beside {b}: only {a} is right on {pair['only_a']:,}, only {b} on {pair['only_b']:,}; "
            f"the difference {lead} (McNemar's p = {pair['p']:.2g})"
        )
    if "corruptions" in told:
        print_wide("")
        print_wide(_changes(told["corruptions"], [model["model"] for model in told["models"]]))


def _accuracies(models: Sequence[dict[str, Any]]) -> Table:
    leaks, missed = (any(model.get(key) for model in models) for key in ("leaked", "not_found"))
    numbers = ["right %", "95 %"]
    numbers += [f"without the {models[0]['leaked']:,} in train %", "95 %"] if leaks else []
    numbers += ["no face found"] if missed else []
    table = table_of(["model"], [*numbers, "balanced %", "macro-F1 %", "calibration error %"])
    for model in models:
        cells = [percent(model["accuracy"]), _interval(model, "low", "high")]
        if leaks:
            cells += [percent(model.get("accuracy_without_leaks"))]
            cells += [_interval(model, "without_leaks_low", "without_leaks_high")]
        cells += [f"{model['not_found']:,}"] if missed else []
        cells += [percent(model.get(key)) for key in ("balanced_accuracy", "macro_f1", "ece")]
        table.add_row(model["model"], *cells)
    return table


def _emotions(models: Sequence[dict[str, Any]]) -> Table:
    """How many of each emotion's faces are known as such, and how many of those called so are."""
    headings = [f"{model['model']}: {what} %" for model in models for what in ("recall", "precision")]
    table = table_of(["emotion"], ["faces", *headings])
    first = models[0].get("per_class", {})
    for emotion, score in first.items():
        if not score["support"]:
            continue
        each = [model.get("per_class", {}).get(emotion, {}) for model in models]
        cells = [percent(one.get(what)) for one in each for what in ("recall", "precision")]
        table.add_row(emotion, f"{score['support']:,}", *cells)
    return table


def _confusion(model: dict[str, Any]) -> Table:
    """Of the faces of each emotion, the row, how many in a hundred are judged each."""
    title = f"{model['model']}: of the faces of an emotion, % judged each"
    table = table_of([""], model["classes"], title)
    for name, row in zip(model["classes"], model["confusion"], strict=True):
        if sum(row):
            table.add_row(name, *(f"{100 * count / sum(row):.0f}" for count in row))
    return table


def _changes(rows: Sequence[dict[str, Any]], models: Sequence[str]) -> Table:
    from rich.markup import escape

    table = table_of(["the faces changed"], [f"{escape(model)}: right %" for model in models])
    for row in rows:
        table.add_row(row["corruption"], *(percent(row[model]) for model in models))
    return table


def _interval(model: dict[str, Any], low: str, high: str) -> str:
    return f"{percent(model[low])} to {percent(model[high])}" if low in model else ""
