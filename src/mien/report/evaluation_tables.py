"""Tables of one net's or model's predictions of one split."""

from mien.report.tables import Column, Table, area, keyed_table, percent, whole
from mien.runs.results import SplitScores


def per_class_table(name: str, scores: SplitScores) -> Table:
    """Precision, recall, F1, areas and faces of each emotion, of the net with this name."""
    columns = [
        Column("emotion", "emotion", lead=True),
        Column("precision", "precision, %", percent, True),
        Column("recall", "recall, %", percent, True),
        Column("f1", "F1, %", percent, True),
        Column("support", "faces", whole, True),
        Column("roc_auc", "area under ROC", area, True),
        Column("average_precision", "average precision", area, True),
    ]
    if not scores.areas:
        del columns[5:]
    rows = [
        {
            "emotion": emotion,
            "precision": one.precision,
            "recall": one.recall,
            "f1": one.f1,
            "support": one.support,
            "roc_auc": ranked.roc_auc if ranked else None,
            "average_precision": ranked.average_precision if ranked else None,
        }
        for emotion, one in scores.per_class.items()
        for ranked in [scores.areas.get(emotion)]
    ]
    title = f"Each emotion as {name} recognises it on {scores.evaluated_on}"
    notes = ""
    if macro := scores.macro_areas:
        notes = f"Mean of the areas under ROC {area(macro.roc_auc)}, of the average precisions "
        notes += f"{area(macro.average_precision)}; in brackets the 95 % interval."
    return keyed_table(f"per-class-{name}", title, columns, rows, notes=notes, sortable=True)


def confusion_table(name: str, scores: SplitScores) -> Table:
    """The confusion matrix as counts, of the net with this name."""
    emotions = list(scores.per_class)
    columns = (Column("truth", "truth \\ predicted", lead=True), *(Column(one, one, whole, True) for one in emotions))
    rows = tuple((emotion, *counts) for emotion, counts in zip(emotions, scores.confusion, strict=True))
    title = f"Confusion matrix of {name} on {scores.evaluated_on}, counts"
    return Table(f"confusion-{name}", title, columns, rows)
