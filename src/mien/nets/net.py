"""Net: a network as data, one word a layer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mien.errors import UserError
from mien.nets.backbones.catalog import BACKBONES, BackboneFacts
from mien.nets.parsing import Mistake, parse

BACKBONE_WORDS = (*BACKBONES, "timm")
"""The layer words that stand for a backbone."""

_CONVOLUTIONAL = frozenset({"conv", "residual", *BACKBONE_WORDS})


@dataclass(frozen=True)
class Net:
    """A readable network; it holds no weights and no recipe.

    >>> from mien.nets.net import Net
    >>> net = Net("tiny", ("conv(filters)", "relu", "pool", "flatten", "classes"), {"filters": 8})
    >>> net.kind, net.bind({"filters": 16}).values
    ('cnn', {'filters': 16})

    Attributes:
        name: what to call it.
        layers: from the image to the classes, a word each: `("flatten", "dense(512)", "relu", "classes")`. A name
            inside a word's brackets is a hyper-parameter: `"conv(32, kernel)"`; a bare one stands for a whole word.
        values: what the hyper-parameters are bound to, numbers and texts: `{"kernel": 5, "act": "relu"}`.
    """

    name: str
    layers: tuple[str, ...]
    values: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        object.__setattr__(self, "values", dict(sorted(self.values.items())))

    @property
    def kind(self) -> Literal["fnn", "cnn"]:
        """What it is: "cnn" if a layer is convolutional, else "fnn", a feed-forward net of dense layers."""
        return "cnn" if any(word.split("(")[0].strip() in _CONVOLUTIONAL for word in self.layers) else "fnn"

    @property
    def backbone(self) -> BackboneFacts | None:
        """The facts of the backbone that it begins with; None if there is none, or none that is installed."""
        try:
            return self.find_backbone()
        except (Mistake, UserError):
            return None  # `check` and `missing_weights` report it

    def find_backbone(self) -> BackboneFacts | None:
        """The facts of the backbone that it begins with; None if it begins with no backbone.

        Raises:
            AbsentError: it is one of timm's, and timm is not installed.
            Mistake: its first word cannot be read.
            UserError: timm knows no such model, or its weights are wrong.
        """
        word = parse(self.layers[0], self.values) if self.layers else None
        if word is None or word.name != "timm":
            return BACKBONES.get(word.name) if word else None
        from mien.nets.backbones.timm_models import facts_of

        return facts_of(str((*word.args, word.options.get("name"))[0]))

    def bind(self, values: Mapping[str, object]) -> "Net":
        """The same net with hyper-parameters bound to these values, beside or over those it has."""
        return replace(self, values={**self.values, **values})

    def to_dict(self) -> dict[str, Any]:
        """As what JSON can hold."""
        return {"name": self.name, "layers": list(self.layers), "values": dict(self.values)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Net":
        """The net that `to_dict` gave."""
        return cls(record["name"], tuple(record["layers"]), record.get("values", {}))
