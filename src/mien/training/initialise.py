"""Start: a net that begins with the weights of a finished run instead of random ones, to learn from other faces on."""

from pathlib import Path

from mien.faces import Faces
from mien.nets import Model
from mien.nets.net import Net
from mien.runs.recipe import Recipe
from mien.runs.run import Run
from mien.training.checkpoint import load_weights


class BeforeError(Exception):
    """A run that has to come before another was not trained to its end."""


def unfit(net: Net, recipe: Recipe, faces: Faces) -> list[str]:
    """Why a net cannot start from a run of another study as its recipe says; [] if it can, or does not."""
    if not recipe.init_from or recipe.initialised_within:
        return []
    before, place = Run(Path(recipe.init_from)), f"nets.{net.name}.init_from"
    size, problems = before.config.faces.size, []
    if size != faces.size:
        problems.append(f"{place}: {before.id} learnt from faces of {size} pixels; these have {faces.size}")
    for key in ("scaling", "whitening"):
        learnt, asked = getattr(before.recipe, key), getattr(recipe, key)
        if learnt != asked:
            problems.append(
                f"{place}: {before.id} learnt with {key} = {learnt!r}, the recipe has {asked!r}; say the same"
            )
    return problems


def begin(model: Model, start: Path, classes: tuple[str, ...]) -> None:
    """Give a model the weights of a run of the same layers; its last layer keeps its own where the emotions differ.

    Args:
        model: of the run that starts.
        start: the folder of the finished run.
        classes: the emotions that the model is to tell.

    Raises:
        BeforeError: it is not finished.
        UserError: the weights are damaged.
    """
    if not (start / "weights.safetensors").exists():
        raise BeforeError(f"the run that it starts from, {start.name}, is not finished in {start.parent}")
    weights = load_weights(start / "weights.safetensors")
    if Run(start).config.faces.classes != classes:
        last = list(dict(model.named_children()))[-1]
        own = {f"{last}.{name}": tensor for name, tensor in model.get_submodule(last).state_dict().items()}
        weights |= own
    model.load_state_dict(weights)
