"""The box: the models that come with mien, each a file NAME.onnx and its card NAME.md. Read without torch."""

from pathlib import Path

from mien.errors import UserError, did_you_mean
from mien.export.facts import Facts, read_facts
from mien.models import BOX


def boxed() -> dict[str, Path]:
    """The files of the models in the box, by name."""
    return {path.stem: path for path in sorted(BOX.glob("*.onnx"))}


def find_boxed(name: str) -> Path:
    """The file of a model in the box; a UserError where there is none of that name."""
    found = boxed()
    if name not in found:
        known = did_you_mean(name, list(found)) if found else "the box is empty"
        raise UserError(f"no model is called {name!r}; {known}")
    return found[name]


def boxed_facts() -> dict[str, Facts]:
    """What each model in the box says of itself, by name."""
    return {name: read_facts(path) for name, path in boxed().items()}
