"""Progress from Python: a bar for each run of a study or for the photos, and plain lines where no bar can move."""

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from mien.api.progress_lines import ProgressLines, ending, title
from mien.extras import is_installed
from mien.report.tables import duration, percent

if TYPE_CHECKING:
    from tqdm import tqdm

    from mien.runs.run import Run, Status
    from mien.runs.search_results import TrialResult
    from mien.study.engines.callback import StudyCallback
    from mien.training.loop import Progress

EVERY = 10.0
"""Seconds between the lines that count things where no bar can move."""


class Silence:
    """A `StudyCallback` that shows nothing."""

    def on_plan(self, runs: "Sequence[Run]") -> None:
        """Show nothing."""

    def on_trial(self, net: str, trials: int, trial: "TrialResult", best: "TrialResult | None") -> None:
        """Show nothing."""

    def on_step(self, progress: "Progress") -> None:
        """Show nothing."""

    def on_run_end(self, run: "Run", status: "Status") -> None:
        """Show nothing."""


class ProgressBars:
    """A bar of tqdm for each run that is trained, and one for each search; a `StudyCallback`.

    A bar shows the run's epoch, its faces a second, the time that is left and the validation accuracy after the last
    epoch; that of a search shows the trial that is trained, and the best so far.
    """

    def __init__(self) -> None:
        self._bars: dict[str, tqdm[None]] = {}
        self._accuracy: dict[str, float] = {}
        self._planned: set[str] = set()
        self._trial: dict[str, str] = {}
        self._trials: dict[str, tuple[int, str]] = {}

    def on_plan(self, runs: "Sequence[Run]") -> None:
        """Say how many runs have ended before, if any."""
        first, self._planned = not self._planned, {run.id for run in runs}
        ended = sum(run.status.ended for run in runs)
        if first and ended:
            self.note(f"{ended} of {len(runs)} run{'' if len(runs) == 1 else 's'} ended before")

    def on_trial(self, net: str, trials: int, trial: "TrialResult", best: "TrialResult | None") -> None:
        """Show which trial of a net is trained, and the best that is finished."""
        so_far = f"; best so far {percent(best.accuracies[-1])} % (trial {best.number})" if best else ""
        bar = self._bar(net, net, trials, 0)
        self._trials[net] = trial.number, so_far
        if trial.state != "running":
            bar.n = max(bar.n, trial.number)
        self._show(bar, f"{net}: trial {trial.number} of {trials} {trial.state}{so_far}")
        if trial.number == trials and trial.state != "running":
            self._close(net)

    def on_step(self, progress: "Progress") -> None:
        """Show the figures of a step."""
        run = progress.run
        if progress.record is not None:
            self._accuracy[run.id] = progress.record.validation_accuracy
        figures = [
            f"epoch {progress.epoch}/{progress.epochs}",
            f"{progress.faces_per_second:,.0f} faces/s",
            f"{duration(progress.seconds_left)} left",
        ]
        if run.id in self._accuracy:
            figures.append(f"validation {percent(self._accuracy[run.id])} %")
        if run.net.name in self._trials and run.id not in self._planned:
            number, so_far = self._trials[run.net.name]
            bar = self._bars.get(run.net.name)
            if bar is None:  # the last trial has ended before this one, which another process trains
                return
            self._show(bar, f"{run.net.name}: trial {number} of {bar.total}: {', '.join(figures)}{so_far}")
            return
        done = (progress.epoch - 1) * progress.steps
        bar = self._bar(run.id, title(run), progress.epochs * progress.steps, done)
        self._show(bar, f"{title(run)}: {', '.join(figures)}")
        bar.update(progress.steps_done - bar.n)

    def on_run_end(self, run: "Run", status: "Status") -> None:
        """Leave the run's bar behind with how it has ended."""
        if run.id not in self._bars:
            return
        accuracy = f", validation {percent(self._accuracy[run.id])} %" if run.id in self._accuracy else ""
        bar = self._bars[run.id]
        self._show(bar, f"{title(run)}: {ending(status)}{accuracy}")
        if status.state == "finished":  # by patience perhaps before the last epoch
            bar.n = bar.total
        self._close(run.id)

    def note(self, line: str) -> None:
        """Print a line above the bars."""
        _tqdm().write(line, file=_stream())

    def close(self) -> None:
        """Leave every bar as it is."""
        for key in list(self._bars):
            self._close(key)

    def _bar(self, key: str, title: str, total: int, done: int) -> "tqdm[None]":
        if key not in self._bars:
            self._bars[key] = _tqdm()(
                desc=title, total=total, initial=done, file=_stream(), bar_format="{percentage:3.0f}%|{bar}| {desc}"
            )
        return self._bars[key]

    def _show(self, bar: "tqdm[None]", text: str) -> None:
        bar.set_description_str(text, refresh=False)

    def _close(self, key: str) -> None:
        self._bars.pop(key).close()


@contextmanager
def study_progress() -> "Iterator[tuple[StudyCallback, Callable[[str], None]]]":
    """The progress of the study that runs inside the block: bars in a notebook and on a terminal, else plain lines.

    Yields:
        What follows the study, and what prints a line beside it.
    """
    if not _is_live():
        yield ProgressLines(print_line), print_line
        return
    bars = ProgressBars()
    try:
        yield bars, bars.note
    finally:
        bars.close()


@contextmanager
def counting(what: str, total: int, shown: bool = True) -> Iterator[Callable[[], None]]:
    """A bar of things that are counted, which goes away at the end; without tqdm, or where none can move, plain lines.

    Args:
        what: they are, in the plural.
        total: how many there will be.
        shown: False for neither.

    Yields:
        What to call after each.
    """
    if not shown:
        yield lambda: None
        return
    if not _is_live() or not is_installed("tqdm"):
        yield _line_by_line(what, total)
        return
    with _tqdm()(desc=what, total=total, file=_stream(), leave=False) as bar:

        def one_more() -> None:
            bar.update()

        yield one_more


def _line_by_line(what: str, total: int) -> Callable[[], None]:
    """What to call after each of some things; it prints a line every ten seconds."""
    done, printed = 0, time.monotonic()

    def one_more() -> None:
        nonlocal done, printed
        done += 1
        if time.monotonic() - printed > EVERY:
            printed = time.monotonic()
            print_line(f"{what}: {done:,} of {total:,}")

    return one_more


def _is_live() -> bool:
    """Whether a bar can move: in a notebook and on a terminal, but not in a file or a pipe."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


def print_line(line: str) -> None:
    """Print a line where progress goes."""
    print(line, file=_stream(), flush=True)


def _stream() -> TextIO:
    """Where progress goes: a notebook shows what goes to stderr on red."""
    return sys.stdout if "ipykernel" in sys.modules else sys.stderr


def _tqdm() -> "type[tqdm[None]]":
    """The bar for where Python runs; in a notebook without ipywidgets a line of text, without a warning."""
    from tqdm import TqdmWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmWarning)
        from tqdm.auto import tqdm
    bar: type[tqdm[None]] = tqdm
    return bar
