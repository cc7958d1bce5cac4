"""Recipe: how a net is trained, checked before anything is spent."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

DEFAULT_RATES = {"adam": 1e-3, "sgd": 1e-2}
"""Keras's default learning rates (keras.optimizers.Adam, keras.optimizers.SGD)."""


Zoom = Annotated[float, Field(ge=0.5, le=2)]
"""A frame's side, as a share of the face's."""


def check_device_name(word: str) -> str:
    """The word, if it names a device, here or elsewhere: auto, cpu, cuda, cuda:1 and so on, mps; else a ValueError."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,3})?", word):
        raise ValueError(f"found {word!r}; auto, cpu, cuda, cuda:1 (the second GPU) or mps")
    return word


def _words(value: Any) -> Any:
    """Augmentation words, a text or a list of them, checked; all mistakes at once."""
    from mien.augmentation import check

    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(word, str) for word in listed):
        raise ValueError(f"found {value!r}; augment is a list of words such as 'flip' or 'rotate(10)'")
    if problems := check(listed):
        raise ValueError("; ".join(problems))
    return tuple(listed)


def _listed(value: Any) -> Any:
    """A text or number, or a list, as a tuple."""
    return (value,) if isinstance(value, str | float) else tuple(value) if isinstance(value, list) else value


class Recipe(BaseModel):
    """The settings of one training; everything but the net, the faces and the seed.

    The defaults are Keras's, as the classic FER2013 study used them.

    >>> from mien.runs.recipe import Recipe
    >>> recipe = Recipe(epochs=5, optimizer="sgd", augment=("flip", "rotate(10)"))
    >>> recipe.rate, recipe.changes()
    (0.01, {'epochs': 5, 'optimizer': 'sgd', 'augment': ('flip', 'rotate(10)')})
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: int = Field(default=20, ge=1, description="passes over the train split")
    batch: int = Field(default=256, ge=1, description="faces an optimiser step")
    optimizer: Literal["adam", "sgd"] = Field(default="adam", description="Adam with epsilon 1e-7, or SGD")
    learning_rate: float | None = Field(default=None, gt=0, description="adam 1e-3, sgd 1e-2 unless given")
    momentum: float = Field(default=0.0, ge=0, lt=1, description="of sgd")
    nesterov: bool = Field(default=False, description="sgd looks ahead by its momentum")
    weight_decay: float = Field(
        default=0.0, ge=0, lt=1, description="of kernels, not of biases and scales; decoupled from adam's gradient"
    )
    schedule: Literal["constant", "cosine", "one_cycle"] = Field(
        default="constant", description="how the learning rate goes: stays, falls to 0, or rises and falls to 0"
    )
    warm_up: float = Field(default=0.0, ge=0, description="epochs in which the learning rate rises from 0")
    layer_decay: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="a backbone's last block learns at so much of the rate, the next so much of that",
    )
    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="share of a target spread over all classes")
    focal_gamma: float = Field(default=0.0, ge=0, le=10, description="gamma of the focal loss; 0: plain cross-entropy")
    class_weights: Literal["none", "balanced"] = Field(
        default="none", description="balanced: all classes weigh the same in the loss"
    )
    sampling: Literal["shuffled", "balanced"] = Field(
        default="shuffled", description="balanced: an epoch draws all classes equally often, with replacement"
    )
    targets: Literal["labels", "votes"] = Field(
        default="labels", description="votes: the share of FER+'s votes that each class has"
    )
    teachers: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        default=(), description="other nets of the study, trained before, whose predictions this one learns too"
    )
    distillation_weight: float = Field(
        default=0.5, gt=0, le=1, description="share of a target that is the teachers' prediction"
    )
    init_from: str = Field(
        default="",
        description="the run, or the net of the study, whose weights are the first ones; a net's own init_from sets it",
    )
    augment: Annotated[tuple[str, ...], BeforeValidator(_words)] = Field(
        default=(), description="words, as flip or rotate(10): how each face is changed whenever it is trained on"
    )
    scaling: Literal["centred", "standardised", "featurewise"] = Field(
        default="centred",
        description="centred: x/255 - 0.5; standardised: each image, featurewise: each pixel over train, to mean 0 and "
        "deviation 1",
    )
    whitening: Literal["none", "zca"] = Field(
        default="none", description="zca: pixels decorrelated, as fitted on train; behind the scaling"
    )
    ema_decay: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="the result is a running average of the weights, of which each step keeps so much; 0: none",
    )
    tta_flip: bool = Field(default=False, description="predictions are averaged over a face and its mirror image")
    tta_scales: Annotated[tuple[Zoom, ...], BeforeValidator(_listed)] = Field(
        default=(), description="predictions are averaged over a face and frames of it with these shares of its side"
    )
    device: str = Field(
        default="auto", description="auto: a GPU where there is one, else the processor; or cpu, cuda, cuda:1, mps"
    )
    precision: Literal["auto", "bfloat16", "float16", "float32"] = Field(
        default="auto",
        description="auto: bfloat16 where the device multiplies it faster, else float32; float16 on GPUs without it",
    )
    patience: int = Field(
        default=0, ge=0, description="stop after so many epochs without a better validation accuracy; 0: never"
    )
    keep: Literal["last", "best"] = Field(
        default="last", description="which epoch's weights are the result: the last, or the best on validation"
    )

    @model_validator(mode="after")
    def _together(self) -> "Recipe":
        if (self.momentum or self.nesterov) and self.optimizer != "sgd":
            raise ValueError("momentum and nesterov belong to optimizer = 'sgd'; adam has its own")
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0, 0.9 for one")
        if self.warm_up > self.epochs:
            raise ValueError(f"warm_up = {self.warm_up:g} is longer than the {self.epochs} epochs")
        return self

    @field_validator("device")
    @classmethod
    def _device_name(cls, name: str) -> str:
        return check_device_name(name)

    def changes(self) -> dict[str, Any]:
        """The entries that differ from their defaults, but for the device: it is no part of what a run is."""
        return self.model_dump(exclude_defaults=True, exclude={"device"})

    @property
    def initialised_within(self) -> bool:
        """Whether it starts from another net, or run, of its own study, which has to be trained before."""
        return bool(self.init_from) and not Path(self.init_from).is_absolute()

    @property
    def awaited(self) -> frozenset[str]:
        """The nets, or in a run's recipe the runs, of its own study that have to be trained before."""
        return frozenset(self.teachers) | (frozenset({self.init_from}) if self.initialised_within else frozenset())

    @property
    def rate(self) -> float:
        """The learning rate: as given, or the optimiser's default."""
        return self.learning_rate or DEFAULT_RATES[self.optimizer]
