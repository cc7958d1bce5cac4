"""What a first study takes for a number of faces: how long, with which steps, which nets. Faces decide, no machine."""

from dataclasses import dataclass

FEW, MANY = 2_000, 10_000
"""Train faces: below the first there are few, from the second on many."""

BASELINE = """\
[nets.cnn]
layers = [
  "conv(16, padding='same')", "batch_norm", "relu", "pool",
  "conv(32, padding='same')", "batch_norm", "relu", "pool",
  "flatten", "dropout(0.3)", "dense(64)", "relu", "classes",
]"""

SMALL = """\
  "conv(24, kernel=5, stride=2, padding='same')", "batch_norm", "relu",
  "residual(48, stride=2)",
  "residual(96, stride=2)",
  "global_average", "dropout(0.2)", "classes","""

FAST = """\
  "conv(24, kernel=5, stride=2, padding='same')", "batch_norm", "relu",
  "residual(48, stride=2)", "residual(48)",
  "residual(96, stride=2)", "residual(96)",
  "global_average", "dropout(0.2)", "classes","""
"""The layers of the bundled model `fast`, and dropout, as faces may be fewer."""

WIDE = """\
  "conv(64, kernel=5, stride=2, padding='same')", "batch_norm", "relu",
  "residual(64)",
  "residual(96, stride=2)", "residual(96)",
  "residual(192, stride=2)", "residual(192)",
  "global_average", "dropout(0.2)", "classes","""
"""The layers of the bundled model `best`."""

# Nets that make few steps need faces that are changed little. With the first of these the baseline was correct on 41 %
# of validation for 1,000 faces of FER2013 (n = 800; 1,280 steps) and on 66 % for 400 drawn ones (n = 50; 780 steps);
# with rotate(15), shift(0.1), zoom(0.15), brightness, contrast and erase on 37 % (1,280) and 20 % (1,235).
AUGMENT_FEW = '"flip", "rotate(5)", "shift(0.05)"'
AUGMENT = '"flip", "rotate(10)", "shift(0.05)", "zoom(0.1)"'
AUGMENT_MANY = '"flip", "rotate(12)", "shift(0.08)", "zoom(0.12)", "brightness(0.1)", "contrast(0.2)"'


@dataclass(frozen=True)
class Choices:
    """What a study of a number of faces begins with.

    Attributes:
        train: the number of faces to train on.
        batch: faces an optimiser step.
        epochs: of nets with random weights.
        learning_rate: of these; it grows with the batch.
        fine_tuning_epochs: of the net that starts from a trained one.
        fine_tuning_rate: its learning rate.
        augment: the words, as TOML.
        residual: the layers of the residual net, as TOML.
        seeds: each net is trained once with each.
    """

    train: int
    batch: int
    epochs: int
    learning_rate: float
    fine_tuning_epochs: int
    fine_tuning_rate: float
    augment: str
    residual: str
    seeds: tuple[int, ...]

    @property
    def few(self) -> bool:
        """Whether chance decides much."""
        return self.train < FEW

    @property
    def many(self) -> bool:
        """Whether a net can learn from these faces alone what a trained one would bring."""
        return self.train >= MANY

    @property
    def steps(self) -> int:
        """Optimiser steps an epoch."""
        return -(-self.train // self.batch)


def choices_for(train: int) -> Choices:
    """What a study begins with whose train split has so many faces."""
    if train < FEW:
        # Batch normalisation's averages need some hundred steps, however few faces there are.
        epochs = _rounded(1_600 * 32 / train, 20, 100)
        return Choices(train, 32, epochs, 0.02, _rounded(8_000 / train, 10, 20), 0.01, AUGMENT_FEW, SMALL, (0, 1, 2))
    if train < MANY:
        return Choices(train, 64, _rounded(120_000 / train, 20, 50), 0.03, 10, 0.01, AUGMENT, FAST, (0,))
    batch, rate = (128, 0.06) if train < 2 * MANY else (256, 0.12)
    # Half of the epochs that best.toml takes for FER2013's 28,709 faces: a first study should end soon.
    return Choices(train, batch, _rounded(850_000 / train, 15, 50), rate, 5, rate / 3, AUGMENT_MANY, FAST, (0,))


def _rounded(epochs: float, least: int, most: int) -> int:
    return min(max(5 * round(epochs / 5), least), most)
