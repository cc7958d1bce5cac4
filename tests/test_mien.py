"""What `import mien` gives, and what it costs."""

import pytest
from test_house import loads

import mien
from mien.faces.spec import open_faces
from mien.faces.types import Faces
from mien.predict.predictor import Predictor


def test_names_are_those_of_their_modules() -> None:
    assert mien.open_faces is open_faces
    assert mien.Faces is Faces
    assert mien.Predictor is Predictor


def test_every_name_can_be_listed_and_used() -> None:
    assert {"Faces", "Predictor", "open_faces", "__version__"} <= {*dir(mien)}
    assert all(getattr(mien, name) is not None for name in mien._PLACES)
    assert "TYPE_CHECKING" not in dir(mien)


def test_another_name_is_none_of_its_names() -> None:
    with pytest.raises(AttributeError, match="module 'mien' has no attribute 'open_face'"):
        _ = mien.open_face


def test_importing_it_loads_nothing_else() -> None:
    assert loads("mien") == {"mien"}
