"""The study's tables, each made from its numbers."""

from collections.abc import Sequence

from mien.nets import summary
from mien.nets.backbones import AbsentError
from mien.report.face_images import Misclassification
from mien.report.narrative import verdict
from mien.report.study_data import ReportedNet, ReportedStudy
from mien.report.tables import Cell, Column, Table, duration, keyed_table, percent, probability, whole, with_spread
from mien.runs.results import Comparison, EnsembleResult


def counts_table(study: ReportedStudy) -> Table:
    """Faces of each emotion in each split."""
    counts, splits = study.results.faces.counts, study.splits
    columns = [Column("emotion", "emotion", lead=True), *(Column(split, split, whole, True) for split in splits)]
    share = Column("train_share", "share of train, %", percent, True)
    total = max(study.total("train"), 1)
    rows: list[tuple[Cell, ...]] = [
        (name, *(counts[split][name] for split in splits), counts["train"][name] / total) for name in study.classes
    ]
    rows.append(("all", *(study.total(split) for split in splits), 1.0))
    last = frozenset([len(rows) - 1])
    return Table("counts", "Faces in each split", (*columns, share), tuple(rows), marked=last, summed=True)


def comparison_table(study: ReportedStudy, nets: Sequence[ReportedNet], name: str, title: str) -> Table:
    """Nets side by side: accuracies with intervals, time, parameters, epochs; the selected are marked."""
    together = name == "comparison"
    columns = [
        Column("name", "net", lead=True),
        Column("group", "group"),
        Column("state", "state"),
        Column("train_accuracy", "train, %", lambda accuracy: percent(accuracy.mean), True),
        Column("validation_accuracy", "validation, %", with_spread, True),
        Column("test_accuracy", "test, %", with_spread, True),
        Column("seconds", "training time", duration, True),
        Column("parameters", "parameters", whole, True),
        Column("trainable", "trainable", whole, True),
        Column("epochs", "epochs", whole, True),
    ]
    # The table of all nets leaves out what stands in each group's own.
    left_out = {"trainable", "epochs"} if together else {"group"}
    if all(net.result.state == "finished" for net in nets):
        left_out.add("state")
    if not any(net.test for net in nets):
        left_out.add("test_accuracy")
    if all(net.result.trainable == net.result.parameters for net in nets):
        left_out.add("trainable")
    rows = [_net_cells(net) for net in nets]
    marked = frozenset(place for place, net in enumerate(nets) if net.selected)
    seeds = "after ± the standard deviation over seeds, " if len(study.results.seeds) > 1 else ""
    notes = f"All accuracies in %; {seeds}in brackets the 95 % interval. Bold: the best of its group on validation."
    return keyed_table(
        name, title, [one for one in columns if one.key not in left_out], rows,
        notes=notes if together else "", marked=marked, sortable=len(nets) > 1,
    )  # fmt: skip


def _net_cells(net: ReportedNet) -> dict[str, Cell]:
    result = net.result
    return {
        "name": net.name,
        "group": net.group,
        "state": result.state,
        "train_accuracy": net.train,
        "validation_accuracy": net.validation,
        "test_accuracy": net.test,
        "seconds": result.seconds,
        "parameters": result.parameters,
        "trainable": result.trainable,
        "epochs": result.epochs,
    }


def selected_table(study: ReportedStudy) -> Table:
    """The best net of each group by every score, on the split of its scores."""
    columns = [
        Column("name", "net", lead=True),
        Column("evaluated_on", "evaluated on"),
        Column("accuracy", "accuracy, %", with_spread, True),
        Column("test_accuracy_without_leaks", "without leaked faces, %", with_spread, True),
        Column("balanced_accuracy", "balanced, %", percent, True),
        Column("macro_f1", "macro-F1, %", percent, True),
        Column("nll", "cross-entropy", "{:.3f}".format, True),
        Column("ece", "calibration error, %", percent, True),
    ]
    nets = [net for net in study.selected if net.result.scores]
    if not study.results.faces.leaked_test or not any(net.test for net in nets):
        del columns[3]
    rows = [
        {
            "name": net.name,
            "evaluated_on": scores.evaluated_on,
            "accuracy": net.evaluated,
            "test_accuracy_without_leaks": net.result.accuracy.test_without_leaks,
            "balanced_accuracy": scores.balanced_accuracy,
            "macro_f1": scores.macro_f1,
            "nll": scores.nll,
            "ece": scores.ece,
        }
        for net in nets
        if (scores := net.result.scores)
    ]
    title = "The selected net, evaluated" if len(nets) == 1 else "The best of each group, evaluated"
    return keyed_table("selected", title, columns, rows, sortable=len(rows) > 1)


