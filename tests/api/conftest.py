"""A small study that has ended: nets of two groups, one of them tuned, an ensemble, two seeds."""

from pathlib import Path

import pytest

import mien


@pytest.fixture(scope="session")
def ended(tmp_path_factory: pytest.TempPathFactory) -> mien.StudyResults:
    """The results of a study on 300 drawn faces of 24x24 pixels; tests leave its runs as they are."""
    layers = ["conv(4)", "relu", "pool(4)", "flatten", "classes"]
    study = mien.Study(
        name="ended",
        seeds=[0, 1],
        data={"source": "drawn:300", "size": 24},
        recipe={"epochs": 2, "batch": 32, "learning_rate": 0.01},
        nets={
            "linear": {"layers": ["flatten", "classes"]},
            "dense": {"layers": ["flatten", "dense(16)", "relu", "classes"]},
            "tuned": {
                "layers": ["flatten", "dense(units)", "relu", "classes"],
                "tune": {"trials": 2, "sampler": "grid", "space": {"units": [4, 8]}},
            },
            "conv": {"layers": layers},
            "failed": {"layers": layers, "recipe": {"optimizer": "sgd", "learning_rate": 1e30}},
        },
        groups={"flat <b>": ["linear", "dense", "tuned"], "conv": ["conv", "failed"]},
        ensembles={"both": {"dense": 2, "conv": 1}, "broken": ["conv", "failed"]},
    )
    folder: Path = tmp_path_factory.mktemp("out") / "ended"
    return study.run(folder=folder, progress=False)
