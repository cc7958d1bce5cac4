"""Progress from Python: a bar for each run of a study or for the photos, in a notebook as on a terminal."""

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from mien.extras import is_installed
from mien.report.tables import duration, percent

if TYPE_CHECKING:
    from tqdm import tqdm

    from mien.runs.run import Run, Status
    from mien.runs.search_results import TrialResult
    from mien.training.loop import Progress


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
            bar = self._bars[run.net.name]
            self._show(bar, f"{run.net.name}: trial {number} of {bar.total}: {', '.join(figures)}{so_far}")
            return
        done = (progress.epoch - 1) * progress.steps
        bar = self._bar(run.id, _title(run), progress.epochs * progress.steps, done)
        self._show(bar, f"{_title(run)}: {', '.join(figures)}")
        bar.update(progress.steps_done - bar.n)

    def on_run_end(self, run: "Run", status: "Status") -> None:
        """Leave the run's bar behind with how it has ended."""
        if run.id not in self._bars:
            return
        ending = f"{status.state} {status.reason or 'in ' + duration(status.seconds)}"
        if run.id in self._accuracy:
            ending += f", validation {percent(self._accuracy[run.id])} %"
        bar = self._bars[run.id]
        self._show(bar, f"{_title(run)}: {ending}")
        if status.state == "finished":  # by patience perhaps before the last epoch
            bar.n = bar.total
        self._close(run.id)

    def note(self, line: str) -> None:
        """Print a line above the bars."""
        _tqdm().write(line)

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
def counting(what: str, total: int, shown: bool = True) -> Iterator[Callable[[], None]]:
    """A bar of things that are counted, which goes away at the end; none where tqdm is not installed.

    Args:
        what: they are, in the plural.
        total: how many there will be.
        shown: False for no bar.

    Yields:
        What to call after each.
    """
    if not shown or not is_installed("tqdm"):
        yield lambda: None
        return
    with _tqdm()(desc=what, total=total, file=_stream(), leave=False) as bar:

        def one_more() -> None:
            bar.update()

        yield one_more


def _stream() -> TextIO:
    """Where bars go: a notebook shows what goes to stderr on red."""
    return sys.stdout if "ipykernel" in sys.modules else sys.stderr


def _title(run: "Run") -> str:
    return f"{run.net.name} seed {run.seed}"


def _tqdm() -> "type[tqdm[None]]":
    """The bar for where Python runs; in a notebook without ipywidgets a line of text, without a warning."""
    from tqdm import TqdmWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmWarning)
        from tqdm.auto import tqdm
    bar: type[tqdm[None]] = tqdm
    return bar
