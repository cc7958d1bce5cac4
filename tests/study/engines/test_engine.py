"""What every engine does, here one after the other: this machine, Ray, and Ray whose workers do not see our disk."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mien.errors import UserError
from mien.faces import Faces
from mien.faces.drawn import draw_faces
from mien.nets import Net
from mien.runs.recipe import Recipe
from mien.runs.run import Epoch, Run
from mien.study.config.resources import Resources
from mien.study.engines.engine import Engine
from mien.study.engines.local import LocalEngine
from mien.training.loop import Progress, fit

CNN = Net("cnn", ("conv(4)", "relu", "pool", "dropout(0.2)", "flatten", "dense(8)", "relu", "classes"))
NORMAL = Net("normal", ("conv(4)", "batch_norm", "relu", "residual(6)", "global_average", "classes"))
FNN = Net("fnn", ("flatten", "dense(8)", "relu", "classes"))

Open = Callable[..., Engine]


@pytest.fixture(scope="module")
def few() -> Faces:
    """160 faces of train, 20 of validation, 20 of test; 24x24 pixels."""
    return draw_faces(200, size=24)


@pytest.fixture(autouse=True)
def one_core() -> Iterator[None]:
    """What each run has on Ray, unless more is asked: the last bits of its numbers depend on it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def our_ray() -> Iterator[None]:
    """One Ray for all tests; an engine leaves a Ray that it has found as it is."""
    ray = pytest.importorskip("ray")
    from mien.study.engines.ray_cluster import connect

    connect(None)
    yield
    ray.shutdown()


RAYS = [pytest.param(name, marks=pytest.mark.slow) for name in ("ray", "ray apart")]


