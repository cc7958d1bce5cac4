"""One value that says which faces, and opens them."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mien.errors import UserError
from mien.faces import Faces, FacesSpec, open_faces

Text = Callable[..., str]


@pytest.fixture
def table(tmp_path: Path, small: Faces, csv_text: Text) -> str:
    file = tmp_path / "fer2013.csv"
    file.write_text(csv_text(small))
    return str(file)


def test_a_size_that_faces_have_anyway_is_the_same_entry(table: str, cache: Path) -> None:
    whole = FacesSpec((table,)).open()
    assert FacesSpec((table,), 48).open().fingerprint == whole.fingerprint
    assert len(list(cache.iterdir())) == 1
    assert FacesSpec((table,), 24).open().size == 24
    assert len(list(cache.iterdir())) == 2


def test_a_given_size_first_is_found_as_the_whole_later(table: str, cache: Path) -> None:
    FacesSpec((table,), 48).open()
    FacesSpec((table,)).open()
    assert len(list(cache.iterdir())) == 1


def test_every_option_has_its_entry(tmp_path: Path, small: Faces, csv_text: Text, cache: Path) -> None:
    (tmp_path / "train.csv").write_text(csv_text(small.split("train"), usage=False))
    plain = FacesSpec((str(tmp_path / "train.csv"),))
    specs = [
        plain,
        replace(plain, classes=("fer2013",)),
        replace(plain, classes=("affectnet7",)),
        replace(plain, validation=0.2),
        replace(plain, validation=0.2, clean=("copies",)),
    ]
    opened = [spec.open() for spec in specs]
    assert len(list(cache.iterdir())) == len(specs)
    assert opened[0].fingerprint == opened[1].fingerprint
    assert len({faces.fingerprint for faces in opened}) == 3
    for spec, faces in zip(specs, opened, strict=True):
        assert spec.open().notes == faces.notes == spec.read().notes


def test_what_a_study_keeps_opens_the_same_faces(tmp_path: Path, small: Faces, csv_text: Text, cache: Path) -> None:
    (tmp_path / "train.csv").write_text(csv_text(small.split("train"), usage=False))
    spec = FacesSpec((str(tmp_path / "train.csv"),), 24, clean=("constant",), classes=("ferplus",), validation=0.3)
    faces = spec.open()
    facts = json.loads(json.dumps(spec.to_dict(faces)))
    assert FacesSpec.from_dict(facts) == spec
    assert FacesSpec.from_dict(facts, ["drawn"]).source == ("drawn",)
    assert facts["notes"] == list(faces.notes)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"labels": "agree"}, "labels agree: known: .* did you mean 'agreed'"),
        ({"clean": ("copys",)}, "did you mean 'copies'"),
        ({"classes": ("rafd",)}, "did you mean 'rafdb'"),
        ({"validation": 0.7}, "validation 0.7"),
    ],
)
@pytest.mark.usefixtures("cache")
def test_what_no_source_could_give(table: str, change: dict[str, object], expected: str) -> None:
    spec = replace(FacesSpec((table,)), **change)
    with pytest.raises(UserError, match=expected):
        spec.check()
    with pytest.raises(UserError, match=expected):
        spec.open()


@pytest.mark.usefixtures("cache")
def test_the_function_is_the_spec(table: str) -> None:
    faces = open_faces(table, size=24, clean=["copies"])
    assert faces.fingerprint == FacesSpec((table,), 24, clean=("copies",)).read().fingerprint
