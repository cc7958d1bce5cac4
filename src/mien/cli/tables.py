"""The study's verbs' tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from mien.cli.study_progress import STYLES, duration, percent

if TYPE_CHECKING:
    from rich.table import Table

    from mien.runs.compare import ComparedNets
    from mien.runs.metrics import Accuracy
    from mien.runs.results import EnsembleResult, GroupResult, Results, SplitAccuracies
    from mien.runs.summary import RunSummary
    from mien.studies import BundledStudy
    from mien.study.outline import Outline
    from mien.study.search.trials import ListedSearch

WIDE = 200
"""Columns of a table that goes to a file or another program, where nothing need be cut."""


def show_studies(studies: Sequence[BundledStudy]) -> None:
    """Print the study files that come with mien, each with what it is for and what it needs."""
    from textwrap import fill

    indent = " " * (max(len(study.name) for study in studies) + 2)
    for study in studies:
        nets = f"nets: {', '.join(study.nets)}"
        needs = f"data: {study.data}; time: {study.time}"
        for number, line in enumerate((study.about, nets, needs)):
            first = study.name.ljust(len(indent)) if number == 0 else indent
            typer.echo(fill(line, 100, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False))
    typer.echo("run one: mien study NAME; those on FER2013 with --data path/to/fer2013")


def show_plan(outline: Outline) -> None:
    """Print what a study will run, see `mien.study.outline`."""
    from rich.markup import escape

    from mien.faces.clean import describe_left_out
    from mien.study.plan import skipped_lines

    faces = outline.faces
    splits = ", ".join(f"{split} {sum(counts.values()):,}" for split, counts in faces.counts.items())
    print_wide(f"[bold]{outline.study}[/] in {outline.folder}")
    print_wide(f"faces: {faces.name}, {faces.size}x{faces.size}: {splits}; fingerprint {faces.fingerprint[:10]}")
    for note in faces.notes:
        print_wide(f"note: {escape(note)}")
    for line in describe_left_out(faces.left_out):
        print_wide(f"left out: {line}")
    if faces.leaked_test:
        images = "image is" if faces.leaked_test == 1 else "images are"
        print_wide(
            f"{faces.leaked_test} test {images} pixel for pixel in train; accuracies on test are given with and without"
        )
    table = table_of(
        ["net", "group", "optimizer"], ["layers", "parameters", "epochs", "batch", "runs", "to do", "time a run"]
    )
    for net in outline.nets:
        recipe, states = net.recipe, net.states
        numbers = [net.layers, net.parameters, recipe.epochs, recipe.batch, len(states), net.missing]
        cells = [*map(_number, numbers), "skipped" if net.skipped else duration(net.seconds)]
        table.add_row(net.name, net.group, recipe.optimizer, *cells)
    print_wide(table)
    for line in skipped_lines({net.name: net.skipped for net in outline.nets}):
        print_wide(escape(line))
    for net in outline.nets:
        if net.trials and not net.skipped:
            print_wide(
                f"{net.name}: at most {net.trials} {'trial' if net.trials == 1 else 'trials'}; pruning may shorten them"
            )
    runs, todo = sum(len(net.states) for net in outline.nets), sum(net.missing for net in outline.nets)
    seeds = f"seed{'' if len(outline.seeds) == 1 else 's'} {', '.join(map(str, outline.seeds))}"
    print_wide(f"{runs} run{'' if runs == 1 else 's'} with {seeds}; {todo} to do, about {duration(outline.seconds)}")


def _number(value: int | None) -> str:
    """`2,723,303`; "" where it is not known."""
    return "" if value is None else f"{value:,}"


def show_results(results: Results) -> None:
    """Print a study's comparison tables and the test accuracy of the selected nets."""
    from rich.markup import escape

    for group in results.groups:
        table = table_of(["net"], ["train %", "validation %", "95 %", "time", "parameters"], title=group.name)
        for net in (results.by_name[name] for name in group.nets):
            validation = net.accuracy.validation
            cells = [_share(net.accuracy.train), _share(validation), _interval(validation)]
            cells += ["skipped" if net.state == "skipped" else duration(net.seconds), _number(net.parameters)]
            style = "bold" if net.selected else None
            table.add_row(net.name + (" *" if net.selected else ""), *cells, style=style)
        print_wide(table)
    states = {"failed": "[red]failed[/]", "skipped": "was [yellow]skipped[/]"}
    for net in results.nets:
        if net.state in states:
            print_wide(f"{net.name} {states[net.state]}: {escape(net.reason)}")
    for group in results.groups:
        print_wide(_selected(group, results))
    if results.ensembles:
        print_wide(_ensembles(results.ensembles))
    for ensemble in results.ensembles:
        if ensemble.reason:
            print_wide(f"{ensemble.name} was not evaluated; {ensemble.reason}")


