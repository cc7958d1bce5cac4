"""Few small faces, and nets that are trained on them in a moment."""

from pathlib import Path

import pytest
from trained import Start

from mien.faces import Faces
from mien.faces.drawn import draw_faces
from mien.nets import Net
from mien.runs.recipe import Recipe
from mien.runs.run import Run


@pytest.fixture(scope="session")
def faces() -> Faces:
    """160 faces of train, 20 of validation, 20 of test; 24x24 pixels."""
    return draw_faces(200, size=24)


@pytest.fixture
def start(tmp_path: Path, faces: Faces) -> Start:
    """Create the run of a net on `faces`: a folder of its own, each time."""
    made = 0

    def start(net: Net, seed: int = 0, of: Faces = faces, **recipe: object) -> Run:
        nonlocal made
        made += 1
        return Run.create(tmp_path / str(made), net, Recipe.model_validate(recipe), seed, of)

    return start
