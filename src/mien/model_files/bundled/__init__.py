"""The models that come with mien, each a file with its card. Read without torch.

NAME.onnx       the model, with its facts
NAME.md         its card
NAME-DIGITS/    the run behind it, for nets that start from it: its layers and, in float16, its weights
"""

from pathlib import Path

from mien.errors import UserError, did_you_mean
from mien.model_files.facts import Facts, read_facts

FOLDER = Path(__file__).parent
"""Where they lie."""

FAST = "fast"
"""The model for a camera's frames unless another is named: on many machines `best` does not keep up."""


def bundled_models() -> dict[str, Path]:
    """The files of the bundled models, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.onnx"))}


def find_bundled(name: str) -> Path:
    """The file of a bundled model; a UserError where there is none of that name."""
    found = bundled_models()
    if name not in found:
        known = did_you_mean(name, list(found)) if found else "no model is bundled here"
        raise UserError(f"no model is called {name!r}; {known}")
    return found[name]


def bundled_facts() -> dict[str, Facts]:
    """What each bundled model says of itself, by name."""
    return {name: read_facts(path) for name, path in bundled_models().items()}


def bundled_run(name: str) -> Path:
    """The folder of the run behind a bundled model.

    Raises:
        UserError: there is none of that name to start from.
    """
    found = {folder.name.rpartition("-")[0]: folder for folder in sorted(FOLDER.glob("*-*/"))}
    if name not in found:
        raise UserError(f"no model {name!r} to start from is bundled; {did_you_mean(name, list(found))}")
    return found[name]
