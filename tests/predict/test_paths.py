"""Which files the words on the command line mean."""

from pathlib import Path

import pytest

from mien.predict.paths import named


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
    found = named(["photos"])
    assert [str(one.path) for one in found] == ["photos/a.jpg", "photos/b.PNG", "photos/e[1].jpg", "photos/trip/c.webp"]
    assert [str(one.place) for one in found] == ["a", "b", "e[1]", "trip/c"]


def test_a_file_is_itself_whatever_its_name(folder: Path) -> None:
    found = named(["photos/notes.txt", "photos/.hidden.jpg", "photos/film.mp4", "photos/e[1].jpg", "none.jpg"])
    assert [one.path.name for one in found] == ["notes.txt", ".hidden.jpg", "film.mp4", "e[1].jpg", "none.jpg"]
    assert [one.is_video for one in found] == [False, False, True, False, False]


def test_a_pattern_that_the_shell_left_is_what_it_matches(folder: Path) -> None:
    assert [one.path.name for one in named(["photos/**/*.*[gGp]"])] == ["a.jpg", "b.PNG", "e[1].jpg", "c.webp"]
    assert [str(one.path) for one in named(["photos/*.heic"])] == ["photos/*.heic"]


def test_pictures_of_photos_with_one_name_are_told_apart(folder: Path) -> None:
    places = [str(one.place) for one in named(["photos/a.jpg", "photos", "photos/a.jpg"])]
    assert places == ["a", "a-2", "b", "e[1]", "trip/c", "a-3"]
