"""A study on real Ray clusters: a head and a second node as processes of this machine, and what may befall them."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mien.faces.drawn import draw_faces
from mien.nets import Net
from mien.runs.recipe import Recipe
from mien.runs.results import read_results
from mien.runs.run import Run
from mien.runs.study_folder import runs_in
from mien.study.config.resources import Resources
from mien.training.loop import Progress, fit

pytest.importorskip("ray")
from mien.study.engines.ray_engine import RayEngine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds Ray's processes in /proc"),
]

STUDY = """
name = "four"
seeds = [0, 1]
data.source = "drawn:400"
recipe = { epochs = 20, batch = 32 }
[nets]
small.layers = ["conv(8)", "relu", "pool", "dropout(0.2)", "flatten", "dense(16)", "relu", "classes"]
normal.layers = ["conv(8)", "batch_norm", "relu", "pool", "flatten", "classes"]
"""

Start = Callable[..., subprocess.Popen[str]]

RAY = Path(sys.executable).with_name("ray")
MIEN = [sys.executable, "-m", "mien"]


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """Of all processes of a cluster: its own secret, and one core for the local engine."""
    return os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def node(environment: dict[str, str]) -> Iterator[Start]:
    """Starts a node of one core and waits until it is there; all are ended behind the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> subprocess.Popen[str]:
        words = [RAY, "start", "--block", "--num-cpus=1", "--disable-usage-stats", *options]
        started.append(subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, text=True))
        wait(lambda: bool(children(started[-1].pid, "raylet")), "a node to start")
        return started[-1]

    yield start
    for process in reversed(started):
        process.terminate()
        process.wait(60)


