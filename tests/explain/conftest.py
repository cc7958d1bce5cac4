"""Two runs that were trained in a moment: one with a convolutional layer, one without."""

import pytest

from mien.faces import Faces
from mien.faces.spec import FacesSpec
from mien.nets import Net
from mien.runs.recipe import Recipe
from mien.runs.run import Run
from mien.training.loop import fit

NETS = {
    "averaged": ("conv(6)", "relu", "pool", "conv(8)", "relu", "global_average", "classes"),
    "flat": ("flatten", "classes"),
    "flattened": ("conv(6)", "relu", "pool", "flatten", "classes"),
}


@pytest.fixture(scope="session")
def faces() -> Faces:
    """240 drawn faces of train, 30 of validation, 30 of test; 24x24 pixels."""
    return FacesSpec(("drawn:300",), 24).read()


@pytest.fixture(scope="session")
def runs(faces: Faces, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A finished run of each net, by its name."""
    folder = tmp_path_factory.mktemp("runs")
    made = {}
    for name, layers in NETS.items():
        made[name] = Run.create(folder, Net(name, layers), Recipe(epochs=2, batch=60), 0, faces)
        fit(made[name], faces, lambda progress: None)
    return made
