"""Summary: a net's layers, with their output shapes and parameters."""

from dataclasses import dataclass

from torch import nn

from mien.nets.model import placed
from mien.nets.net import Net


@dataclass(frozen=True)
class Row:
    """One layer of a summary.

    Attributes:
        name: `conv_1`, as in the model.
        word: the layer word, hyper-parameters replaced by their values.
        output_shape: of one face, channels first: (32, 46, 46), or (512,) when flat.
        parameters: all numbers that its weights hold, batch norm's running means and variances among them, as Keras
            counts.
        trainable: those that training fits.
    """

    name: str
    word: str
    output_shape: tuple[int, ...]
    parameters: int
    trainable: int


def summary(net: Net, size: int = 48, classes: int = 7) -> list[Row]:
    """The layers of a net for faces of size x size pixels, a row each; nothing is computed.

    Raises:
        UserError: with all that `check` finds.
    """
    return [
        Row(name, str(word), shape, *_count(layer.module)) for name, word, layer, shape in placed(net, size, classes)
    ]


def parameters(net: Net, size: int = 48, classes: int = 7) -> int:
    """How many parameters a net has, those included that are not trained."""
    return sum(row.parameters for row in summary(net, size, classes))


def trainable(net: Net, size: int = 48, classes: int = 7) -> int:
    """How many parameters of a net training fits."""
    return sum(row.trainable for row in summary(net, size, classes))


def _count(module: nn.Module) -> tuple[int, int]:
    fitted = sum(weight.numel() for weight in module.parameters() if weight.requires_grad)
    frozen = sum(weight.numel() for weight in module.parameters() if not weight.requires_grad)
    learnt = {name for name, _ in module.named_parameters()}
    stored = module.state_dict().items()  # without constants
    running = sum(one.numel() for name, one in stored if one.is_floating_point() and name not in learnt)
    return fitted + frozen + running, fitted