@pytest.fixture
def begin(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Starts a study of `four.toml`; one that still runs behind the test is ended."""
    (tmp_path / "four.toml").write_text(STUDY, encoding="utf-8")
    started: list[subprocess.Popen[str]] = []

    def start(words: list[str]) -> subprocess.Popen[str]:
        started.append(subprocess.Popen(words, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def wait(happened: Callable[[], bool], what: str, seconds: float = 240) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, f"waited {seconds:g} s for {what}"
        time.sleep(0.1)


def children(parent: int, name: str) -> list[int]:
    """Process ids of a process's children that are called so."""
    pids = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, tail = stat.read_text(encoding="utf-8").rpartition(")")
        except OSError:
            continue
        if int(tail.split()[1]) == parent and head.split("(", 1)[1].startswith(name):
            pids.append(int(stat.parent.name))
    return pids


def pid_of(folder: Path) -> int:
    """The process that trains a run, 0 if none does."""
    try:
        state: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return 0
    return int(state["pid"]) if state["state"] == "running" and (folder / "history.jsonl").exists() else 0


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def outcomes(folder: Path) -> dict[str, tuple[str, list[tuple[float, ...]], bytes]]:
    """State, losses and weights of a study's runs, by their ids."""
    return {
        run.id: (
            run.status.state,
            [epoch.steps for epoch in run.history()],
            (run.folder / "weights.safetensors").read_bytes(),
        )
        for run in runs_in(folder)
    }


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """The folder of the study as this machine alone runs it, on one core."""
    folder = tmp_path_factory.mktemp("local")
    (folder / "four.toml").write_text(STUDY, encoding="utf-8")
    words = [*MIEN, "study", "four.toml", "-o", "here"]
    done = subprocess.run(words, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "here"


def test_runs_on_a_node_that_is_killed_end_with_the_same_numbers(
    node: Callable[..., subprocess.Popen[str]],
    begin: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
    here: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    node("--head", f"--port={address.rpartition(':')[2]}", "--include-dashboard=false")
    (doomed,) = children(node(f"--address={address}").pid, "raylet")
    words = [*MIEN, "study", "four.toml", "-o", "there", "--engine", "ray", "--address", address]
    study = begin(words)
    runs = tmp_path / "there" / "runs"

    def lost() -> list[Path]:
        """The runs that train on the second node, one epoch or more being done."""
        folders = [(folder, pid_of(folder)) for folder in runs.glob("[!.]*")]
        return [folder for folder, pid in folders if pid and parent_of(pid) == doomed]

    wait(lambda: bool(lost()) or study.poll() is not None, "a run on the second node")
    assert study.poll() is None, study.communicate()[1]
    (run,) = lost()
    os.kill(doomed, signal.SIGKILL)
    before = (run / "history.jsonl").read_text(encoding="utf-8").splitlines()
    _, output = study.communicate(timeout=600)
    assert study.returncode == 0, output
    assert outcomes(tmp_path / "there") == outcomes(here)
    assert {state for state, _, _ in outcomes(here).values()} == {"finished"}
    after = (run / "history.jsonl").read_text(encoding="utf-8").splitlines()
    assert 0 < len(before) < len(after) == 20
    assert after[: len(before) - 1] == before[:-1], "with their times: it went on from its checkpoint"
    assert read_results(here).best == read_results(tmp_path / "there").best


def test_ctrl_c_stops_the_runs_and_the_ray_that_was_started_for_them(
    begin: Start, environment: dict[str, str], tmp_path: Path, here: Path
) -> None:
    words = [*MIEN, "study", "four.toml", "-o", "there", "--engine", "ray"]
    study = begin(words)
    runs = tmp_path / "there" / "runs"
    wait(lambda: any(pid_of(folder) for folder in runs.glob("[!.]*")) or study.poll() is not None, "a first epoch")
    rays = children(study.pid, "raylet") + children(study.pid, "gcs_server")
    assert len(rays) == 2
    study.send_signal(signal.SIGINT)
    _, output = study.communicate(timeout=120)
    assert study.returncode == 1
    assert output.splitlines()[-1] == "stopped; to go on from the last epoch: " + " ".join(["mien", *words[3:]])
    assert not any(Path(f"/proc/{pid}").exists() for pid in rays)
    states = {run.status.state for run in runs_in(tmp_path / "there")}
    assert "stopped" in states
    assert "running" not in states
    assert not list(runs.glob(".*"))
    done = subprocess.run(words, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert outcomes(tmp_path / "there") == outcomes(here)


@pytest.mark.parametrize(
    ("workers", "process", "kills", "apart"),
    [(1, "ray::train", 1, True), (1, "ray::train", 4, False), (2, "ray::_assist", 1, False)],
    ids=["begins anew where no storage is shared", "fails in the end", "goes on when one of two was lost"],
)
def test_a_run_whose_worker_is_killed(
    workers: int, process: str, kills: int, apart: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = draw_faces(200, size=24)
    net, recipe = Net("fnn", ("flatten", "dense(8)", "relu", "classes")), Recipe(epochs=40, precision="float32")
    run = Run.create(tmp_path / "there", net, recipe, 0, faces)
    killed: set[int] = set()

    def kill(progress: Progress) -> None:
        """The worker that trains now, behind its second epoch."""
        if progress.record is not None and progress.record.epoch >= 2 and len(killed) < kills:
            (raylet,) = children(os.getpid(), "raylet")
            for pid in set(children(raylet, process)) - killed:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)

    if apart:
        monkeypatch.setattr(RayEngine, "storage_token", lambda self, folder: Path("/nowhere to be seen"))
    with closing(RayEngine(faces, kill, {"fnn": Resources(workers=workers)})) as engine:
        engine.submit(run)
        ((ended, status),) = engine.gather()
    assert (ended.id, len(killed)) == (run.id, kills)
    assert status == run.status
    if kills == 4:
        assert status.state == "failed"
        assert status.reason.startswith("its worker was lost 4 times, the last time so: ")
        return
    here = Run.create(tmp_path / "here", net, recipe, 0, faces)
    fit(here, faces, lambda progress: None)
    assert status.state == "finished"
    assert [epoch.loss for epoch in run.history()] == pytest.approx([epoch.loss for epoch in here.history()], rel=1e-6)
