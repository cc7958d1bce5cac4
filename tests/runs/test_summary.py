import json
from pathlib import Path

import pytest

from mien.disk import append_line
from mien.runs.predictions import Predictions
from mien.runs.run import Run, Status
from mien.runs.summary import Curves, summarise

LINE = {
    "epoch": 1,
    "loss": 1.5,
    "accuracy": 0.3,
    "validation_loss": 1.6,
    "validation_accuracy": 0.25,
    "seconds": 1.0,
    "faces_per_second": 35.0,
    "steps": [1.5, 1.5],
}


def test_a_run_that_was_just_created_is_planned(run: Run) -> None:
    summary = summarise(run, "mine")
    assert (summary.study, summary.run, summary.net) == ("mine", run.id, "small")
    assert (summary.state, summary.reason, summary.seed) == ("planned", "", 5)
    assert (summary.epochs, summary.epochs_planned, summary.selected_epoch) == (0, 3, 0)
    assert (summary.validation_accuracy, summary.curves) == (None, Curves())
    assert summary.values == {"act": "relu", "units": 4}
    assert (summary.faces, summary.created) == (run.config.faces.fingerprint, run.config.created)


def test_until_it_has_ended_the_last_epoch_counts(run: Run) -> None:
    append_line(run.folder / "history.jsonl", LINE)
    append_line(run.folder / "history.jsonl", {**LINE, "loss": float("nan"), "validation_accuracy": 0.312345678})
    with (run.folder / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"epoch": 3, "lo')
    run.write_status(Status("running", parameters=12))
    summary = summarise(run)
    assert (summary.state, summary.epochs, summary.parameters) == ("running", 2, 12)
    assert summary.curves.loss == (1.5, None)
    assert summary.curves.validation_accuracy == (0.25, 0.31235)
    assert summary.validation_accuracy == 0.31235


@pytest.fixture
def finished(study: Path) -> Run:
    """A run of two epochs, finished, with 12 of 21 validation faces predicted correctly."""
    return Run(next((study / "runs").glob("flat-*")))


def test_a_finished_run_counts_by_its_predictions(finished: Run) -> None:
    summary = summarise(finished)
    assert (summary.state, summary.selected_epoch, summary.seconds) == ("finished", 2, 3.0)
    assert summary.validation_accuracy == 12 / 21


def test_without_validation_faces_the_last_epoch_counts(finished: Run) -> None:
    predictions = finished.predictions("validation")
    assert predictions is not None
    finished.write_predictions("validation", Predictions(predictions.probabilities[:0], predictions.labels[:0]))
    assert summarise(finished).validation_accuracy == 0.5  # of the last epoch


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.json", b"{"),
        ("run.json", b"[]"),
        ("run.json", b"\xff"),
        ("run.json", b'{"format": 9}'),
        ("state.json", b'{"state": 3'),
        ("state.json", b'{"state": "resting", "pid": 1}'),
        ("state.json", b'{"state": "running"}'),
        ("history.jsonl", b'{"epoch": 1}\n'),
        ("history.jsonl", b"[]\n"),
        ("validation.npz", b"PK"),
    ],
)
def test_a_damaged_run_says_which_file(finished: Run, name: str, content: bytes) -> None:
    (finished.folder / name).write_bytes(content)
    summary = summarise(finished, "mine")
    assert (summary.state, summary.study, summary.run) == ("damaged", "mine", finished.id)
    assert (name in summary.reason) or "written in format 9" in summary.reason
    assert json.dumps(vars(summary) | {"curves": None})  # and it can be sent as any other


def test_a_run_that_is_gone_is_damaged(run: Run) -> None:
    (run.folder / "run.json").unlink()
    assert summarise(run).state == "damaged"
