"""Progress of a study while it runs: a live table on a terminal, a line for each epoch elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mien.api.progress_lines import ProgressLines, title, trial_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID
    from rich.table import Table

    from mien.runs.run import Run, Status
    from mien.runs.search_results import TrialResult
    from mien.study.engines.callback import StudyCallback
    from mien.training.loop import Progress

STYLES = {
    "running": "cyan",
    "finished": "green",
    "failed": "red",
    "stopped": "yellow",
    "unfinished": "yellow",
    "pruned": "yellow",
}


def percent(share: float | None) -> str:
    """A share 0..1 as `57.4`, as the report writes it; "" for None."""
    from mien.report import tables

    return "" if share is None else tables.percent(share)


def duration(seconds: float | None) -> str:
    """Seconds as text, as the report writes them: `42 s`, `3 min 5 s`, `1 h 20 min`; "" for None."""
    from mien.report import tables

    return "" if seconds is None else tables.duration(seconds)


@contextmanager
def show_progress(console: Console) -> Iterator[StudyCallback]:
    """Show the study that runs inside the block on `console`: live on a terminal, else a line at a time."""
    if not console.is_terminal:
        yield ProgressLines(lambda line: console.print(line, highlight=False, markup=False, soft_wrap=True))
        return
    from rich.live import Live

    table = LiveTable()
    with Live(console=console, get_renderable=table.render, refresh_per_second=4, transient=True):
        yield table


class LiveTable:
    """The study's runs as a table, with a bar for each that is running."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._ended: dict[str, Status] = {}
        self._now: dict[str, Progress] = {}
        self._trials: dict[str, str] = {}
        self._bars = _bars()
        self._bar_of: dict[str, TaskID] = {}

    def on_plan(self, runs: Sequence[Run]) -> None:
        """Show the study's runs."""
        self._runs = list(runs)
        self._ended = {run.id: run.status for run in runs if run.status.ended}
        self._rows = {run.id: _history_row(run) for run in runs}

    def on_trial(self, net: str, trials: int, trial: TrialResult, best: TrialResult | None) -> None:
        """Show what a trial sets, or how it has ended."""
        self._trials[net] = trial_line(net, trials, trial, best)

    def on_step(self, progress: Progress) -> None:
        """Show the figures of a step."""
        if progress.run.id not in self._bar_of:
            total = progress.epochs * progress.steps
            self._bar_of[progress.run.id] = self._bars.add_task(title(progress.run), total=total, rate="", left="")
        self._now[progress.run.id] = progress
        self._bars.update(
            self._bar_of[progress.run.id],
            completed=progress.steps_done,
            rate=f"{progress.faces_per_second:,.0f} faces/s",
            left=f"{duration(progress.seconds_left)} left",
        )
        if progress.record is not None:
            self._rows[progress.run.id] = _history_row(progress.run)

    def on_run_end(self, run: Run, status: Status) -> None:
        """Show how a run has ended."""
        self._ended[run.id] = status
        self._rows[run.id] = _history_row(run)
        self._now.pop(run.id, None)
        if run.id in self._bar_of:
            self._bars.remove_task(self._bar_of.pop(run.id))

    def render(self) -> Table:
        """The table at this moment."""
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=None, header_style="bold", pad_edge=False)
        for heading in ("net", "seed", "state"):
            table.add_column(heading, no_wrap=True)
        for heading in ("epoch", "loss", "train %", "validation %", "faces/s", "time"):
            table.add_column(heading, justify="right", no_wrap=True)
        for run in self._runs:
            table.add_row(*self._row(run))
        if not self._now and not self._trials:
            return table
        page = Table.grid(padding=(1, 0, 0, 0))
        page.add_row(table)
        for line in self._trials.values():
            page.add_row(escape(line))
        page.add_row(self._bars)
        return page

    def _row(self, run: Run) -> list[str]:
        state = self._ended[run.id].state if run.id in self._ended else "waiting"
        cells = self._rows[run.id]
        if now := self._now.get(run.id):
            state = "running"
            cells = [
                f"{now.epoch}/{now.epochs}",
                f"{now.loss:.4f}",
                *cells[2:4],
                f"{now.faces_per_second:,.0f}",
                cells[5],
            ]
        style = STYLES.get(state, "dim")
        return [run.net.name, str(run.seed), f"[{style}]{state}[/]", *cells]


def _history_row(run: Run) -> list[str]:
    """Epoch, loss, train, validation, rate and time of a run's last epoch on disk."""
    history, epochs = run.history(), run.recipe.epochs
    if not history:
        return [f"0/{epochs}", "", "", "", "", ""]
    last = history[-1]
    shares = [percent(last.accuracy), percent(last.validation_accuracy)]
    taken = duration(run.status.seconds or sum(epoch.seconds for epoch in history))
    return [f"{last.epoch}/{epochs}", f"{last.loss:.4f}", *shares, f"{last.faces_per_second:,.0f}", taken]


def _bars() -> Bar:
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    return Bar(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rate]}  {task.fields[left]}"))
