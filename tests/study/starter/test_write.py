"""A first study file: valid for every kind of faces, with what these call for, and why."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import UserError
from mien.faces import EMOTIONS, Faces, in_split_order, open_faces, write_packed
from mien.study.config.data_table import resolved
from mien.study.config.schema import read_study
from mien.study.plan import Plan, make_plan
from mien.study.starter.choices import FEW, MANY, choices_for
from mien.study.starter.names import source_from, study_name
from mien.study.starter.write import starter_study


def _faces(
    train: Sequence[int], validation: int = 0, test: int = 0, size: int = 48, classes: Sequence[str] = EMOTIONS
) -> Faces:
    """Faces of random pixels: so many of each class in train, and so many a class in the other splits."""
    labels = [label for label, number in enumerate(train) for _ in range(number)]
    for number in (validation, test):
        labels += [label for label in range(len(train)) for _ in range(number)]
    splits = np.repeat([0, 1, 2], [sum(train), validation * len(train), test * len(train)])
    images = np.random.default_rng(0).integers(0, 256, (len(labels), size, size), np.uint8)
    return in_split_order(images, labels, splits, tuple(classes)[: len(train)], name="mine")


def _switched_on(text: str) -> str:
    """The file with every setting that is off."""
    return re.sub(r"^#(?=[^\s:#])", "", text, flags=re.MULTILINE)


def _plan(folder: Path, text: str) -> Plan:
    file = folder / "study.toml"
    file.write_text(text, encoding="utf-8")
    return make_plan(read_study(file))


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Faces], str]:
    """Packs faces and gives the text of their first study; checks that it can be run, with every setting on too."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))

    def write(faces: Faces) -> str:
        write_packed(faces, tmp_path / "mine")
        text = starter_study(open_faces(str(tmp_path / "mine")), ["mine"])
        for one in (text, _switched_on(text)):
            assert _plan(tmp_path, one).study.nets
        return text

    return write


def test_few_faces_without_a_validation_split(written: Callable[[Faces], str], tmp_path: Path) -> None:
    text = written(_faces([20] * 7, test=5))
    table = tomllib.loads(text)
    assert table["name"] == "mine"
    assert table["seeds"] == [0, 1, 2]
    assert table["data"] == {"source": "mine", "validation": 0.2}
    assert "# With 28 validation faces and 35 test faces an accuracy is known to about 19 points more or less." in text
    assert "no test split" not in text
    assert table["recipe"]["batch"] == 32
    assert table["recipe"]["augment"] == ["flip", "rotate(5)", "shift(0.05)"]
    assert "class_weights" not in table["recipe"]
    assert list(table["nets"]) == ["cnn", "residual", "from_best"]
    assert table["nets"]["from_best"]["init_from"] == "bundled:best"
    assert "its classes are these" in text
    assert _plan(tmp_path, text).faces.counts()["validation"]["sad"] == 4


def test_two_classes_of_their_own_and_no_test_split(written: Callable[[Faces], str]) -> None:
    text = written(_faces([30, 30], validation=10, classes=("smile", "no smile")))
    assert "validation" not in tomllib.loads(text)["data"]
    assert "# There is no test split" in text
    assert "its last layer starts afresh" in text
    assert re.search(r"^# no smile +30 +10$", text, re.MULTILINE)


def test_what_is_rare_is_counted_and_weighs_more(written: Callable[[Faces], str]) -> None:
    text = written(_faces([300, 3, 97], validation=3, test=3))
    assert tomllib.loads(text)["recipe"]["class_weights"] == "balanced"
    assert "# 3 of 400 faces are disgust (0.75 %): a net that never" in text
    assert "faces are fear" not in text


def test_large_faces_are_scaled_to_those_of_the_bundled_model(written: Callable[[Faces], str]) -> None:
    text = written(_faces([20, 20], validation=5, size=96))
    assert tomllib.loads(text)["data"]["size"] == 48
    assert "# The faces have 96x96 pixels. With 48 a net is about 4 times as fast" in text
    assert "from_best" in tomllib.loads(text)["nets"]


def test_small_faces_cannot_start_from_it(written: Callable[[Faces], str]) -> None:
    text = written(_faces([20, 20], validation=5, size=24))
    assert "size" not in tomllib.loads(text)["data"]
    assert list(tomllib.loads(text)["nets"]) == ["cnn", "residual"]
    assert "where faces have 48 pixels or more; these have 24" in text


def test_votes_and_leaks_are_settings_to_switch_on(written: Callable[[Faces], str]) -> None:
    faces = _faces([30] * 7, validation=5, test=5)
    images = faces.images.copy()
    images[-1] = images[0]
    votes = np.zeros((len(faces), 10), np.uint8)
    rows = np.arange(len(faces))
    votes[rows, rows % 8] = 10  # in each split, eight emotions
    text = written(replace(faces, images=images, votes=votes))
    for line in ('#labels = "majority"', '#targets = "votes"', '#clean = ["leaks"]'):
        assert f"\n{line}\n" in text
    assert "# 1 of the 35 test faces are in train too" in text
    assert starter_study(faces, ["mine"]).count("\n#clean") == 0


