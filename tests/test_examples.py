"""The examples in docstrings are true, and every public object has one."""

import doctest
import inspect
import re
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from films import panned, write_film

import mien

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
FILES = sorted(path for path in SOURCE.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8"))
MODULES = [".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__") for path in FILES]
REFERENCE = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
PUBLIC = re.findall(r"^::: (\S+)$", REFERENCE, re.MULTILINE)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory, grace: Path) -> Iterator[dict[str, object]]:
    """The names that examples use without making them, in a folder with the files that they read.

    docs/reference/python.md says what they are.
    """
    folder = tmp_path_factory.mktemp("examples")
    shutil.copy(grace, folder / "photo.jpg")
    write_film(folder / "film.mp4", panned(grace, 6))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MIEN_CACHE", str(folder / "cache"))
        faces = mien.open_faces("drawn:200")
        study = mien.Study(
            name="first",
            data={"source": "drawn:200"},
            recipe={"epochs": 1, "batch": 32},
            nets={
                "dense": {"layers": ["flatten", "dense(16)", "relu", "classes"]},
                "cnn": {"layers": ["conv(4)", "relu", "pool(4)", "flatten", "classes"]},
            },
            ensembles={"both": ["dense", "cnn"]},
        )
        results = study.run(progress=False)
        yield {"faces": faces, "study": study, "results": results, "run": results.net("cnn").runs[0]}


def examples_of(name: str) -> list[str]:
    """The docstrings with an example of a module, class or function: its own and those of its public members."""
    try:
        thing: object = import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        thing = getattr(import_module(module), attribute)
    holds = isinstance(thing, type) or inspect.ismodule(thing)
    members = [one for key, one in vars(thing).items() if not key.startswith("_")] if holds else []
    if inspect.ismodule(thing):  # what it imports has its examples elsewhere
        members = [one for one in members if getattr(one, "__module__", "") == name]
    texts = [one.__doc__ or "" for one in (thing, *members)]
    return [text for text in texts if ">>> " in text]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_are_true(name: str, given: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    flags = doctest.IGNORE_EXCEPTION_DETAIL | doctest.ELLIPSIS
    results = doctest.testmod(import_module(name), extraglobs=given, optionflags=flags)
    assert results.attempted
    assert not results.failed, capsys.readouterr().out


def test_every_public_object_has_an_example() -> None:
    assert len(PUBLIC) > 40
    assert [name for name in PUBLIC if not examples_of(name)] == []


def test_every_example_is_run() -> None:
    assert [path for path in FILES if "doctest: +SKIP" in path.read_text(encoding="utf-8")] == []


def test_the_reference_says_what_the_given_names_are(given: dict[str, object]) -> None:
    named = [*given, "photo.jpg", "film.mp4"]
    assert [name for name in named if f"\n| `{name}` | " not in REFERENCE] == []


def test_an_object_without_an_example_is_seen() -> None:
    assert examples_of("mien.disk.write_text") == []
    assert examples_of("mien.runs.files") == []