@pytest.fixture(params=["local", *RAYS])
def opened(request: pytest.FixtureRequest, few: Faces, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens an engine: opened(on_step, resources)."""
    if request.param == "local":
        return lambda on_step=lambda progress: None, resources=None: LocalEngine(few, on_step, resources)
    request.getfixturevalue("our_ray")
    from mien.study.engines.ray_engine import RayEngine

    if request.param == "ray apart":
        monkeypatch.setattr(RayEngine, "storage_token", lambda self, folder: Path("/nowhere to be seen"))
    return lambda on_step=lambda progress: None, resources=None: RayEngine(few, on_step, resources)


def created(folder: Path, faces: Faces, net: Net = CNN, seed: int = 0, **recipe: object) -> Run:
    return Run.create(folder, net, Recipe.model_validate({"epochs": 3, "batch": 64} | recipe), seed, faces)


def trained(folder: Path, faces: Faces, net: Net = CNN, seed: int = 0, **recipe: object) -> Run:
    """The same run, trained here and now."""
    run = created(folder, faces, net, seed, **recipe)
    assert fit(run, faces, lambda progress: None).state == "finished"
    return run


def outcome(run: Run) -> tuple[list[Epoch], bytes, list[float]]:
    """All that a run gives but its times, bit for bit."""
    predictions = run.predictions("validation")
    assert predictions is not None
    history = [replace(epoch, seconds=0.0, faces_per_second=0.0) for epoch in run.history()]
    return history, (run.folder / "weights.safetensors").read_bytes(), predictions.probabilities.ravel().tolist()


def test_every_run_ends_with_the_numbers_that_it_has_here(opened: Open, few: Faces, tmp_path: Path) -> None:
    nets = [CNN, NORMAL, FNN]
    steps: list[Progress] = []
    with closing(opened(steps.append)) as engine:
        runs = [created(tmp_path / "there", few, net) for net in nets]
        for run in runs:
            engine.submit(run)
        ended = {run.net.name: status for run, status in engine.gather()}
    assert {name: status.state for name, status in ended.items()} == dict.fromkeys(["cnn", "normal", "fnn"], "finished")
    for run in runs:
        here = trained(tmp_path / "here", few, run.net)
        assert outcome(run) == outcome(here)
        assert run.status == ended[run.net.name]
        assert {file.name for file in run.folder.iterdir()} == {file.name for file in here.folder.iterdir()}
        records = [progress.record for progress in steps if progress.run.id == run.id and progress.record]
        assert records == run.history()
    assert {file.name for file in (tmp_path / "there").iterdir()} == {run.id for run in runs}, "and nothing else"


def test_a_run_that_fails_does_not_stop_the_others(opened: Open, few: Faces, tmp_path: Path) -> None:
    with closing(opened()) as engine:
        engine.submit(created(tmp_path, few, FNN, optimizer="sgd", learning_rate=1e30))
        engine.submit(created(tmp_path, few, FNN))
        states = {run.recipe.optimizer: status for run, status in engine.gather()}
    assert states["sgd"].state == "failed"
    assert "a learning rate below 1e+30 may help" in states["sgd"].reason
    assert states["adam"].state == "finished"


def test_a_run_is_pruned_when_it_is_reported_to_stop(opened: Open, few: Faces, tmp_path: Path) -> None:
    seen: list[Epoch] = []

    def should_prune(record: Epoch) -> str:
        seen.append(record)
        return "worse than the median" if record.epoch == 2 else ""

    with closing(opened()) as engine:
        run, other = created(tmp_path, few, epochs=5), created(tmp_path, few, FNN)
        engine.submit(run, should_prune)
        engine.submit(other, lambda record: "")
        states = {run.id: status.state for run, status in engine.gather()}
    assert states == {run.id: "pruned", other.id: "finished"}
    assert run.status.reason == "worse than the median"
    assert seen == run.history()
    assert [epoch.epoch for epoch in seen] == [1, 2]


def test_a_stopped_run_goes_on_from_its_last_epoch(opened: Open, few: Faces, tmp_path: Path) -> None:
    run = created(tmp_path, few, NORMAL)

    def interrupt(progress: Progress) -> None:
        if (progress.epoch, progress.step) == (3, 1):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(run, few, interrupt)
    first_two = run.history()
    with closing(opened()) as engine:
        engine.submit(run)
        assert [status.state for _, status in engine.gather()] == ["finished"]
    assert run.history()[:2] == first_two, "with their times: they were not trained again"
    assert outcome(run) == outcome(trained(tmp_path / "whole", few, NORMAL))


def test_more_runs_may_be_submitted_while_others_end(opened: Open, few: Faces, tmp_path: Path) -> None:
    with closing(opened()) as engine:
        assert engine.slots >= 1
        engine.submit(created(tmp_path, few, FNN, seed=0, epochs=1))
        seeds = []
        for run, _ in engine.gather():
            seeds.append(run.seed)
            if run.seed < 3:
                engine.submit(created(tmp_path, few, FNN, seed=run.seed + 1, epochs=1))
        assert seeds == [0, 1, 2, 3]
        assert list(engine.gather()) == []


def test_a_mistake_of_the_user_is_reported_as_one(opened: Open, few: Faces, tmp_path: Path) -> None:
    with closing(opened()) as engine:
        engine.submit(created(tmp_path, few, FNN, targets="votes"))
        with pytest.raises(UserError, match=r"^drawn: has no votes; name FER\+'s file"):
            list(engine.gather())


def test_two_workers_train_a_net_of_a_study_as_one_does(opened: Open, few: Faces, tmp_path: Path) -> None:
    with closing(opened(resources={"fnn": Resources(workers=2)})) as engine:
        run = created(tmp_path, few, FNN, precision="float32")
        engine.submit(run)
        assert [status.state for _, status in engine.gather()] == ["finished"]
    here = trained(tmp_path / "here", few, FNN, precision="float32")
    losses, ours = [epoch.loss for epoch in here.history()], [epoch.loss for epoch in run.history()]
    assert ours == pytest.approx(losses, rel=1e-6)
    assert not (run.folder / "checkpoint.safetensors").exists()
