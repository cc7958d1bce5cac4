"""Initial weights from a finished run instead of random ones."""

from pathlib import Path

from mien.faces import Faces
from mien.nets import Model
from mien.nets.net import Net
from mien.runs.recipe import Recipe
from mien.runs.run import Run
from mien.training.checkpoint import load_weights


class PrerequisiteError(Exception):
    """A run that another one needs was not trained to its end."""


def check_init_from(net: Net, recipe: Recipe, faces: Faces) -> list[str]:
    """Why a net cannot take its initial weights from a run of another study; [] if it can, or does not."""
    if not recipe.init_from or recipe.initialised_within:
        return []
    before, place = Run(Path(recipe.init_from)), f"nets.{net.name}.init_from"
    size, problems = before.config.faces.size, []
    if size != faces.size:
        problems.append(f"{place}: {before.id} was trained on faces of {size} pixels; these have {faces.size}")
    for key in ("scaling", "whitening"):
        theirs, own = getattr(before.recipe, key), getattr(recipe, key)
        if theirs != own:
            difference = f"{before.id} was trained with {key} = {theirs!r}, the recipe has {own!r}"
            problems.append(f"{place}: {difference}; set {key} = {theirs!r}")
    return problems


def initialise(model: Model, source: Path, classes: tuple[str, ...]) -> None:
    """Give a model the weights of a run of the same layers; its last layer keeps its own where the classes differ.

    Args:
        model: that gets the weights.
        source: the folder of the finished run.
        classes: of the model.

    Raises:
        PrerequisiteError: it is not finished.
        UserError: the weights are damaged.
    """
    if not (source / "weights.safetensors").exists():
        raise PrerequisiteError(f"its init_from, {source.name}, is not finished in {source.parent}")
    weights = load_weights(source / "weights.safetensors")
    if Run(source).config.faces.classes != classes:
        last = list(dict(model.named_children()))[-1]
        own = {f"{last}.{name}": tensor for name, tensor in model.get_submodule(last).state_dict().items()}
        weights |= own
    model.load_state_dict(weights)
