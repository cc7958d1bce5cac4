"""The study's tables, each made from its numbers."""

from collections.abc import Sequence

from mien.nets import summary
from mien.nets.backbones import AbsentError
from mien.report.face_images import Mistake
from mien.report.narrative import verdict
from mien.report.study_data import Comparison, Contents, NetResult, measure
from mien.report.tables import Column, Table, duration, percent, probability, whole
from mien.study.config.ensembles import weighed


def counts_table(contents: Contents) -> Table:
    """Faces of each emotion in each split."""
    counts, splits = contents.faces["counts"], contents.splits
    columns = [Column("emotion", "emotion", lead=True), *(Column(split, split, whole, True) for split in splits)]
    share = Column("train_share", "share of train, %", percent, True)
    total = max(contents.total("train"), 1)
    rows = [
        (name, *(counts[split][name] for split in splits), counts["train"][name] / total) for name in contents.classes
    ]
    rows.append(("all", *(contents.total(split) for split in splits), 1.0))
    last = frozenset([len(rows) - 1])
    return Table("counts", "Faces in each split", (*columns, share), tuple(rows), marked=last)


def comparison_table(contents: Contents, nets: Sequence[NetResult], name: str, title: str) -> Table:
    """Nets side by side: accuracies with intervals, time, parameters, epochs; the selected are marked."""
    columns = (
        Column("name", "net", lead=True),
        Column("group", "group"),
        Column("state", "state"),
        Column("train_accuracy", "train, %", lambda found: percent(found.value), True),
        Column("validation_accuracy", "validation, %", number=True),
        Column("test_accuracy", "test, %", number=True),
        Column("seconds", "training time", duration, True),
        Column("parameters", "parameters", whole, True),
        Column("trainable", "trainable", whole, True),
        Column("epochs", "epochs", whole, True),
    )
    keep = [column for column in columns if column.key != "state" or any(n.facts["state"] != "finished" for n in nets)]
    together = name == "comparison"
    if together:  # what is left out here stands in each group's own
        keep = [column for column in keep if column.key not in ("trainable", "epochs")]
    else:
        keep = [column for column in keep if column.key != "group"]
    if not any(net.test for net in nets):
        keep = [column for column in keep if column.key != "test_accuracy"]
    if all(net.facts["trainable"] == net.facts["parameters"] for net in nets):
        keep = [column for column in keep if column.key != "trainable"]
    rows = tuple(tuple(_cell(net, column.key) for column in keep) for net in nets)
    marked = frozenset(place for place, net in enumerate(nets) if net.selected)
    seeds = "after ± the standard deviation over seeds, " if len(contents.facts["seeds"]) > 1 else ""
    notes = f"All accuracies in %; {seeds}in brackets the 95 % interval. Bold: the best of its group on validation."
    return Table(name, title, tuple(keep), rows, notes if together else "", marked, sortable=len(nets) > 1)


def selected_table(contents: Contents) -> Table:
    """The best net of each group by every score, on the split it is judged on."""
    columns = [
        Column("name", "net", lead=True),
        Column("judged_on", "judged on"),
        Column("accuracy", "accuracy, %", number=True),
        Column("test_accuracy_without_leaks", "without leaked faces, %", number=True),
        Column("balanced_accuracy", "balanced, %", percent, True),
        Column("macro_f1", "macro-F1, %", percent, True),
        Column("nll", "cross-entropy", "{:.3f}".format, True),
        Column("ece", "calibration error, %", percent, True),
    ]
    nets = [net for net in contents.selected if net.judged_on]
    if not contents.faces["leaked_test"] or not any(net.test for net in nets):
        del columns[3]
    rows = tuple(
        tuple(net.measure(f"{net.judged_on}_accuracy") if c.key == "accuracy" else _cell(net, c.key) for c in columns)
        for net in nets
    )
    title = "The selected net, judged" if len(nets) == 1 else "The best of each group, judged"
    return Table("selected", title, tuple(columns), rows, sortable=len(rows) > 1)


def ensembles_table(contents: Contents) -> Table:
    """Nets that are judged together, beside the best of them."""
    columns: tuple[Column, ...] = (
        Column("name", "ensemble", lead=True),
        Column("nets", "nets"),
        Column("validation_accuracy", "validation, %", number=True),
        Column("test_accuracy", "test, %", number=True),
        Column("test_accuracy_without_leaks", "without leaked faces, %", number=True),
        Column("macro_f1", "macro-F1, %", percent, True),
        Column("ece", "calibration error, %", percent, True),
        Column("best", "best of them"),
        Column("p", "p", probability, True),
    )
    if any(one.get("reason") for one in contents.ensembles):
        columns = (*columns, Column("reason", "why not judged"))
    keep = [column for column in columns if not column.key.startswith("test") or contents.total("test")]
    if not contents.faces["leaked_test"]:
        keep = [column for column in keep if column.key != "test_accuracy_without_leaks"]
    rows = []
    for one in contents.ensembles:
        p = one["against_best"]["p"] if "against_best" in one else None
        cells: dict[str, object] = {**one, "nets": weighed(one["nets"], one["weights"]), "p": p}
        cells |= {column.key: measure(one, column.key) for column in keep if "_accuracy" in column.key}
        rows.append(tuple(cells.get(column.key) for column in keep))
    return Table("ensembles", "Nets together, by the mean of their probabilities", tuple(keep), tuple(rows))


