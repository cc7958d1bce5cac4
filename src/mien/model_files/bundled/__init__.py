"""The models that come with mien, each a file with its card. Needs no torch.

NAME.onnx       the model, with its facts
NAME.md         its card
NAME-DIGITS/    the run of a model of one net, for nets that are initialised from it: layers, and weights in float16
"""

from pathlib import Path

from mien.errors import UserError, did_you_mean
from mien.model_files.facts import Facts, read_facts

FOLDER = Path(__file__).parent
"""The folder of the bundled models."""

FAST = "fast"
"""The default model for a camera's frames: it takes three to four times as many faces a second as `best`."""


def bundled_models() -> dict[str, Path]:
    """The files of the bundled models, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.onnx"))}


def find_bundled(name: str) -> Path:
    """The file of a bundled model.

    Raises:
        UserError: there is none of that name.
    """
    models = bundled_models()
    if name not in models:
        known = did_you_mean(name, list(models)) if models else "no model is bundled here"
        raise UserError(f"no model is called {name!r}; {known}")
    return models[name]


def bundled_facts() -> dict[str, Facts]:
    """The facts of each bundled model, by name."""
    return {name: read_facts(path) for name, path in bundled_models().items()}


def bundled_runs() -> dict[str, Path]:
    """The folders of the bundled models' runs, by the models' names."""
    return {folder.name.rpartition("-")[0]: folder for folder in sorted(FOLDER.glob("*-*/"))}


def bundled_run(name: str) -> Path:
    """The folder of a bundled model's run, to initialise nets from.

    Raises:
        UserError: no run of that name is bundled.
    """
    runs = bundled_runs()
    if name not in runs:
        raise UserError(f"no model {name!r} to start from is bundled; {did_you_mean(name, list(runs))}")
    return runs[name]
