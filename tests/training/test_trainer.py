from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mien.faces import Faces
from mien.nets import Net, build
from mien.runs.recipe import Recipe
from mien.training.device import best_precision
from mien.training.trainer import Trainer

SMALL = ("conv(3)", "relu", "pool", "flatten", "dense(5)", "elu", "classes")
PENALISED = {
    "l2": ("conv(3, l2=1e-2)", "relu", "pool", "conv(4)", "relu", "flatten", "dense(5, l2=0.1)", "elu", "classes"),
    "l1": ("conv(3, l1=1e-3)", "elu", "flatten", "dense(5)", "relu", "classes(l1=1e-2)"),
    "both": ("conv(3, l1=1e-3, l2=2e-2)", "relu", "flatten", "classes(l1=1e-2, l2=3e-3)"),
    "not plain": ("residual(4, l1=1e-3, l2=1e-2)", "global_average", "classes(l2=1e-2)"),
}


def batch_of(faces: Faces, n: int = 32) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(faces.images[:n]), torch.from_numpy(faces.labels[:n]).long()


def trainer_of(layers: tuple[str, ...], seed: int = 0, **recipe: object) -> Trainer:
    model = build(Net("net", layers), size=24)
    return Trainer(model, Recipe.model_validate({"precision": "float32"} | recipe), seed)


@pytest.mark.parametrize("layers", PENALISED.values(), ids=PENALISED)
def test_penalties_and_their_gradients_are_those_of_the_loss_with_them_added(
    layers: tuple[str, ...], faces: Faces
) -> None:
    trainer = trainer_of(layers)
    images, labels = batch_of(faces)
    copy = deepcopy(trainer.model).train()
    assert len(copy.penalties) > 0
    y = copy(trainer.scaling(images))
    loss = F.cross_entropy(y, labels)
    for module, l1, l2 in copy.penalties:
        loss = loss + l1 * module.weight.abs().sum() + l2 * module.weight.square().sum()
    loss.backward()
    step = trainer.step(images, labels, number=1)
    trainer.close()
    assert step.loss.item() == pytest.approx(loss.item(), rel=1e-5)
    assert step.loss > F.cross_entropy(y, labels).item() * 1.01, "the penalties weigh something"
    assert step.correct == int((y.argmax(1) == labels).sum())
    for ours, theirs in zip(trainer.model.parameters(), copy.parameters(), strict=True):
        assert (ours.grad - theirs.grad).norm() <= 1e-4 * theirs.grad.norm() + 1e-8


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "layers",
    [
        ("conv(16)", "relu", "conv(16)", "relu", "pool", "flatten", "classes"),
        ("conv(3, kernel=5)", "elu", "conv(4, padding='same')", "flatten", "dense(5)", "relu", "classes"),
        ("conv(8)", "batch_norm", "relu", "residual(16, stride=2)", "global_average", "classes"),
    ],
    ids=["large", "small", "residual"],
)
def test_a_step_moves_each_weight_along_its_own_gradient(layers: tuple[str, ...], precision: str, faces: Faces) -> None:
    """torch's fused optimisers take weights and gradients as they lie in memory, whatever their strides say."""
    trainer = trainer_of(layers, optimizer="sgd", learning_rate=0.5, precision=precision)
    before = [weight.detach().clone() for weight in trainer.model.parameters()]
    trainer.step(*batch_of(faces, 8), number=1)
    trainer.close()
    for old, weight in zip(before, trainer.model.parameters(), strict=True):
        assert weight.grad.stride() == weight.stride()
        torch.testing.assert_close(weight.detach(), old - 0.5 * weight.grad)


