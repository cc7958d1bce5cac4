"""The study's verbs' tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mien.cli.study_progress import STYLES, duration, percent

if TYPE_CHECKING:
    from rich.table import Table

    from mien.runs.summary import RunSummary
    from mien.study.outline import Outline

WIDE = 200
"""Columns of a table that goes to a file or another program, where nothing need be cut."""


def show_plan(outline: Outline) -> None:
    """Print what a study will run, see `mien.study.outline`."""
    from rich.markup import escape

    from mien.faces.clean import describe_left_out

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


def skipped_lines(reasons: Mapping[str, str]) -> list[str]:
    """What a study leaves out and why, a line for each reason; [] where it leaves out nothing.

    Args:
        reasons: by the net's name; "" where it is not skipped.
    """
    lines = []
    for reason in dict.fromkeys(filter(None, reasons.values())):
        names = [name for name, why in reasons.items() if why == reason]
        lines.append(f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} skipped: {reason}")
    if lines:
        lines.append("the study does all else; once the weights are here, the same command trains what is missing")
    return lines


def _number(value: int | None) -> str:
    """`2,723,303`; "" where it is not known."""
    return "" if value is None else f"{value:,}"


def show_results(results: dict[str, Any]) -> None:
    """Print a study's comparison tables and what test says of the selected: the content of results.json."""
    from rich.markup import escape

    nets = {net["name"]: net for net in results["nets"]}
    for group in results["groups"]:
        table = table_of(["net"], ["train %", "validation %", "95 %", "time", "parameters"], title=group["name"])
        for net in (nets[name] for name in group["nets"]):
            name = net["name"] + (" *" if net["selected"] else "")
            shares = [_share(net, "train"), _share(net, "validation"), _interval(net, "validation")]
            facts = ["skipped" if net["state"] == "skipped" else duration(net["seconds"]), _number(net["parameters"])]
            table.add_row(name, *shares, *facts, style="bold" if net["selected"] else None)
        print_wide(table)
    for net in results["nets"]:
        if net["state"] in ("failed", "skipped"):
            said = {"failed": "[red]failed[/]", "skipped": "was [yellow]skipped[/]"}[net["state"]]
            print_wide(f"{net['name']} {said}: {escape(net['reason'])}")
    for group in results["groups"]:
        print_wide(_selected(group, nets, results["faces"]["leaked_test"]))
    if results["ensembles"]:
        print_wide(_ensembles(results["ensembles"]))
    for one in results["ensembles"]:
        if one.get("reason"):
            print_wide(f"{one['name']} was not judged; {one['reason']}")


def show_runs(runs: Sequence[RunSummary]) -> None:
    """Print how the runs of a study stand."""
    table = table_of(["run", "state"], ["seed", "epochs", "validation %", "time"])
    for run in runs:
        style = STYLES.get(run.state, "dim")
        shown = [str(run.seed), f"{run.epochs}/{run.epochs_planned}", percent(run.validation_accuracy)]
        reason = f": {run.reason}" if run.reason else ""
        table.add_row(run.run, f"[{style}]{run.state}[/]{reason}", *shown, duration(run.seconds))
    print_wide(table)


def show_trials(rows: Sequence[dict[str, Any]]) -> None:
    """The trials of tuned nets. Searches are told apart where a net has had several."""
    from rich.markup import escape

    apart = len({row["search"] for row in rows}) > len({row["net"] for row in rows})
    texts = ["net", *(["search"] if apart else []), "trial", "state", "settings"]
    table = table_of(texts, ["epochs", "score", "time"])
    for row in rows:
        shown = {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row["values"].items()}
        settings = ", ".join(f"{key} {value}" for key, value in shown.items())
        scores = zip(row["objectives"], row["scores"], strict=False)
        told = [f"{percent(score)} %" if name.endswith("accuracy") else f"{score:,.0f}" for name, score in scores]
        state = f"{row['state']} ({row['reason']})" if row["reason"] else row["state"]
        table.add_row(
            row["net"], *((row["search"],) if apart else ()), str(row["number"]), escape(state), escape(settings),
            str(row["epochs"]), ", ".join(told), duration(row["seconds"]),
        )  # fmt: skip
    print_wide(table)
    if apart:
        print_wide(
            "A search is another one where the space, sampler, net, recipe or faces are others; "
            "of each net the one that began last comes last."
        )


def show_comparison(found: dict[str, Any]) -> None:
    """Print finished nets side by side, the content of `mien.study.compare.compare`."""
    table = table_of(
        ["net", "faces"], ["train %", "validation %", "95 %", "test %", "95 %", "seeds", "time", "parameters"]
    )
    for net in found["nets"]:
        judged = [show(net, split) for split in ("validation", "test") for show in (_share, _interval)]
        facts = [str(len(net["seeds"])), duration(net["seconds"]), f"{net['parameters']:,}"]
        faces = f"{net['faces_name']} {net['faces'][:6]}"
        table.add_row(net["name"], faces, _share(net, "train"), *judged, *facts)
    print_wide(table)
    if found["comparisons"]:
        pairs = table_of(["a", "b"], ["only a right", "only b right", "McNemar p"], title="validation, face by face")
        for pair in found["comparisons"]:
            pairs.add_row(pair["a"], pair["b"], str(pair["b10"]), str(pair["b01"]), f"{pair['p']:.2g}")
        print_wide(pairs)
    if len({net["faces"] for net in found["nets"]}) > 1:
        print_wide("Nets that were judged on different faces are not comparable, and not tested against each other.")


def _selected(group: dict[str, Any], nets: dict[str, Any], leaks: int) -> str:
    if group["selected"] is None:
        return f"{group['name']}: no net finished, none selected"
    net = nets[group["selected"]]
    line = f"{group['name']}: [bold]{net['name']}[/] is best on validation"
    if "test_accuracy" not in net:
        return f"{line}; there are no test faces"
    line += f"; test {_share(net, 'test')} %, 95 % interval {_interval(net, 'test')}"
    clean = net.get("test_accuracy_without_leaks")
    return f"{line}; without the {leaks} images leaked from train {percent(clean)} %" if leaks and clean else line


def _ensembles(ensembles: Sequence[dict[str, Any]]) -> Table:
    from mien.study.config.ensembles import weighed

    numbers = ["train %", "validation %", "95 %", "test %", "95 %", "runs"]
    table = table_of(["ensemble", "nets"], numbers, title="together, by the mean of their probabilities")
    for one in ensembles:
        judged = [show(one, split) for split in ("validation", "test") for show in (_share, _interval)]
        table.add_row(
            one["name"], weighed(one["nets"], one["weights"]), _share(one, "train"), *judged, str(one["runs"])
        )
    return table


def _share(net: dict[str, Any], split: str) -> str:
    """`57.4`, with several seeds `57.4 ± 0.3`; "" where the split was not evaluated."""
    sd = net.get(f"{split}_accuracy_sd")
    return percent(net.get(f"{split}_accuracy")) + ("" if sd is None else f" ± {percent(sd)}")


def _interval(net: dict[str, Any], split: str) -> str:
    return " to ".join(map(percent, net.get(f"{split}_accuracy_interval", [])))


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
