"""Which files the words on the command line mean."""

from pathlib import Path

import pytest

from mien.errors import UserError
from mien.predict.paths import input_files, shown


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "a.jpg",
        "b.PNG",
        "notes.txt",
        "film.mp4",
        ".hidden.jpg",
        "trip/c.webp",
        "trip/.cache/d.jpg",
        "e[1].jpg",
    ):
        file = tmp_path / "photos" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    monkeypatch.chdir(tmp_path)
    return Path("photos")


def test_a_folder_is_the_photos_in_it_and_in_its_folders(folder: Path) -> None:
    files = input_files(["photos"])
    assert [str(one.path) for one in files] == ["photos/a.jpg", "photos/b.PNG", "photos/e[1].jpg", "photos/trip/c.webp"]
    assert [str(one.place) for one in files] == ["a", "b", "e[1]", "trip/c"]


def test_pictures_that_mien_drew_are_no_photos_of_a_folder(folder: Path) -> None:
    for name in ("a.faces.jpg", "a.face-12.png", "trip/c.faces.jpg", "my.faces.png", "face-1.png"):
        (folder / name).touch()
    files = [str(one.path) for one in input_files(["photos"])]
    assert files == [
        *("photos/a.jpg", "photos/b.PNG", "photos/e[1].jpg", "photos/face-1.png", "photos/my.faces.png"),
        "photos/trip/c.webp",
    ]
    assert [str(one.path) for one in input_files(["photos/a.faces.jpg"])] == ["photos/a.faces.jpg"]


def test_a_file_is_itself_whatever_its_name(folder: Path) -> None:
    files = input_files(["photos/notes.txt", "photos/.hidden.jpg", "photos/film.mp4", "photos/e[1].jpg", "none.jpg"])
    assert [one.path.name for one in files] == ["notes.txt", ".hidden.jpg", "film.mp4", "e[1].jpg", "none.jpg"]
    assert [one.is_video for one in files] == [False, False, True, False, False]


def test_a_pattern_that_the_shell_left_is_what_it_matches(folder: Path) -> None:
    assert [one.path.name for one in input_files(["photos/**/*.*[gGp]"])] == ["a.jpg", "b.PNG", "e[1].jpg", "c.webp"]
    assert [str(one.path) for one in input_files(["photos/*.heic"])] == ["photos/*.heic"]


def test_pictures_of_photos_with_one_name_get_other_names(folder: Path) -> None:
    places = [str(one.place) for one in input_files(["photos/a.jpg", "photos", "photos/a.jpg"])]
    assert places == ["a", "a-2", "b", "e[1]", "trip/c", "a-3"]


def test_a_pattern_gives_each_photo_once_however_often_it_matches(folder: Path) -> None:
    (folder / "again").symlink_to(".")
    (folder / "trip" / "up").symlink_to("..")
    everything = {"photos/a.jpg", "photos/b.PNG", "photos/e[1].jpg", "photos/trip/c.webp"}
    for pattern in (
        "photos/**",
        "**/*.[jpPwN]*[gGp]",
        "./photos/**/**/*.*[gGp]",
        str(folder.absolute() / "**/*.*[gGp]"),
    ):
        files = [str(one.path.absolute().relative_to(folder.absolute().parent)) for one in input_files([pattern])]
        assert sorted(files) == sorted(everything), pattern


def test_names_that_lead_nowhere_are_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for word in (".", "~nobody-of-this-name/a.jpg", f"{'a' * 300}.jpg", f"{'a' * 300}*.jpg"):
        assert input_files([word])[0].path == Path(word)
    with pytest.raises(UserError, match="one of the names is empty"):
        input_files(["a.jpg", ""])


def test_a_path_is_shown_in_one_line_of_text() -> None:
    assert shown(Path("holidays/Ü 顔\u202f★.jpg")) == "holidays/Ü 顔\u202f★.jpg"
    assert shown(Path("a\nb\x1b[2J\udcff.jpg")) == r"a\nb\x1b[2J\udcff.jpg"
