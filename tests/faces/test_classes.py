"""Names for classes: numbers, misspelt words, parts that lack an emotion."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import UserError
from mien.faces import EIGHT, EMOTIONS, SPLITS, Faces, open_faces, write_packed
from mien.faces.classes import LAYOUTS, check_classes, name_classes

pytestmark = pytest.mark.usefixtures("cache")


def write_folders(root: Path, faces: Faces, names: dict[int, str], splits: tuple[str, ...] = SPLITS) -> Path:
    """Image folders split/NAME/*.png; faces of an emotion without a name are left out."""
    for row, (image, label, split) in enumerate(zip(faces.images, faces.labels, faces.splits, strict=True)):
        if label in names:
            folder = root / splits[split] / names[label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{row:03}.png")
    return root


def write_table(path: Path, faces: Faces, words: list[str]) -> None:
    rows = [f"{word},{' '.join(map(str, image.ravel()))}" for word, image in zip(words, faces.images, strict=True)]
    path.write_text("\n".join(["emotion,pixels", *rows]), encoding="utf-8")


def numbered(layout: str) -> dict[int, str]:
    """FER2013's label: the folder's number in a layout."""
    return {EMOTIONS.index(name): str(number) for number, name in LAYOUTS[layout].items() if name in EMOTIONS}


def means(faces: Faces) -> dict[str, list[float]]:
    """The mean gray of each train face, by emotion."""
    train = faces.split("train")
    return {
        name: sorted(train.images[train.labels == label].mean(axis=(1, 2)).tolist())
        for label, name in enumerate(train.classes)
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_numbered_folders_are_refused_until_their_layout_is_named(tmp_path: Path, small: Faces, layout: str) -> None:
    source = str(write_folders(tmp_path / "set", small, numbered(layout)))
    with pytest.raises(UserError) as caught:
        open_faces(source)
    message = str(caught.value)
    assert "set: its classes are the numbers " in message
    assert "data.classes" in message
    assert f"--classes {layout}: " in message
    assert "--classes NAME,NAME,...:" in message
    faces = open_faces(source, classes=[layout])
    assert faces.classes == EMOTIONS
    assert means(faces) == means(small)
    first = min(numbered(layout).items(), key=lambda pair: int(pair[1]))
    assert faces.notes[0].startswith(f"numbers read as {first[1]} = {EMOTIONS[first[0]]}, ")


@pytest.mark.parametrize("start", [0, 1, 8])
def test_names_are_given_in_the_order_of_the_numbers(tmp_path: Path, small: Faces, start: int) -> None:
    # Read as texts, 10 would stand before 9.
    folders = {label: str(start + 2 * label) for label in range(7)}
    source = str(write_folders(tmp_path / "set", small, folders))
    faces = open_faces(source, classes=["anger", "disgust", "fear", "Joy", "sad", "surprise", "neutral"])
    assert means(faces) == means(small)


def test_the_layouts_are_those_of_the_data_sets() -> None:
    assert [LAYOUTS["rafdb"][number] for number in range(1, 8)] == [
        *("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
    ]
    assert [LAYOUTS["affectnet8"][number] for number in range(8)] == [
        *("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
    ]
    assert {number: name for number, name in LAYOUTS["affectnet8"].items() if number < 7} == LAYOUTS["affectnet7"]
    assert [LAYOUTS["ckplus"][number] for number in range(8)] == [
        *("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise")
    ]
    assert all(set(names.values()) <= set(EIGHT) for names in LAYOUTS.values())


@pytest.mark.parametrize(
    ("words", "given", "names"),
    [
        (["0", "2"], ["happy", "sad", "fear"], {"0": "happy", "2": "fear"}),
        (["1", "3"], ["happy", "sad", "fear"], {"1": "happy", "3": "fear"}),
        (["3", "5"], ["happy", "sad"], {"3": "happy", "5": "sad"}),
        (["01", "7", "smile"], ["rafdb"], {"01": "surprise", "7": "neutral", "smile": "smile"}),
        (["happy", "smile"], [], {"happy": "happy", "smile": "smile"}),
    ],
)
def test_what_numbers_mean(words: list[str], given: list[str], names: dict[str, str]) -> None:
    assert name_classes(words, given, "set") == names


@pytest.mark.parametrize(
    ("words", "given", "expected"),
    [
        (["1", "2"], ["happy", "sad", "fear"], "set: 3 classes are named, happy, sad, fear, but the numbers are 1, 2;"),
        (["0", "7"], ["rafdb"], "set: has the class 0, which rafdb does not: it has 1 to 7"),
        (["happy", "sad"], ["rafdb"], "set: its classes have names, happy, sad; leave --classes"),
        (["happy", "suprise"], [], "set: no emotion is called 'suprise'; .* did you mean 'surprise'"),
        (["0", "hapy", "sad"], ["rafdb"], "set: has the class 0"),
    ],
)
def test_names_that_do_not_fit(words: list[str], given: list[str], expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        name_classes(words, given, "set")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["rafd"], "no layout is called 'rafd'; known: fer2013, .*; did you mean 'rafdb'"),
        (["happy", "3"], "'3' is no name of an emotion; expected names"),
        (["happy", " "], "' ' is no name of an emotion; expected names"),
        (["happy", "sad", "Joy"], "one of them is there twice"),
        (["happy", "suprise"], "did you mean 'surprise'"),
    ],
)
def test_what_cannot_be_the_classes_of_any_source(given: list[str], expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        check_classes(given)
    with pytest.raises(UserError, match=expected):
        open_faces("drawn:70", classes=given)


def test_faces_with_names_need_no_classes(tmp_path: Path, small: Faces) -> None:
    write_packed(small, tmp_path / "packed")
    for source in (str(tmp_path / "packed"), "drawn:70"):
        with pytest.raises(UserError, match=r"its classes have names, angry, .*leave --classes"):
            open_faces(source, classes=["fer2013"])


def test_a_table_takes_the_order_that_is_given(tmp_path: Path, small: Faces) -> None:
    write_table(tmp_path / "train.csv", small, [str(label) for label in small.labels])
    faces = open_faces(str(tmp_path / "train.csv"), classes=["affectnet7"])
    given = [LAYOUTS["affectnet7"][label] for label in small.labels]
    assert [faces.classes[label] for label in faces.labels] == given


UPPER = {label: name.upper() for label, name in enumerate(EMOTIONS)}


@pytest.mark.parametrize("lacking", [1, 0, 6])
def test_a_split_that_lacks_an_emotion_joins_by_name(tmp_path: Path, small: Faces, lacking: int) -> None:
    write_folders(tmp_path / "set", small, UPPER)
    for file in (tmp_path / "set" / "validation" / UPPER[lacking]).iterdir():
        file.unlink()
    (tmp_path / "set" / "validation" / UPPER[lacking]).rmdir()
    whole = open_faces(str(tmp_path / "set"))
    parts = open_faces([f"{split}={tmp_path / 'set' / split}" for split in SPLITS])
    assert whole.classes == EMOTIONS
    assert whole.counts()["validation"][EMOTIONS[lacking]] == 0
    assert means(whole) == means(small)
    assert parts.fingerprint == whole.fingerprint


def test_a_set_that_lacks_emotions_joins_another(tmp_path: Path, small: Faces) -> None:
    write_folders(tmp_path / "few", small.split("test"), {3: "joy", 4: "Sadness"})
    write_packed(small.split("train"), tmp_path / "train")
    few = f"test={tmp_path / 'few' / 'test'}"
    assert open_faces([str(tmp_path / "train"), few]).counts()["test"] == {
        **dict.fromkeys(EMOTIONS, 0),
        "happy": 1,
        "sad": 1,
    }
    contempt = replace(small.split("validation"), labels=np.full(7, 7, np.uint8), classes=EIGHT)
    write_packed(contempt, tmp_path / "validation")
    with pytest.raises(UserError, match="no image of contempt in train"):
        open_faces([str(tmp_path / "train"), f"validation={tmp_path / 'validation'}", few])


@pytest.mark.parametrize("kind", ["folders", "csv", "npz"])
def test_a_misspelt_emotion_gets_a_hint(tmp_path: Path, small: Faces, kind: str) -> None:
    names = dict(enumerate(EMOTIONS)) | {5: "suprise"}
    if kind == "folders":
        source = str(write_folders(tmp_path / "set", small, names))
    elif kind == "csv":
        write_table(tmp_path / "train.csv", small, [names[label] for label in small.labels])
        source = str(tmp_path / "train.csv")
    else:
        labels = [names[label] for label in small.labels]
        np.savez(tmp_path / "train.npz", images=small.images, labels=labels)
        source = str(tmp_path / "train.npz")
    with pytest.raises(UserError, match=r"no emotion is called 'suprise'; .*; did you mean 'surprise'"):
        open_faces(source)
