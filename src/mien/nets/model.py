"""Model: a net as a torch module; checking a net, and building it."""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import nn

from mien.errors import UserError, did_you_mean
from mien.nets.backbones.backbone import Backbone
from mien.nets.backbones.catalog import AbsentError
from mien.nets.backbones.weights import absent, find
from mien.nets.grammar import arguments
from mien.nets.layers import WORDS, Layer, Place
from mien.nets.net import BACKBONE_WORDS, Net
from mien.nets.parsing import Mistake, Word, names_in, parse


class Penalty(NamedTuple):
    """A penalty on a module's kernel: l1 * sum of |w| + l2 * sum of w squared is added to the loss."""

    module: nn.Module
    l1: float
    l2: float


class Model(nn.Sequential):
    """A net's layers in their order, named as in its summary: `conv_1`, `relu_1`, `pool_1`, `conv_2`.

    x: float [N, 1, H, W] -> logits float [N, K].

    Attributes:
        penalties: those of its words, for training to add to the loss, as Keras's l1 and l2 regularisers: not halved,
            and biases go free.
    """

    def __init__(self, layers: "OrderedDict[str, nn.Module]", penalties: tuple[Penalty, ...] = ()) -> None:
        super().__init__(layers)
        self.penalties = penalties

    @property
    def frozen(self) -> int:
        """How many of its first layers give the same for a face whatever is trained: 1 for a frozen backbone, or 0."""
        first = next(iter(self), None)
        return int(isinstance(first, Backbone) and first.thaw == 0)

    @property
    def learnt(self) -> nn.Sequential:
        """Its layers behind the frozen ones: the same modules, under the same names."""
        return nn.Sequential(OrderedDict(list(self.named_children())[self.frozen :]))

    def depths(self) -> list[tuple[int, list[nn.Parameter]]]:
        """What is trained, by depth: at 0 the layers of the net itself, at 1 its backbone's last block, and so on."""
        layers = [layer for layer in self if not isinstance(layer, Backbone)]
        blocks = [block for layer in self if isinstance(layer, Backbone) for block in layer.thawed()]
        return list(enumerate([[weight for layer in layers for weight in layer.parameters()], *blocks]))


class Placed(NamedTuple):
    """A layer at its place in a net.

    Attributes:
        name: the word's name and a number, counted for each word: `conv_2`.
        word: as it was read, hyper-parameters replaced by their values.
        layer: its module, on the meta device, which computes shapes alone.
        output_shape: of one face, channels first.
    """

    name: str
    word: Word
    layer: Layer
    output_shape: tuple[int, ...]


def check(net: Net, size: int = 48, classes: int = 7) -> list[str]:
    """Every mistake in a net, each with its place; [] if it can be built where its backbone's weights are.

    Where timm is not installed, nets on its models are checked as far as possible without it.

    Args:
        net: what to check.
        size: the side of the faces in pixels.
        classes: how many classes there are.
    """
    return _place(net, size, classes)[1]


def missing_weights(net: Net) -> str:
    """That the weights of a net's backbone, or timm itself, are not on this machine, and how to get them; "" if not."""
    try:
        facts = net.find_backbone()
    except AbsentError as error:
        return f"{net.layers[0]}: {error}"
    except (Mistake, UserError):
        return ""  # `check` reports it
    return "" if facts is None or find(facts) else absent(facts)


def build(net: Net, size: int = 48, classes: int = 7, seed: int = 0, pretrained: bool = True) -> Model:
    """Make a net's model, with float32 weights on the processor, as Keras would initialise it.

    Kernels are Glorot-uniform (Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural
    networks"): from -a to a, a = sqrt(6 / (fan in + fan out)), a convolution's fans being channels times kernel area.
    Biases are 0, batch norm's scales 1. A backbone gets its published weights. torch's global generator is left alone.

    Args:
        net: what to build.
        size: the side of the faces in pixels.
        classes: K, how many classes there are.
        seed: fixes the weights.
        pretrained: False where all weights are loaded afterwards: a backbone's are then left as they are in memory.

    Raises:
        UserError: with all that `check` finds; or a backbone's weights are not here, or not what was published.
    """
    layers = placed(net, size, classes)
    model = Model(
        OrderedDict((name, layer.module) for name, _, layer, _ in layers),
        tuple(
            Penalty(module, layer.l1, layer.l2)
            for _, _, layer, _ in layers
            if layer.l1 or layer.l2
            for module in _with_kernel(layer.module)
        ),
    )
    model.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    for layer in model:
        if not isinstance(layer, Backbone):
            _initialise(layer, generator)
            continue
        layer.reset_constants()
        if pretrained:
            layer.load_published()
    return model