def test_a_penalty_is_unhalved_and_free_of_biases() -> None:
    trainer = trainer_of(("conv(2, 1, l1=0.5)", "flatten", "dense(3, l1=0.1)", "classes(l2=2)"))
    model, images = trainer.model, torch.zeros(3, 24, 24, dtype=torch.uint8)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.conv_1.weight.copy_(torch.tensor([-1.0, 3.0]).reshape(2, 1, 1, 1))
        model.dense_1.weight[0, :2] = torch.tensor([1.0, -2.0])
        model.classes_1.weight[:, 0] = 0.5
        model.classes_1.bias.fill_(100)
    plain = F.cross_entropy(model(trainer.scaling(images)), torch.arange(3)).item()
    step = trainer.step(images, torch.arange(3), 1)
    trainer.close()
    assert step.loss.item() - plain == pytest.approx(0.5 * 4 + 0.1 * 3 + 2 * 7 * 0.25, rel=1e-5)


def test_centred_pixels_lie_between_minus_and_plus_a_half() -> None:
    images = torch.arange(256, dtype=torch.uint8).view(1, 16, 16)
    before = images.clone()
    x = trainer_of(("flatten", "classes")).scaling(images)
    assert (x.shape, x.dtype) == ((1, 1, 16, 16), torch.float32)
    assert torch.allclose(x.flatten(), torch.arange(256) / 255 - 0.5, atol=1e-7)
    assert (x.min(), x.max()) == (-0.5, 0.5)
    assert torch.equal(images, before)


def test_standardised_images_have_mean_0_and_deviation_1_each(faces: Faces) -> None:
    images, _ = batch_of(faces)
    x = trainer_of(("flatten", "classes"), scaling="standardised").scaling(images)
    assert (x.shape, x.dtype) == ((32, 1, 24, 24), torch.float32)
    pixels = faces.images[:32].astype(np.float64)
    expected = (pixels - pixels.mean((1, 2), keepdims=True)) / pixels.std((1, 2), keepdims=True)
    assert np.allclose(x[:, 0].numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("value", [0, 77, 255])
def test_a_constant_image_is_standardised_to_zeros(value: int) -> None:
    images = torch.full((2, 24, 24), value, dtype=torch.uint8)
    x = trainer_of(("flatten", "classes"), scaling="standardised").scaling(images)
    assert torch.equal(x, torch.zeros(2, 1, 24, 24))


def walk(
    trainer: Trainer, faces: Faces, steps: int
) -> tuple[list[np.ndarray], list[list[np.ndarray]], list[np.ndarray]]:
    """Takes steps; gives the weights before, the gradients of each step, and the weights after, as float64."""
    images, labels = batch_of(faces)
    weights = list(trainer.model.parameters())
    before = [weight.detach().double().numpy().copy() for weight in weights]
    gradients = []
    for number in range(1, steps + 1):
        trainer.step(images, labels, number)
        gradients.append([weight.grad.double().numpy().copy() for weight in weights])
    trainer.close()
    return before, gradients, [weight.detach().double().numpy() for weight in weights]


def test_adams_steps_are_the_papers_with_kerass_epsilon(faces: Faces) -> None:
    """Kingma & Ba 2015, algorithm 1; beta 0.9 and 0.999, epsilon 1e-7."""
    before, gradients, after = walk(trainer_of(SMALL, learning_rate=0.01), faces, 4)
    for at, weight in enumerate(before):
        m = v = np.zeros_like(weight)
        expected = weight
        for t, g in enumerate((of_step[at] for of_step in gradients), start=1):
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            expected = expected - 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)
        assert np.abs(after[at] - weight).max() > 0.01
        assert np.allclose(after[at], expected, rtol=0, atol=2e-6)


def test_adams_first_step_is_kerass_where_a_gradient_is_not_tiny(faces: Faces) -> None:
    before, [gradients], after = walk(trainer_of(SMALL), faces, 1)
    for weight, g, actual in zip(before, gradients, after, strict=True):
        alpha = 1e-3 * np.sqrt(1 - 0.999) / (1 - 0.9)
        kerass = alpha * 0.1 * g / (np.sqrt(0.001 * g**2) + 1e-7)
        large = np.abs(g) > 1e-3
        assert large.any()
        assert np.allclose((weight - actual)[large], kerass[large], rtol=0.005, atol=1e-7)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgds_steps_are_kerass(momentum: float, faces: Faces) -> None:
    """keras.optimizers.SGD: velocity = momentum * velocity - rate * g; w = w + velocity."""
    before, gradients, after = walk(trainer_of(SMALL, optimizer="sgd", momentum=momentum), faces, 4)
    for at, weight in enumerate(before):
        velocity, expected = np.zeros_like(weight), weight
        for of_step in gradients:
            velocity = momentum * velocity - 0.01 * of_step[at]
            expected = expected + velocity
        assert np.abs(after[at] - weight).max() > 1e-4
        assert np.allclose(after[at], expected, rtol=0, atol=1e-6)


