"""The examples in docstrings are true."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

MODULES = ("mien.api.study", "mien.faces.spec", "mien.faces.types")
"""The modules whose docstrings have examples."""


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_are_true(name: str, cache: Path) -> None:
    results = doctest.testmod(import_module(name), optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert results.attempted, f"{name} has no examples"
    assert not results.failed


def test_every_module_with_examples_is_tried() -> None:
    source = Path(__file__).parents[1] / "src"
    with_examples = [path for path in source.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8")]
    names = [".".join(path.relative_to(source).with_suffix("").parts) for path in with_examples]
    assert sorted(name.removesuffix(".__init__") for name in names) == sorted(MODULES)
