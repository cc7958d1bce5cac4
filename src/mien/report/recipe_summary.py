"""A recipe as labelled lines for people: what it changes, and apart from that what has its default."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.nets.backbones.catalog import TIMM
from mien.report.study_data import ReportedNet
from mien.report.tables import whole
from mien.runs.recipe import Recipe

Line = tuple[str, str]
"""What is set, and how."""

_RATES = {
    "constant": "{rate}",
    "cosine": "{rate}, falling to 0 along a cosine",
    "one_cycle": "rising to {rate} and falling to 0, one cycle",
}
_SCALINGS = {
    "centred": "x/255 \N{MINUS SIGN} 0.5",
    "standardised": "each image to mean 0 and deviation 1",
    "featurewise": "each pixel to mean 0 and deviation 1 over train",
}


@dataclass(frozen=True)
class Settings:
    """A recipe as lines to read.

    Attributes:
        main: what every recipe sets, and what differs from the defaults.
        usual: all else.
    """

    main: tuple[Line, ...]
    usual: tuple[Line, ...]


def settings(recipe: Recipe, precision: str | None = None, devices: Sequence[str] = ()) -> Settings:
    """A recipe in words.

    Args:
        recipe: how the net was trained.
        precision: what it was trained in, where the recipe left that to the machine.
        devices: what it was trained on.
    """
    changed = {*recipe.changes(), *(() if recipe.device == "auto" else ("device",))}
    main = [
        ("epochs", _epochs(recipe)),
        ("batch", f"{recipe.batch} faces"),
        ("optimiser", _optimiser(recipe)),
        ("learning rate", _rate(recipe)),
    ]
    usual: list[Line] = []
    for label, text, keys in _others(recipe, precision, devices):
        (main if any(key in changed for key in keys) else usual).append((label, text))
    return Settings(tuple(main), tuple(usual))


def backbone_lines(net: ReportedNet) -> tuple[Line, ...]:
    """What is known of a net's backbone and of its weights, as its runs recorded it; () where it has none."""
    result = net.result
    facts = result.backbone or net.net.backbone
    if facts is None:
        return ()
    whose = "" if facts.name.startswith(TIMM) else "ImageNet's: "
    sha256: tuple[Line, ...] = (("their SHA-256", f"{facts.sha256[:16]}…"),) if facts.sha256 else ()
    trained: tuple[Line, ...] = ()
    if result.trainable is not None and result.parameters is not None:
        trained = (("trained", f"{whole(result.trainable)} of {whole(result.parameters)} parameters"),)
    return (
        ("backbone", f"{facts.name} ({facts.paper})"),
        *trained,
        ("weights", f"{whose}{facts.source}"),
        ("their licence", facts.licence),
        *sha256,
    )


def changes(recipe: Recipe) -> str:
    """What a recipe changes, in one line: `rotation up to 90 degrees; …`."""
    return "; ".join(
        f"{label} {text}" for label, text, keys in _others(recipe, None, ()) if {*keys} & {*recipe.changes()}
    )


def differences(recipe: Recipe, other: Recipe, apart_from: tuple[str, ...] = ()) -> list[str]:
    """The entries in which two recipes differ, as `epochs (10 against 15)`.

    Args:
        recipe: the one named first.
        other: the one named second.
        apart_from: entries that do not count.
    """
    mine, its = (one.model_dump() | {"learning_rate": one.rate} for one in (recipe, other))
    keys = [key for key in mine if mine[key] != its[key] and key not in apart_from]
    return [f"{key.replace('_', ' ')} ({mine[key]} against {its[key]})" for key in keys]


def _epochs(recipe: Recipe) -> str:
    if not recipe.patience:
        return str(recipe.epochs)
    return f"at most {recipe.epochs}, until {recipe.patience} bring no better validation accuracy"


def _optimiser(recipe: Recipe) -> str:
    if recipe.optimizer == "adam":
        return "Adam"
    momentum = f" with momentum {recipe.momentum:g}" if recipe.momentum else ""
    nesterov = ", Nesterov's" if recipe.nesterov else ""
    return f"SGD{momentum}{nesterov}"


def _rate(recipe: Recipe) -> str:
    text = _RATES[recipe.schedule].format(rate=f"{recipe.rate:g}")
    return f"{text}; warm-up over {_epochs_of(recipe.warm_up)}" if recipe.warm_up else text


def _epochs_of(number: float) -> str:
    return "1 epoch" if number == 1 else f"{number:g} epochs"


def _evaluated(recipe: Recipe) -> str:
    frames = " and ".join(f"{share:g}" for share in recipe.tta_scales)
    ways = [f"in frames of {frames} times its side too"] * bool(frames) + ["with its mirror image"] * recipe.tta_flip
    return ", ".join(ways) or "each face by itself"


def _others(recipe: Recipe, precision: str | None, devices: Sequence[str]) -> list[tuple[str, str, tuple[str, ...]]]:
    """What a recipe says beside epochs, batch, optimiser and rate: label, text, and the entries it comes from."""
    targets = "the shares of votes in FER+" if recipe.targets == "votes" else "the labels"
    smoothed = f", {recipe.label_smoothing:g} of each spread over all emotions" if recipe.label_smoothing else ""
    weight = f", {recipe.distillation_weight:g} of each target" if recipe.teachers else ""
    teachers = (" and ".join(recipe.teachers) or "none") + weight
    first = f"of the run {Path(recipe.init_from).name}" if recipe.init_from else "fresh"
    loss = f"focal, \N{GREEK SMALL LETTER GAMMA} = {recipe.focal_gamma:g}" if recipe.focal_gamma else "cross-entropy"
    balanced = ", every emotion weighing the same" if recipe.class_weights == "balanced" else ""
    order = "every emotion equally often" if recipe.sampling == "balanced" else "every face once an epoch"
    deeper = f"{recipe.layer_decay:g} times the rate of the block above" if recipe.layer_decay < 1 else "one for all"
    selected = "of the epoch best on validation" if recipe.keep == "best" else "of the last epoch"
    averaged = f", a running average with decay {recipe.ema_decay:g}" if recipe.ema_decay else ""
    zca = "ZCA, as fitted on train" if recipe.whitening == "zca" else "none"
    return [
        ("augmentation", ", ".join(recipe.augment) or "none", ("augment",)),
        ("scaling", _SCALINGS[recipe.scaling], ("scaling",)),
        ("whitening", zca, ("whitening",)),
        ("targets", targets + smoothed, ("targets", "label_smoothing")),
        ("teachers", teachers, ("teachers", "distillation_weight")),
        ("first weights", first, ("init_from",)),
        ("loss", loss + balanced, ("focal_gamma", "class_weights")),
        ("sampling", order, ("sampling",)),
        ("weight decay", f"{recipe.weight_decay:g}" if recipe.weight_decay else "none", ("weight_decay",)),
        ("rates of blocks", deeper, ("layer_decay",)),
        ("final weights", selected + averaged, ("keep", "ema_decay")),
        ("evaluated", _evaluated(recipe), ("tta_flip", "tta_scales")),
        ("precision", precision or recipe.precision, ("precision",)),
        ("device", " and ".join(devices) or recipe.device, ("device",)),
    ]