def test_auto_is_the_best_precision_here() -> None:
    assert best_precision() in {"bfloat16", "float32"}
    trainer = trainer_of(SMALL, precision="auto")
    assert trainer.precision == best_precision()
    trainer.close()


def test_the_precision_is_the_recipes(faces: Faces) -> None:
    images, labels = batch_of(faces)
    losses = {}
    for precision in ("float32", "bfloat16"):
        trainer = trainer_of(SMALL, precision=precision)
        assert trainer.precision == precision
        losses[precision] = trainer.step(images, labels, 1).loss.item()
        assert all(weight.dtype == torch.float32 for weight in trainer.model.parameters())
        trainer.close()
    exact = F.cross_entropy(build(Net("net", SMALL), size=24)(images[:, None] / 255 - 0.5), labels).item()
    assert losses["float32"] == pytest.approx(exact, rel=1e-6)
    assert losses["bfloat16"] == pytest.approx(exact, rel=0.01)
    assert losses["bfloat16"] != losses["float32"]


@pytest.mark.parametrize("words", [("relu",), ("gelu",)], ids=["plain", "not plain"])
def test_dropout_follows_the_seed_and_the_number_of_the_step(words: tuple[str, ...], faces: Faces) -> None:
    layers = ("conv(3)", *words, "dropout(0.3)", "flatten", "dropout(0.5)", "classes")
    images, labels = batch_of(faces)

    def loss(seed: int, number: int) -> float:
        trainer = trainer_of(layers, seed)
        step = trainer.step(images, labels, number)
        trainer.close()
        return step.loss.item()

    cases = [(seed, number) for seed in (0, 1, 2, 2**40) for number in (1, 2, 1 + 2**16)]
    losses = [loss(*case) for case in cases]
    assert len(set(losses)) == len(cases)
    assert [loss(*case) for case in cases] == losses


@pytest.mark.parametrize(
    "layers",
    [
        SMALL,
        ("flatten", "dense(16)", "relu", "dropout(0.1)", "classes"),
        ("conv(4)", "batch_norm", "relu", "pool", "flatten", "classes"),
        ("conv(4)", "relu", "residual(6, stride=2)", "global_average", "classes"),
        ("conv(4)", "gelu", "average_pool", "flatten", "dense(8)", "silu", "classes"),
    ],
    ids=["cnn", "fnn", "batch_norm", "residual", "gelu"],
)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_kind_of_net_learns_its_faces(layers: tuple[str, ...], precision: str, faces: Faces) -> None:
    trainer = trainer_of(layers, learning_rate=0.01, precision=precision)
    images, labels = batch_of(faces, 12)
    losses = [trainer.step(images, labels, number).loss.item() for number in range(1, 61)]
    trainer.close()
    assert losses[-1] < 0.7 * losses[0]


def test_probabilities_are_the_softmax_of_the_nets_logits(faces: Faces) -> None:
    trainer = trainer_of((*SMALL[:-1], "dropout(0.5)", "classes"))
    images, _ = batch_of(faces, 150)
    probabilities = trainer.probabilities(images)
    trainer.close()
    assert (probabilities.shape, probabilities.dtype) == ((150, 7), torch.float32)
    assert torch.allclose(probabilities.sum(1), torch.ones(150))
    assert torch.allclose(probabilities, trainer.model.eval()(images[:, None] / 255 - 0.5).softmax(1), atol=1e-6)
