"""Choosing the model in use."""

import json
import sys
from pathlib import Path
from time import sleep

import pytest
from fastapi.testclient import TestClient
from studied import begin

from mien.serve import exporting
from mien.serve.exporting import Exports


def put(client: TestClient, **choice: str) -> tuple[int, dict]:
    answer = client.put("/v1/models/in-use", json=choice)
    return answer.status_code, answer.json()


def settled(client: TestClient) -> dict:
    """How the change that is under way ends."""
    for _ in range(2000):
        now = client.get("/v1/models/in-use").json()
        if now["state"] != "exporting":
            return now
        sleep(0.01)
    raise AssertionError(now)


def first_run(study: Path) -> str:
    return f"small/{sorted(path.name for path in (study / 'runs').iterdir())[0]}"


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model_file: Path) -> Path:
    """In place of `mien export` a script that the test may change; by default it copies a model that is there."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\ncp {model_file} "$5"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(exporting.sys, "executable", str(program))
    return program


def test_the_model_that_the_server_began_with(client: TestClient) -> None:
    assert client.get("/v1/models/in-use").json() == {"in_use": "tiny", "run": "", "state": "settled", "reason": ""}
    assert put(client, model="tiny") == (200, {"in_use": "tiny", "run": "", "state": "settled", "reason": ""})


def test_a_finished_run_is_exported_and_put_to_use(exporter: Path, study: Path, client: TestClient) -> None:
    run = first_run(study)
    status, now = put(client, run=run)
    assert (status, now["state"], now["run"]) == (202, "exporting", run)
    assert settled(client) == {"in_use": "tiny", "run": run, "state": "settled", "reason": ""}
    exporter.unlink()  # what was made once is kept
    assert put(client, run=run)[0] == 202
    assert settled(client)["state"] == "settled"


def test_why_an_export_failed_is_shown_and_the_model_in_use_stays(
    exporter: Path, study: Path, client: TestClient
) -> None:
    exporter.write_text(
        "#!/bin/sh\necho 'a warning' >&2\necho 'mien: faces: not its own' >&2\nexit 2\n", encoding="utf-8"
    )
    assert put(client, run=first_run(study))[0] == 202
    now = settled(client)
    assert (now["state"], now["reason"], now["in_use"]) == ("failed", "faces: not its own", "tiny")


def test_one_change_at_a_time(exporter: Path, study: Path, client: TestClient) -> None:
    exporter.write_text(exporter.read_text(encoding="utf-8").replace("cp", "sleep 1; cp"), encoding="utf-8")
    assert put(client, run=first_run(study))[0] == 202
    assert put(client, model="tiny")[0] == 409
    assert settled(client)["state"] == "settled"
    assert put(client, model="tiny")[0] == 200


def test_a_stop_ends_an_export(exporter: Path, study: Path, client: TestClient, tmp_path: Path) -> None:
    exporter.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n", encoding="utf-8")
    assert put(client, run=first_run(study))[0] == 202
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text(encoding="utf-8").strip():
        sleep(0.01)
    client.__exit__(None, None, None)
    pid = int((tmp_path / "pid").read_text(encoding="utf-8"))
    for _ in range(1000):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text(encoding="utf-8").split()[2] == "Z":
            return
        sleep(0.01)
    raise AssertionError("the export still runs")


def test_what_cannot_be_chosen_is_a_problem(study: Path, client: TestClient) -> None:
    late = begin(study)
    for choice, status, word in (
        ({"model": "none"}, 404, "GET /v1/models"),
        ({"model": "/etc/passwd"}, 404, "GET /v1/models"),
        ({"run": "small/none-1"}, 404, "none-1"),
        ({"run": "../small"}, 404, "small"),
        ({"run": f"small/{late.id}"}, 409, "running"),
        ({}, 422, "either run or model"),
        ({"run": "a/b", "model": "tiny"}, 422, "either run or model"),
        ({"file": "x"}, 422, ""),
    ):
        code, body = put(client, **choice)
        assert (code, word in body["detail"]) == (status, True), choice
    assert client.get("/v1/models/in-use").json()["in_use"] == "tiny"


@pytest.mark.slow
def test_mien_export_tells_why_a_run_without_weights_cannot_be_used(
    study: Path, client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    assert Path(sys.executable).exists()
    assert put(client, run=first_run(study))[0] == 202
    now = settled(client)
    assert (now["state"], now["in_use"]) == ("failed", "tiny")
    assert now["reason"]
    assert list(Exports()._folder.glob("*.onnx")) == []
    json.dumps(now)
