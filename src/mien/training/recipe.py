"""Recipe: how a net is trained, checked before anything is spent."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

DEFAULT_RATES = {"adam": 1e-3, "sgd": 1e-2}
"""Keras's default learning rates (keras.optimizers.Adam, keras.optimizers.SGD)."""


class Recipe(BaseModel):
    """The settings of one training; everything but the net, the faces and the seed.

    The defaults are Keras's, as the classic FER2013 study used them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: int = Field(default=20, ge=1, description="passes over the train split")
    batch: int = Field(default=256, ge=1, description="faces an optimiser step")
    optimizer: Literal["adam", "sgd"] = Field(default="adam", description="Adam with epsilon 1e-7, or SGD")
    learning_rate: float | None = Field(default=None, gt=0, description="adam 1e-3, sgd 1e-2 unless given")
    momentum: float = Field(default=0.0, ge=0, lt=1, description="of sgd")
    scaling: Literal["centred", "standardised"] = Field(
        default="centred", description="centred: x/255 - 0.5; standardised: each image to mean 0 and deviation 1"
    )
    precision: Literal["auto", "bfloat16", "float32"] = Field(
        default="auto", description="auto: bfloat16 where the processor multiplies it faster, else float32"
    )
    patience: int = Field(
        default=0, ge=0, description="stop after so many epochs without a better validation accuracy; 0: never"
    )
    keep: Literal["last", "best"] = Field(
        default="last", description="which epoch's weights are the result: the last, or the best on validation"
    )

    @model_validator(mode="after")
    def _momentum_is_sgds(self) -> "Recipe":
        if self.momentum and self.optimizer != "sgd":
            raise ValueError("momentum belongs to optimizer = 'sgd'; adam has its own")
        return self

    @property
    def rate(self) -> float:
        """The learning rate: as given, or the optimiser's default."""
        return self.learning_rate or DEFAULT_RATES[self.optimizer]
