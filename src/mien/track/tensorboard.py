"""TensorBoardWriter: event files, a folder a run, by torch's own SummaryWriter."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.report.evaluation_figures import confusion_plot, per_class_plot, reliability_plot
from mien.report.plot import Plot
from mien.runs.results import EnsembleResult, NetResult, Results
from mien.track.points import Point, TrackedRun, as_rows, faces_settings, settings, tags
from mien.track.tracker import EndedStudy

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

SHOWN = ("result/validation_accuracy", "result/test_accuracy")
"""The values by which TensorBoard's table of settings compares runs."""

DPI = 144
"""Pixels of an inch of the figures."""

COLUMNS = ("train, %", "validation, %", "test, %", "evaluated on", "macro-F1", "ECE")
"""Of the table of a study's nets."""


class TensorBoardWriter:
    """Writes a study's event files; see Writer.

    What a folder of a run has from before is written anew, the first time that the run is met: then nothing stands
    there twice, and nothing that the run has lost by being killed.

    Args:
        folder: for all of them; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, SummaryWriter] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def begin(self, tracked: TrackedRun) -> int:
        """Begin a run: its settings. Gives 0: no epoch is there."""
        writer = self._anew(tracked.name)
        writer.add_text("run", _facts(tracked))
        for summary in _hparams(tracked)[:2]:
            _add(writer, summary)
        writer.flush()
        return 0

    def write(self, tracked: TrackedRun, points: Sequence[Point]) -> None:
        """Write points of a run that was begun; it may have ended since."""
        ended = tracked.name not in self._writers
        writer = self._open(tracked.name) if ended else self._writers[tracked.name]
        for point in points:
            writer.add_scalar(point.tag, point.value, point.step)
        writer.flush()
        if ended:
            self._writers.pop(tracked.name).close()

    def end(self, tracked: TrackedRun) -> None:
        """End a run: how it stands."""
        writer = self._writers.pop(tracked.name)
        writer.add_text("run", _facts(tracked), len(tracked.run.history()))
        if tracked.run.status.state == "finished":
            _add(writer, _hparams(tracked)[2])
        writer.close()

    def write_study(self, study: EndedStudy) -> None:
        """Write the results of the study: a table, confusion matrices, where the report is."""
        writer = self._anew("study")
        writer.add_text("results", as_markdown(study.results))
        where = {"report": study.report, "command": study.results.command, "faces": study.results.faces.name}
        writer.add_text("study", as_rows({name: one for name, one in where.items() if one}))
        for net in study.results.nets:
            for name, plot in _plots(net):
                writer.add_image(f"{name}/{net.name}", _pixels(plot), dataformats="HWC")
        self._writers.pop("study").close()

    def close(self) -> None:
        """Close all event files."""
        while self._writers:
            self._writers.popitem()[1].close()

    def _anew(self, name: str) -> "SummaryWriter":
        for file in (self._folder / name).glob("events.out.tfevents.*"):
            file.unlink()
        return self._open(name, purge_step=0)  # a TensorBoard that has the former ones open drops what they held

    def _open(self, name: str, purge_step: int | None = None) -> "SummaryWriter":
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter(str(self._folder / name), purge_step=purge_step)
        self._writers[name] = writer
        return writer


def _facts(tracked: TrackedRun) -> str:
    """All that is known of a run beside its curves, as a table in Markdown."""
    return as_rows({**settings(tracked.run), **faces_settings(tracked.run), **tags(tracked)})


def _hparams(tracked: TrackedRun) -> Sequence[object]:
    """What fills a row of TensorBoard's table of settings: its columns, the row's beginning, its end."""
    from torch.utils.tensorboard.summary import hparams

    summaries: Sequence[object] = hparams(dict(settings(tracked.run)), dict.fromkeys(SHOWN, 0.0))  # type: ignore[no-untyped-call]
    return summaries


def _add(writer: "SummaryWriter", summary: object) -> None:
    """Write a summary for which the writer has no method; its own `add_hparams` makes a run of its own for it."""
    assert writer.file_writer is not None
    writer.file_writer.add_summary(summary)


def _plots(net: NetResult) -> list[tuple[str, Plot]]:
    """What is drawn of a selected net's predictions; [] of another one."""
    if not net.selected or not net.scores:
        return []
    scores, classes = net.scores, list(net.scores.per_class)
    return [
        ("confusion", confusion_plot(np.array(scores.confusion), classes)),
        ("reliability", reliability_plot(scores.reliability)),
        ("per_class", per_class_plot(scores.per_class)),
    ]


def _pixels(plot: Plot) -> NDArray[np.uint8]:
    """The plot as an image, uint8 [H, W, 3]."""
    file = io.BytesIO()
    plot.show().savefig(file, format="png", dpi=DPI)
    return np.asarray(Image.open(file).convert("RGB"))


def as_markdown(results: Results) -> str:
    """The nets and ensembles of a study as a table in Markdown; accuracies in per cent, with their 95 % intervals."""
    lines = ["| net | " + " | ".join(COLUMNS) + " |", "|---" * (1 + len(COLUMNS)) + "|"]
    nets: list[NetResult | EnsembleResult] = [*results.nets, *results.ensembles]
    for net in nets:
        accuracies = [getattr(net.accuracy, split) for split in ("train", "validation", "test")]
        cells = [
            f"{100 * one.mean:.1f} ({100 * one.interval[0]:.1f} to {100 * one.interval[1]:.1f})" if one else ""
            for one in accuracies
        ]
        one = net.scores
        cells += [one.evaluated_on, f"{one.macro_f1:.3f}", f"{one.ece:.3f}"] if one else ["", "", ""]
        name = f"**{net.name}**" if net.name == results.best else net.name
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
