"""Reaching a cluster, and what fits on it; nothing here starts a Ray."""

import socket

import pytest

from mien.errors import UserError
from mien.study.config.resources import Resources

pytest.importorskip("ray")
from mien.study.engines import ray_cluster
from mien.study.engines.ray_worker import device_of


@pytest.mark.parametrize("address", ["head", "head:", ":6379", "ray://head:10001", "head:99999", "a b:1"])
def test_an_address_is_a_host_and_a_port(address: str) -> None:
    with pytest.raises(UserError, match="not of the form HOST:PORT, as `ray start --head` prints it"):
        ray_cluster.connect(address)


def test_a_cluster_that_is_not_there_is_reported_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(UserError) as error:
        ray_cluster.connect(f"127.0.0.1:{port}")
    assert str(error.value) == (
        f"--address 127.0.0.1:{port}: no Ray there (connection refused); start one with: ray start --head --port={port}"
    )


def test_something_that_does_not_answer_as_ray_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "PATIENCE", 2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(UserError, match=rf"--address {address}: no answer from a Ray within 2 s; is it the port"):
            ray_cluster.connect(address)


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster of eight cores with a GPU, and of four without."""
    monkeypatch.setattr(ray_cluster, "nodes", lambda: [{"CPU": 8.0, "GPU": 1.0}, {"CPU": 4.0}])


@pytest.mark.parametrize(
    ("resources", "slots"),
    [
        ({}, 12),
        ({"cores": 3}, 3),
        ({"cores": 5}, 1),
        ({"cores": 9}, 0),
        ({"gpu": 0.5}, 2),
        ({"gpu": 0.25, "cores": 4}, 2),
        ({"gpu": 2}, 0),
        ({"cores": 2, "workers": 3}, 2),
        ({"cores": 4, "workers": 4}, 0),
    ],
)
def test_slots_are_the_runs_that_fit_at_once(resources: dict[str, float], slots: int, nodes: None) -> None:
    assert ray_cluster.slots(Resources.model_validate(resources)) == slots


def test_a_run_takes_a_gpu_where_there_is_one_unless_its_study_says_otherwise(
    nodes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = ray_cluster.whole_gpu()
    assert [Resources(gpu=share).with_gpu(gpu).gpu for share in (None, 0, 0.5)] == [1, 0, 0.5]
    assert ray_cluster.slots(Resources().with_gpu(gpu)) == 1
    monkeypatch.setattr(ray_cluster, "nodes", lambda: [{"CPU": 4.0}])
    assert ray_cluster.whole_gpu() == 0


@pytest.mark.parametrize(
    ("device", "gpu", "there"),
    [("auto", 0, "cpu"), ("auto", 1, "auto"), ("cuda:1", 0.5, "cuda"), ("cpu", 0, "cpu"), ("cuda", 0, "cuda")],
)
def test_a_worker_sees_the_gpus_that_ray_gave_it(device: str, gpu: float, there: str) -> None:
    assert device_of(device, Resources(gpu=gpu)) == there


def test_runs_that_would_wait_forever_are_reported(nodes: None) -> None:
    ray_cluster.check_room({"a": Resources(cores=8), "b": Resources(gpu=1)})
    with pytest.raises(UserError) as error:
        ray_cluster.check_room(
            {"a": Resources(cores=8), "b": Resources(cores=9, gpu=0.5), "c": Resources(cores=4, workers=4)}
        )
    assert str(error.value).splitlines() == [
        "these runs do not fit on the cluster, whose nodes have: 8 cores and 1 GPU; 4 cores and 0 GPU",
        "  nets.b.resources: cores = 9, gpu = 0.5",
        "  nets.c.resources: cores = 4, workers = 4",
    ]


def test_a_home_that_cannot_be_written_to_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**_: object) -> None:
        raise PermissionError(13, "Permission denied", "/nowhere")

    monkeypatch.setattr(ray_cluster.ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray_cluster.ray, "init", init)
    monkeypatch.setenv("HOME", "/nowhere")
    with pytest.raises(UserError, match=r"--engine ray: .* home folder, .*'/nowhere'\); name one: HOME=DIR"):
        ray_cluster.connect(None)
    monkeypatch.setenv("HOME", "/tmp")  # what is wrong there is another matter
    with pytest.raises(PermissionError):
        ray_cluster.connect(None)