def ensembles_table(study: ReportedStudy, ensembles: Sequence[EnsembleResult]) -> Table:
    """Ensembles of a study, each beside the best of its nets."""
    columns = [
        Column("name", "ensemble", lead=True),
        Column("nets", "nets"),
        Column("validation_accuracy", "validation, %", with_spread, True),
        Column("test_accuracy", "test, %", with_spread, True),
        Column("test_accuracy_without_leaks", "without leaked faces, %", with_spread, True),
        Column("macro_f1", "macro-F1, %", percent, True),
        Column("ece", "calibration error, %", percent, True),
        Column("best", "best of them"),
        Column("p", "p", probability, True),
    ]
    if any(one.reason for one in ensembles):
        columns.append(Column("reason", "why not evaluated"))
    if not study.total("test"):
        columns = [column for column in columns if not column.key.startswith("test")]
    if not study.results.faces.leaked_test:
        columns = [column for column in columns if column.key != "test_accuracy_without_leaks"]
    rows = [_ensemble_cells(one) for one in ensembles]
    return keyed_table("ensembles", "Nets together, by the mean of their probabilities", columns, rows)


def _ensemble_cells(ensemble: EnsembleResult) -> dict[str, Cell]:
    accuracy, scores, test = ensemble.accuracy, ensemble.scores, ensemble.against_best
    return {
        "name": ensemble.name,
        "nets": ensemble.members,
        "validation_accuracy": accuracy.validation,
        "test_accuracy": accuracy.test,
        "test_accuracy_without_leaks": accuracy.test_without_leaks,
        "macro_f1": scores.macro_f1 if scores else None,
        "ece": scores.ece if scores else None,
        "best": ensemble.best,
        "p": test.p if test else None,
        "reason": ensemble.reason or None,
    }


def mcnemar_table(comparisons: Sequence[Comparison], name: str, title: str) -> Table:
    """McNemar's tests of pairs of nets, those on test first."""
    columns = [
        Column("a", "net a", lead=True),
        Column("b", "net b"),
        Column("split", "on"),
        Column("only_a", "only a correct", whole, True),
        Column("only_b", "only b correct", whole, True),
        Column("p", "p", probability, True),
        Column("verdict", "the difference"),
    ]
    rows = tuple(
        (one.a, one.b, one.split, one.mcnemar.only_a, one.mcnemar.only_b, one.mcnemar.p, verdict(one.mcnemar.p))
        for one in sorted(comparisons, key=lambda one: one.split != "test")
    )
    return Table(name, title, tuple(columns), rows, sortable=len(rows) > 1)


def layers_table(study: ReportedStudy, net: ReportedNet) -> Table:
    """The layers of a net, their output shapes and parameters; where it needs timm, and there is none, its words."""
    columns: tuple[Column, ...] = (
        Column("layer", "layer", lead=True),
        Column("word", "word"),
        Column("output_shape", "output shape"),
        Column("parameters", "parameters", whole, True),
        Column("trainable", "trained", whole, True),
    )
    try:
        layers = summary(net.net, study.results.faces.size, len(study.classes))
    except AbsentError:
        words = tuple((word,) for word in net.net.layers)
        return Table(f"layers-{net.name}", f"Layers of {net.name}", (Column("word", "word", lead=True),), words)
    rows: list[tuple[object, ...]] = [
        (
            row.name,
            row.word,
            " \N{MULTIPLICATION SIGN} ".join(map(str, row.output_shape)),
            row.parameters,
            row.trainable,
        )
        for row in layers
    ]
    rows.append(("all", None, None, sum(row.parameters for row in layers), sum(row.trainable for row in layers)))
    if all(row.trainable == row.parameters for row in layers):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    last = frozenset([len(rows) - 1])
    return Table(f"layers-{net.name}", f"Layers of {net.name}", columns, tuple(rows), marked=last, summed=True)


def runs_table(net: ReportedNet) -> Table:
    """A net's runs, one a seed."""
    columns = (
        Column("seed", "seed", number=True, lead=True),
        Column("state", "state"),
        Column("epochs", "epochs", whole, True),
        Column("selected_epoch", "weights of epoch", whole, True),
        Column("train_accuracy", "train, %", percent, True),
        Column("validation_accuracy", "validation, %", percent, True),
        Column("seconds", "training time", duration, True),
        Column("run", "folder in runs/"),
    )
    rows = []
    for run in net.runs:
        status, splits = run.status, [run.predictions(split) for split in ("train", "validation")]
        shares = [None if one is None else one.accuracy for one in splits]
        selected = status.selected_epoch or None
        rows.append((run.seed, status.state, len(run.history()), selected, *shares, status.seconds, run.id))
    return Table(f"runs-{net.name}", f"Runs of {net.name}", columns, tuple(rows))


def mistakes_table(net: ReportedNet, wrong: Sequence[Misclassification]) -> Table:
    """The most confident mistakes."""
    columns = (
        Column("row", f"row of {net.evaluated_on}, from 0", number=True, lead=True),
        Column("truth", "truth"),
        Column("predicted", "predicted"),
        Column("probability", "probability, %", percent, True),
    )
    rows = tuple((one.row, one.truth, one.predicted, one.probability) for one in wrong)
    title = f"Most confident mistakes of {net.name} on {net.evaluated_on}"
    return Table(f"mistakes-{net.name}", title, columns, rows)