def placed(net: Net, size: int, classes: int) -> list[Placed]:
    """A net's layers at their places, nothing computed.

    Raises:
        UserError: with all mistakes if there are any; an AbsentError where it needs timm, which is not here.
    """
    layers, problems, lacking = _place(net, size, classes)
    if problems or lacking:
        raise (UserError if problems else AbsentError)("\n".join([*problems, *lacking]))
    return layers


def _with_kernel(module: nn.Module) -> list[nn.Module]:
    return [part for part in module.modules() if isinstance(part, nn.Conv2d | nn.Linear)]


def _initialise(layer: nn.Module, generator: torch.Generator) -> None:
    for module in layer.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_parameters()


def _place(net: Net, size: int, classes: int) -> tuple[list[Placed], list[str], list[str]]:
    """Its layers at their places, its mistakes, and what it needs to be placed that is not on this machine."""
    layers: list[Placed] = []
    problems, lacking = _strangers(net), list[str]()
    numbers: Counter[str] = Counter()
    shape: tuple[int, ...] | None = (1, size, size)
    for index, text in enumerate(net.layers):
        try:
            word = parse(text, net.values)
            given = _arguments(word, first=index == 0, last=index == len(net.layers) - 1)
            # Then the shapes are unknown: the words that follow are still read, but no longer fitted.
            if shape is None:
                continue
            numbers[word.name] += 1
            layer, shape = _fit(word, given, Place(shape, classes))
            layers.append(Placed(f"{word.name}_{numbers[word.name]}", word, layer, shape))
        except Mistake as mistake:
            shape = None
            problems += [f"nets.{net.name}.layers[{index}]: {problem}" for problem in mistake.args]
        except AbsentError as error:
            shape = None
            lacking.append(f"nets.{net.name}.layers[{index}]: {text}: {error}")
    return layers, problems, lacking


def _arguments(word: Word, first: bool, last: bool) -> dict[str, object]:
    if word.name not in WORDS:
        raise Mistake(f"unknown layer {word.name!r}; {did_you_mean(word.name, list(WORDS))}")
    given = arguments(word, WORDS[word.name])
    if last and word.name != "classes":
        raise Mistake(f"the last layer must be classes, found {word}")
    if word.name == "classes" and not last:
        raise Mistake("classes must be the last layer")
    if word.name in BACKBONE_WORDS and not first:
        raise Mistake(f"{word.name} must be the first layer: it sees the face itself")
    return given


def _fit(word: Word, given: Mapping[str, object], place: Place) -> tuple[Layer, tuple[int, ...]]:
    with torch.device("meta"), torch.no_grad():
        try:
            layer = WORDS[word.name](place, **given)
        except AbsentError:
            raise
        except (Mistake, UserError) as mistake:
            raise Mistake(*(f"{word}: {problem}" for problem in mistake.args)) from None
        # Two faces, because batch norm refuses to normalise over one value.
        return layer, tuple(layer.module(torch.empty(2, *place.shape)).shape[1:])


def _strangers(net: Net) -> list[str]:
    """Mistakes of the net as a whole: no layers, hyper-parameters that are named like a layer or used nowhere."""
    problems = [] if net.layers else [f"nets.{net.name}.layers: there are none; the shortest net is flatten, classes"]
    texts = [*net.layers, *(value for value in net.values.values() if isinstance(value, str))]
    used = {name for text in texts for name in names_in(text)}
    for name in net.values:
        if name in WORDS:
            problems.append(
                f"nets.{net.name}.values.{name}: is the name of a layer; call the hyper-parameter otherwise"
            )
        elif name not in used:
            problems.append(f"nets.{net.name}.values.{name}: no layer uses this hyper-parameter")
    return problems
