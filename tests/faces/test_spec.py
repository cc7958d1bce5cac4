"""One value that says which faces, and opens them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.errors import UserError
from mien.faces import VOTES, Faces, FacesSpec, open_faces, write_packed
from mien.faces.fer2013 import VOTE_OF
from mien.faces.spec import OtherFacesError, source_of

Text = Callable[..., str]


@pytest.fixture
def table(tmp_path: Path, small: Faces, csv_text: Text) -> str:
    file = tmp_path / "fer2013.csv"
    file.write_text(csv_text(small), encoding="utf-8")
    return str(file)


def test_a_size_that_faces_have_anyway_is_the_same_entry(table: str, cache: Path) -> None:
    whole = FacesSpec((table,)).open()
    assert FacesSpec((table,), 48).open().fingerprint == whole.fingerprint
    assert len(list(cache.iterdir())) == 1
    assert FacesSpec((table,), 24).open().size == 24
    assert len(list(cache.iterdir())) == 2


def test_faces_opened_with_their_own_size_are_cached_as_the_whole(table: str, cache: Path) -> None:
    FacesSpec((table,), 48).open()
    FacesSpec((table,)).open()
    assert len(list(cache.iterdir())) == 1


def test_every_option_has_its_entry(tmp_path: Path, small: Faces, csv_text: Text, cache: Path) -> None:
    (tmp_path / "train.csv").write_text(csv_text(small.split("train"), usage=False), encoding="utf-8")
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


def test_a_smaller_size_is_cached_too(table: str, cache: Path) -> None:
    first = FacesSpec((table,), 24).open()
    [entry] = cache.iterdir()
    (entry / "mark").touch()
    assert FacesSpec((table,), 24).open().fingerprint == first.fingerprint
    assert (entry / "mark").exists()


def test_packed_faces_in_a_smaller_size_go_through_the_cache(tmp_path: Path, small: Faces, cache: Path) -> None:
    write_packed(small, tmp_path / "packed")
    assert FacesSpec((str(tmp_path / "packed"),), 48).open().fingerprint == small.fingerprint
    assert not cache.exists()
    assert FacesSpec((str(tmp_path / "packed"),), 24).open().size == 24
    assert len(list(cache.iterdir())) == 1


@pytest.mark.usefixtures("cache")
def test_labels_by_votes(tmp_path: Path, small: Faces) -> None:
    votes = np.zeros((28, 10), np.uint8)
    votes[np.arange(28), [VOTES.index(VOTE_OF[small.classes[label]]) for label in small.labels]] = 10
    votes[0] = np.roll(votes[0], 1)
    write_packed(replace(small, votes=votes), tmp_path / "packed")
    spec = FacesSpec((str(tmp_path / "packed"),))
    assert replace(spec, labels="agreed").open().left_out == {"disagreed": {"train": 1}}
    with pytest.raises(UserError, match="packed: no image of contempt in train, so no net can learn it"):
        replace(spec, labels="majority").open()


@pytest.mark.usefixtures("cache")
def test_faces_are_opened_again_if_they_are_the_same(table: str, small: Faces, tmp_path: Path) -> None:
    spec = FacesSpec((table,), clean=("copies",))
    fingerprint = spec.open().fingerprint
    assert spec.reopen(fingerprint).fingerprint == fingerprint
    with pytest.raises(OtherFacesError, match=rf"2013\.csv: holds other faces .* {fingerprint[:10]}, not 0123456789$"):
        spec.reopen("0123456789abcdef")
    write_packed(small.split("train"), tmp_path / "packed")
    with pytest.raises(OtherFacesError):
        replace(spec, source=(str(tmp_path / "packed"),)).reopen(fingerprint)


@pytest.mark.usefixtures("cache")
def test_imported_faces_are_not_split_a_second_time(tmp_path: Path, small: Faces, csv_text: Text) -> None:
    (tmp_path / "train.csv").write_text(csv_text(small.split("train"), usage=False), encoding="utf-8")
    spec = FacesSpec((str(tmp_path / "train.csv"),), validation=0.5)
    faces = spec.open()
    write_packed(faces, tmp_path / "imported")
    imported = replace(spec, source=(str(tmp_path / "imported"),))
    assert imported.reopen(faces.fingerprint).fingerprint == faces.fingerprint
    with pytest.raises(UserError, match="has 7 validation faces of its own"):
        imported.open()


@pytest.mark.usefixtures("cache")
def test_the_function_is_the_spec(table: str) -> None:
    faces = open_faces(table, size=24, clean=["copies"])
    assert faces.fingerprint == FacesSpec((table,), 24, clean=("copies",)).read().fingerprint


def test_a_source_may_be_a_path_or_several(
    tmp_path: Path, table: str, small: Faces, csv_text: Text, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = open_faces(table)
    assert open_faces(Path(table)).fingerprint == whole.fingerprint
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert open_faces("~/fer2013.csv").fingerprint == open_faces(Path("~/fer2013.csv")).fingerprint == whole.fingerprint
    parts = [tmp_path / f"{split}.csv" for split in ("train", "test")]
    for part in parts:
        part.write_text(csv_text(small.split(part.stem), usage=False), encoding="utf-8")
    assert open_faces(parts).counts().keys() == {"train", "test"}
    assert open_faces([f"train={parts[0]}", parts[1]]).fingerprint == open_faces(parts).fingerprint


def test_a_path_is_never_the_word_drawn(
    tmp_path: Path, small: Faces, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_packed(small, Path("drawn"))
    assert len(open_faces(Path("drawn"))) == len(small)
    assert len(open_faces("drawn:100")) == 100


def test_one_name_needs_no_list(table: str, cache: Path) -> None:
    spec = FacesSpec((table,), clean=("copies",), classes=("fer2013",))
    assert open_faces(table, clean="copies", classes="fer2013").fingerprint == spec.open().fingerprint
    with pytest.raises(UserError, match="clean: cannot leave out 'copy'"):
        open_faces(table, clean="copy")


def test_a_source_of_another_type_and_a_size_are_explained() -> None:
    faces = open_faces("drawn:200")
    for wrong, kind in ((None, "NoneType"), (3, "int"), (faces, "Faces"), ([faces], "Faces")):
        with pytest.raises(UserError, match=rf"^source: found {kind}; give a path, a list of paths"):
            open_faces(wrong)
    with pytest.raises(UserError, match=r"^size 0: these faces are 48 pixels wide, and are only ever made smaller$"):
        open_faces("drawn:200", size=0)


def test_equal_faces_come_from_where_each_of_them_was_opened() -> None:
    plain, cleaned = open_faces("drawn:200"), open_faces("drawn:200", clean="leaks")
    assert plain.fingerprint == cleaned.fingerprint  # nothing leaks
    assert source_of(plain) == FacesSpec(("drawn:200",))
    assert source_of(cleaned) == FacesSpec(("drawn:200",), clean=("leaks",))
    assert source_of(plain[:]) is not None
    assert source_of(plain[1:]) is None
