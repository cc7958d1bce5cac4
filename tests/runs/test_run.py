import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien import __version__
from mien.disk import append_line, read_json, write_json
from mien.errors import UserError
from mien.faces import Faces
from mien.nets import Net
from mien.runs.predictions import Predictions
from mien.runs.recipe import Recipe
from mien.runs.run import Epoch, Run, Status, run_id

NET = Net("small", ("flatten", "dense(units)", "act", "classes"), {"units": 4, "act": "relu"})


def test_the_id_is_of_the_question_and_not_of_its_spelling() -> None:
    ours = run_id(NET, Recipe(), 0, "f")
    assert re.fullmatch("[0-9a-f]{10}", ours)
    assert run_id(replace(NET, name="other"), Recipe(), 0, "f") == ours
    assert run_id(replace(NET, values={"act": "relu", "units": 4}), Recipe(), 0, "f") == ours
    assert run_id(NET, Recipe(batch=256, epochs=20), 0, "f") == ours


def test_the_id_changes_with_all_that_changes_the_numbers() -> None:
    recipes = [
        Recipe(),
        Recipe(epochs=21),
        Recipe(batch=255),
        Recipe(optimizer="sgd"),
        Recipe(optimizer="sgd", momentum=0.5),
        Recipe(learning_rate=2e-3),
        Recipe(scaling="standardised"),
        Recipe(precision="float32"),
        Recipe(patience=1),
        Recipe(keep="best"),
    ]
    ids = [run_id(NET, recipe, 0, "f") for recipe in recipes]
    ids += [run_id(NET, Recipe(), 1, "f"), run_id(NET, Recipe(), 0, "g")]
    ids += [run_id(NET.bind({"units": 5}), Recipe(), 0, "f")]
    ids += [run_id(replace(NET, layers=NET.layers[:2] + NET.layers[3:]), Recipe(), 0, "f")]
    assert len(set(ids)) == len(ids)


def test_a_run_that_is_opened_has_its_configuration(run: Run, faces: Faces) -> None:
    opened = Run.open(run.folder)
    assert (opened.net, opened.recipe, opened.seed) == (NET, Recipe(epochs=3), 5)
    assert opened.id == run.folder.name == f"small-{run_id(NET, Recipe(epochs=3), 5, faces.fingerprint)}"
    recorded = opened.config.faces
    assert (recorded.name, recorded.fingerprint, recorded.size) == ("gray", faces.fingerprint, 24)
    assert (recorded.classes, recorded.counts) == (faces.classes, faces.counts())
    assert opened.config.versions["mien"] == __version__
    assert opened.config.machine.cores == os.cpu_count()


def test_the_same_question_has_the_same_folder_and_leaves_it_as_it_is(run: Run, tmp_path: Path, faces: Faces) -> None:
    before = (run.folder / "run.json").read_bytes()
    write_json(run.folder / "run.json", json.loads(before) | {"created": "2020-01-01T00:00:00+00:00"})
    again = Run.create(tmp_path / "runs", NET, Recipe(epochs=3), 5, faces)
    assert again.folder == run.folder
    assert again.config.created == "2020-01-01T00:00:00+00:00"


@pytest.mark.parametrize("place", ["", "nowhere", "a file"])
def test_what_is_no_run_is_a_message(tmp_path: Path, place: str) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(UserError, match=r"not a run's folder, it has no run\.json"):
        Run.open(tmp_path / place)


@pytest.mark.parametrize("content", [b"", b'{"format": 1, "net"', b"{}", b"[1]", b"null", b"\xff\xfe\x00"])
def test_a_damaged_run_is_a_message(run: Run, content: bytes) -> None:
    (run.folder / "run.json").write_bytes(content)
    with pytest.raises(UserError, match=r"run\.json: damaged: .*; remove .* and run the study again"):
        Run.open(run.folder)


def test_a_run_of_another_format_is_a_message(run: Run) -> None:
    write_json(run.folder / "run.json", read_json(run.folder / "run.json") | {"format": 2})
    with pytest.raises(UserError, match=r"written in format 2, this is mien .* reads format 1"):
        Run.open(run.folder)