def mcnemar_table(comparisons: Sequence[Comparison], name: str, title: str) -> Table:
    """McNemar's tests of pairs of nets, those on test first."""
    comparisons = sorted(comparisons, key=lambda one: one.split != "test")
    columns = (
        Column("a", "net a", lead=True),
        Column("b", "net b"),
        Column("split", "on"),
        Column("a_alone", "only a right", whole, True),
        Column("b_alone", "only b right", whole, True),
        Column("p", "p", probability, True),
        Column("verdict", "the difference"),
    )
    rows = tuple((c.a, c.b, c.split, c.a_alone, c.b_alone, c.p, verdict(c.p)) for c in comparisons)
    return Table(name, title, columns, rows, sortable=len(rows) > 1)


def layers_table(contents: Contents, net: NetResult) -> Table:
    """The layers of a net, their output shapes and parameters; where it needs timm, and there is none, its words."""
    columns: tuple[Column, ...] = (
        Column("layer", "layer", lead=True),
        Column("word", "word"),
        Column("output_shape", "output shape"),
        Column("parameters", "parameters", whole, True),
        Column("trainable", "trained", whole, True),
    )
    try:
        found = summary(net.net, contents.faces["size"], len(contents.classes))
    except AbsentError:
        words = tuple((str(word),) for word in net.facts["layers"])
        return Table(f"layers-{net.name}", f"Layers of {net.name}", (Column("word", "word", lead=True),), words)
    rows: list[tuple[object, ...]] = [
        (
            row.name,
            row.word,
            " \N{MULTIPLICATION SIGN} ".join(map(str, row.output_shape)),
            row.parameters,
            row.trainable,
        )
        for row in found
    ]
    rows.append(("all", None, None, sum(row.parameters for row in found), sum(row.trainable for row in found)))
    if all(row.trainable == row.parameters for row in found):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    last = frozenset([len(rows) - 1])
    return Table(f"layers-{net.name}", f"Layers of {net.name}", columns, tuple(rows), marked=last)


def runs_table(net: NetResult) -> Table:
    """A net's runs, one a seed."""
    columns = (
        Column("seed", "seed", number=True, lead=True),
        Column("state", "state"),
        Column("epochs", "epochs", whole, True),
        Column("kept_epoch", "kept", whole, True),
        Column("train_accuracy", "train, %", percent, True),
        Column("validation_accuracy", "validation, %", percent, True),
        Column("seconds", "training time", duration, True),
        Column("run", "folder in runs/"),
    )
    rows = []
    for run in net.runs:
        status, said = run.status, [run.predictions(split) for split in ("train", "validation")]
        shares = [None if one is None else one.accuracy for one in said]
        kept = status.selected_epoch or None
        rows.append((run.seed, status.state, len(run.history()), kept, *shares, status.seconds, run.id))
    return Table(f"runs-{net.name}", f"Runs of {net.name}", columns, tuple(rows))


def per_class_table(net: NetResult) -> Table:
    """Precision, recall, F1 and faces of each emotion."""
    columns = (
        Column("emotion", "emotion", lead=True),
        Column("precision", "precision, %", percent, True),
        Column("recall", "recall, %", percent, True),
        Column("f1", "F1, %", percent, True),
        Column("support", "faces", whole, True),
    )
    found = net.facts["per_class"]
    rows = tuple((name, *(one[key] for key in ("precision", "recall", "f1", "support"))) for name, one in found.items())
    title = f"Each emotion as {net.name} judges it on {net.judged_on}"
    return Table(f"per-class-{net.name}", title, columns, rows, sortable=True)


def confusion_table(net: NetResult) -> Table:
    """The confusion matrix as counts."""
    names = list(net.facts["per_class"])
    columns = (Column("truth", "truth \\ predicted", lead=True), *(Column(name, name, whole, True) for name in names))
    rows = tuple((name, *numbers) for name, numbers in zip(names, net.facts["confusion"], strict=True))
    return Table(f"confusion-{net.name}", f"Confusion matrix of {net.name} on {net.judged_on}, counts", columns, rows)


def mistakes_table(net: NetResult, found: Sequence[Mistake]) -> Table:
    """The most confident mistakes."""
    columns = (
        Column("row", f"row of {net.judged_on}, from 0", number=True, lead=True),
        Column("truth", "truth"),
        Column("predicted", "predicted"),
        Column("probability", "probability, %", percent, True),
    )
    rows = tuple((one.row, one.truth, one.predicted, one.probability) for one in found)
    return Table(f"mistakes-{net.name}", f"Most confident mistakes of {net.name} on {net.judged_on}", columns, rows)


def _cell(net: NetResult, key: str) -> object:
    return net.measure(key) if "_accuracy" in key and key != "balanced_accuracy" else net.facts[key]
