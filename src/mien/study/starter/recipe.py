"""The tables [recipe] and [nets] of a first study."""

from collections.abc import Sequence

from mien.errors import counted
from mien.study.starter.choices import BASELINE, WIDE
from mien.study.starter.subject import Subject
from mien.study.starter.toml import comment, off


def recipe(subject: Subject) -> str:
    """The table [recipe], and what each of its entries is for."""
    choices = subject.choices
    entries: list[tuple[str, str]] = [
        (
            f"epochs = {choices.epochs}\nbatch = {choices.batch}",
            f"{counted(choices.train, 'face')} at {choices.batch} a step make {counted(choices.steps, 'step')} an "
            f"epoch, {counted(choices.steps * choices.epochs, 'step')} in all."
            + (" Twice the epochs are better by a little." if choices.many else ""),
        ),
        (
            'optimizer = "sgd"\nmomentum = 0.9\nnesterov = true\n'
            f'learning_rate = {choices.learning_rate:g}\nschedule = "one_cycle"',
            "SGD with momentum; its learning rate rises to this value and falls to 0 at the end. A batch of twice the "
            "size takes twice the rate.",
        ),
        (
            "weight_decay = 5e-4\nlabel_smoothing = 0.1",
            "Against overfitting, and against answers that are too sure: labels of expressions are noisy.",
        ),
        (
            f"augment = [{choices.augment}]",
            "Each face is changed a little whenever it is trained on. "
            + (
                "With few steps nets learn less of faces that are changed much. "
                if choices.few
                else "A mirrored face has the same expression; a face upside down is not met. "
            )
            + "mien augment words lists all of them.",
        ),
        ("tta_flip = true", "Predictions are the mean of those for the face and for its mirror image."),
    ]
    if choices.many:
        entries.append(("ema_decay = 0.998", "The result is a running average of the weights, which is steadier."))
    if subject.rare:
        entries.append(('class_weights = "balanced"', _unbalanced(subject.rare)))
    if subject.faces.votes is not None:
        entries.append(('#targets = "votes"', "Learn the share of FER+'s votes that each class has, not one label."))
    body = "\n\n".join(f"{comment(why)}\n{lines}" for lines, why in entries)
    return f"# How every net is trained; what stands in a net's own recipe goes over it.\n[recipe]\n{body}"


def _unbalanced(rare: Sequence[str]) -> str:
    more = f", and {len(rare) - 3} more classes are rare" if len(rare) > 3 else ""
    return (
        f"{'; '.join(rare[:3])}{more}: a net that never answers so loses next to nothing. With balanced weights every "
        "class counts the same in training. The accuracy over all faces may fall by a little, so try without it too."
    )


def nets(subject: Subject) -> str:
    """The nets to compare, and settings that are off."""
    choices = subject.choices
    narrow = " Narrow, as there are few faces." if choices.few else ""
    parts = [
        comment("A baseline, small and fast: a net that is no better is not worth its time.") + "\n" + BASELINE,
        comment(
            "Residual blocks, each with two convolutions, and no dense layer that could learn single faces by heart."
            + narrow
        )
        + f"\n[nets.residual]\nlayers = [\n{choices.residual}\n]",
        comment("Optuna can search its settings: 12 trainings, of which those that fall behind end early.")
        + f"\n{off(_tune(choices.learning_rate))}",
    ]
    if choices.many:
        wide = comment("The layers of the bundled model best: more accurate, and several times as slow.")
        parts.append(off(f"{wide}\n[nets.wide]\nlayers = [\n{WIDE}\n]"))
    return "\n\n".join([*parts, _fine_tuned(subject)])


def _tune(rate: float) -> str:
    """A search around a learning rate."""
    rates, decays = f"log_uniform({rate / 4:g}, {rate * 3:g})", "log_uniform(1e-4, 5e-3)"
    return f"""\
[nets.residual.tune]
trials = 12
pruner = "median(startup=4, warmup=3)"
space = {{ "recipe.learning_rate" = "{rates}", "recipe.weight_decay" = "{decays}" }}"""


def _fine_tuned(subject: Subject) -> str:
    """The net that starts from the bundled model; off where that is not needed, a comment where it cannot be."""
    faces, choices, bundled = subject.faces, subject.choices, subject.bundled
    if faces.size < bundled.size:
        return comment(
            f"Nets can start from the bundled model best where faces have {bundled.size} pixels or more; these have "
            f"{faces.size}."
        )
    if faces.fingerprint == bundled.fingerprint:
        return comment("The bundled model best has learnt from just these faces, so no net starts from it.")
    same = faces.classes == bundled.classes
    why = (
        "Fine-tuning: starts with the layers and weights of the bundled model best, which has learnt from FER2013's "
        f"{sum(bundled.counts['train'].values()):,} train faces; "
        + ("its classes are these." if same else "its last layer starts afresh, as the classes are others.")
    )
    if choices.many:
        why += f" With {counted(choices.train, 'face')} a net may do without."
    why += " Leave it out where faces may be FER2013's: it would be tested on faces that it has learnt from."
    table = f"""[nets.from_best]
init_from = "bundled:best"
recipe = {{ epochs = {choices.fine_tuning_epochs}, learning_rate = {choices.fine_tuning_rate:g} }}"""
    return comment(why) + "\n" + (off(table) if choices.many else table)