def test_a_status_comes_back_as_written(run: Run) -> None:
    assert run.status == Status() == Status("planned")
    status = Status("failed", "the loss became nan", 1.5, 0, "float32", 100, 90, "2020-01-01T00:00:00+00:00")
    run.write_status(status)
    assert Run.open(run.folder).status == status


def test_running_is_who_lives(run: Run) -> None:
    run.write_status(Status("running", precision="float32"))
    assert run.status == Status("running", precision="float32")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    state = json.loads((run.folder / "state.json").read_text(encoding="utf-8"))
    write_json(run.folder / "state.json", state | {"pid": gone.pid})
    assert run.status == Status("stopped", precision="float32")
    write_json(run.folder / "state.json", state | {"pid": gone.pid, "host": "another machine"})
    assert run.status.state == "running", "nobody here knows better"
    write_json(run.folder / "state.json", state | {"pid": gone.pid, "state": "finished"})
    assert run.status.state == "finished"


def test_a_history_is_its_whole_lines(run: Run) -> None:
    assert run.history() == []
    epochs = [Epoch(n, 1.5 / n, 0.3, 1.6, 0.25, 2.0, 80.0, (1.5, 1.25)) for n in (1, 2)]
    for epoch in epochs:
        append_line(run.folder / "history.jsonl", vars(epoch))
    with (run.folder / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"epoch": 3, "lo')
    assert run.history() == epochs


def test_predictions_have_a_column_for_each_class(run: Run) -> None:
    assert run.predictions("test") is None
    labels = np.array([0, 2, 1, 0], np.uint8)
    run.write_predictions("test", Predictions(np.eye(7, dtype=np.float32)[labels], labels))
    predictions = run.predictions("test")
    assert predictions is not None
    assert predictions.accuracy == 1.0
    run.write_predictions("test", Predictions(np.eye(3, dtype=np.float32)[labels], labels))
    with pytest.raises(UserError, match=r"test\.npz: damaged: 3 columns for 7 classes; remove "):
        run.predictions("test")


def test_a_status_of_before_0_1_0_has_its_epoch_under_another_name(run: Run) -> None:
    run.write_status(Status("finished", selected_epoch=3))
    record = read_json(run.folder / "state.json")
    record["kept_epoch"] = record.pop("selected_epoch")
    write_json(run.folder / "state.json", record)
    assert run.status == Status("finished", selected_epoch=3)
    assert run.status.ended


def test_a_run_goes_on_from_the_weights_of_its_backbone_that_it_began_with(faces: Faces, tmp_path: Path) -> None:
    net = Net("wide", ("mobilenet_v2", "classes"))
    run = Run.create(tmp_path, net, Recipe(), 0, faces)
    assert net.backbone is not None
    assert run.config.backbone is not None
    assert run.config.backbone.sha256 == net.backbone.sha256
    assert Run.create(tmp_path, net, Recipe(), 0, faces).folder == run.folder
    file = run.folder / "run.json"
    file.write_text(file.read_text(encoding="utf-8").replace(net.backbone.sha256, "0" * 64), encoding="utf-8")
    with pytest.raises(UserError, match=r"began on weights of mobilenet_v2 whose SHA-256 is 0{64}; those here have"):
        Run.create(tmp_path, net, Recipe(), 0, faces)
    run.write_status(Status("finished"))
    assert Run.create(tmp_path, net, Recipe(), 0, faces).folder == run.folder


def test_a_run_that_starts_from_another_counts_that_ones_digits() -> None:
    first = run_id(NET, Recipe(init_from="small-0123456789"), 0, "f")
    assert run_id(NET, Recipe(init_from="/elsewhere/small-0123456789"), 0, "f") == first
    assert run_id(NET, Recipe(init_from="small-1123456789"), 0, "f") != first


def test_the_stamps_change_with_what_says_how_a_run_stands(run: Run) -> None:
    before = run.stamps()
    assert run.stamps() == before
    run.write_status(Status("running"))
    assert run.stamps() != before