def test_numbers_with_their_meaning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "train.npz", images=rng.integers(0, 256, (70, 48, 48), np.uint8), labels=np.arange(70) % 7 + 1)
    for classes in (["rafdb"], list("abcdefg")):
        text = starter_study(open_faces(str(tmp_path / "train.npz"), classes=classes), ["train.npz"], classes)
        assert tomllib.loads(text)["data"]["classes"] == (classes[0] if len(classes) == 1 else classes)
        assert "# Numbers read as 1 = " in text
        assert _plan(tmp_path, text).faces.classes


def test_many_faces_need_no_trained_net(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    faces = _faces([6_000, 6_000], validation=600, size=8)
    text = starter_study(replace(faces, images=np.broadcast_to(faces.images[:, :1, :1], (13_200, 48, 48))), ["a.csv"])
    table = tomllib.loads(text)
    assert table["seeds"] == [0]
    assert table["recipe"]["ema_decay"] == 0.998
    assert list(table["nets"]) == ["cnn", "residual"]
    assert list(tomllib.loads(_switched_on(text))["nets"]) == ["cnn", "residual", "wide", "from_best"]
    file = tmp_path / "s.toml"
    file.write_text(_switched_on(text), encoding="utf-8")
    assert len(read_study(file).nets) == 4


def test_more_faces_take_larger_steps_and_fewer_epochs() -> None:
    numbers = (50, 500, FEW, MANY - 1, MANY, 28_709, 300_000)
    choices = [choices_for(number) for number in numbers]
    assert [one.batch for one in choices] == [32, 32, 64, 64, 128, 256, 256]
    assert [one.epochs for one in choices] == [100, 100, 50, 20, 50, 30, 15]
    assert [one.few for one in choices] == [True, True, False, False, False, False, False]
    assert [one.many for one in choices] == [False, False, False, False, True, True, True]
    assert all(one.steps * one.epochs >= 200 for one in choices)


@pytest.mark.parametrize(
    ("faces", "message"),
    [
        (_faces([9], validation=2), "mine: all of its faces are angry; a study needs two classes or more"),
        (_faces([1, 1]), "mine: too few train faces to take validation from"),
        (_faces([0, 0], test=3), "mine: has no train faces to take validation from; it has: test"),
        (_faces([0, 0], validation=3), "mine: no faces in train; name a source for it too, as train=PATH"),
    ],
)
def test_what_no_study_can_be_made_of_is_refused(faces: Faces, message: str) -> None:
    with pytest.raises(UserError) as caught:
        starter_study(faces, ["mine"])
    assert str(caught.value) == message


def test_a_source_is_named_as_the_file_sees_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    studies = tmp_path / "studies"
    assert source_from(["drawn:300"], studies) == ["drawn:300"]
    assert source_from(["faces/a.csv"], Path()) == ["faces/a.csv"]
    assert source_from(["faces/a.csv"], studies) == ["../here/faces/a.csv"]
    assert source_from(["train=../a.csv", "test=b.csv"], studies) == ["train=../a.csv", "test=../here/b.csv"]
    assert source_from([str(tmp_path / "a.csv")], studies) == [str(tmp_path / "a.csv")]
    assert source_from(["./drawn"], Path()) == ["./drawn"]
    (tmp_path / "here" / "~a").touch()
    assert source_from(["./~a", "test=~a"], Path()) == [str(Path.cwd() / "~a"), f"test={Path.cwd() / '~a'}"]
    for word in ("faces/a.csv", "train=../a.csv", "./drawn", "./~a", "..", "./test=a", str(tmp_path / "a=b")):
        for folder in (Path(), studies, tmp_path):
            assert resolved(source_from([word], folder)[0], folder) == resolved(word, Path.cwd()), (word, folder)


@given(st.text())
def test_every_source_gives_a_name_and_every_class_a_comment(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", study_name(text))
    faces = replace(_faces([6, 6], validation=1, size=4), name=text, classes=(text, "b"))
    assert tomllib.loads(starter_study(faces, ["a"]))["name"] == study_name(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_path_is_read_back(path: str) -> None:
    faces = _faces([6, 6], validation=1, size=4)
    assert tomllib.loads(starter_study(faces, [path, path]))["data"]["source"] == [path, path]


def test_a_name_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(UserError, match="its name is not Unicode"):
        starter_study(_faces([6, 6], validation=1, size=4), ["caf\udce9.csv"])


def test_it_needs_no_torch() -> None:
    code = (
        "import sys, mien.study.starter.write, mien.cli.init; print(*{'torch', 'optuna', 'numba'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


@pytest.mark.real
def test_fer2013(fer2013: Path, tmp_path: Path) -> None:
    text = starter_study(open_faces(str(fer2013)), [str(fer2013)])
    assert "# 436 of 28,709 faces are disgust (1.5 %)" in text
    assert "# 288 of the 3,589 test faces are in train too" in text
    assert "The bundled model best has learnt from just these faces" in text
    assert _plan(tmp_path, text).faces.name == "fer2013"
    assert len(_plan(tmp_path, _switched_on(text)).study.nets) == 3