def show_runs(runs: Sequence[RunSummary]) -> None:
    """Print how the runs of a study stand."""
    table = table_of(["run", "state"], ["seed", "epochs", "validation %", "time"])
    for run in runs:
        style = STYLES.get(run.state, "dim")
        epochs = f"{run.epochs}/{run.epochs_planned}"
        cells = [str(run.seed), epochs, percent(run.validation_accuracy), duration(run.seconds)]
        reason = f": {run.reason}" if run.reason else ""
        table.add_row(run.run, f"[{style}]{run.state}[/]{reason}", *cells)
    print_wide(table)


def show_trials(searches: Sequence[ListedSearch]) -> None:
    """Print the trials of tuned nets, with the search that each belongs to where a net has had several."""
    from rich.markup import escape

    several = len({search.id for search in searches}) > len({search.net for search in searches})
    texts = ["net", *(["search"] if several else []), "trial", "state", "settings"]
    table = table_of(texts, ["epochs", "score", "time"])
    for search in searches:
        for trial in search.trials:
            values = {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in trial.values.items()}
            settings = ", ".join(f"{key} {value}" for key, value in values.items())
            scores = [
                f"{percent(score)} %" if name.endswith("accuracy") else f"{score:,.0f}"
                for name, score in zip(search.objectives, trial.scores, strict=False)
            ]
            state = f"{trial.state} ({trial.reason})" if trial.reason else trial.state
            table.add_row(
                search.net, *((search.id,) if several else ()), str(trial.number), escape(state), escape(settings),
                str(trial.epochs), ", ".join(scores), duration(trial.seconds),
            )  # fmt: skip
    print_wide(table)
    if several:
        print_wide(
            "A search is another one where the space, sampler, net, recipe or faces are others; "
            "of each net the one that began last comes last."
        )


def show_comparison(compared: ComparedNets) -> None:
    """Print finished nets side by side."""
    table = table_of(
        ["net", "faces"], ["train %", "validation %", "95 %", "test %", "95 %", "seeds", "time", "parameters"]
    )
    for net in compared.nets:
        cells = [_share(net.accuracy.train), *_evaluated(net.accuracy)]
        cells += [str(len(net.seeds)), duration(net.seconds), f"{net.parameters:,}"]
        table.add_row(net.name, f"{net.faces_name} {net.faces[:6]}", *cells)
    print_wide(table)
    if compared.comparisons:
        headings = ["only a correct", "only b correct", "McNemar p"]
        pairs = table_of(["a", "b"], headings, title="validation, face by face")
        for pair in compared.comparisons:
            test = pair.mcnemar
            pairs.add_row(pair.a, pair.b, str(test.only_a), str(test.only_b), f"{test.p:.2g}")
        print_wide(pairs)
    if len({net.faces for net in compared.nets}) > 1:
        print_wide("Nets that were evaluated on different faces are not comparable, and not tested against each other.")


def _selected(group: GroupResult, results: Results) -> str:
    if group.selected is None:
        return f"{group.name}: no net finished, none selected"
    net, leaks = results.by_name[group.selected], results.faces.leaked_test
    line = f"{group.name}: [bold]{net.name}[/] is best on validation"
    test, clean = net.accuracy.test, net.accuracy.test_without_leaks
    if test is None:
        return f"{line}; there are no test faces"
    line += f"; test {_share(test)} %, 95 % interval {_interval(test)}"
    if not leaks or clean is None:
        return line
    return f"{line}; without the {leaks} image{'' if leaks == 1 else 's'} leaked from train {percent(clean.mean)} %"


def _ensembles(ensembles: Sequence[EnsembleResult]) -> Table:
    numbers = ["train %", "validation %", "95 %", "test %", "95 %", "runs"]
    table = table_of(["ensemble", "nets"], numbers, title="together, by the mean of their probabilities")
    for one in ensembles:
        cells = [_share(one.accuracy.train), *_evaluated(one.accuracy), str(one.runs)]
        table.add_row(one.name, one.members, *cells)
    return table


def _evaluated(accuracy: SplitAccuracies) -> list[str]:
    """The share and the interval on validation, and on test."""
    return [show(of_split) for of_split in (accuracy.validation, accuracy.test) for show in (_share, _interval)]


def _share(accuracy: Accuracy | None) -> str:
    """`57.4`, with several seeds `57.4 ± 0.3`; "" where the split was not evaluated."""
    if accuracy is None:
        return ""
    return percent(accuracy.mean) + ("" if accuracy.sd is None else f" ± {percent(accuracy.sd)}")


def _interval(accuracy: Accuracy | None) -> str:
    return " to ".join(map(percent, accuracy.interval)) if accuracy else ""


def table_of(texts: Sequence[str], numbers: Sequence[str], title: str | None = None) -> Table:
    """A table of columns of text, then of columns of numbers."""
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False, title=title, title_justify="left")
    for heading in texts:
        table.add_column(heading, no_wrap=True)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def print_wide(what: Table | str) -> None:
    """Print to stdout, as wide as a terminal is, or `WIDE` where there is none."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    console.print(what, soft_wrap=isinstance(what, str))
