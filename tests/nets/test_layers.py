"""The layers compute what Keras's compute: against numbers worked out by hand, and against a convolution in numpy."""

import numpy as np
import pytest
import torch

from mien.nets import Model, Net, build


def one_layer(word: str, size: int, channels: int = 1) -> torch.nn.Module:
    """The module of a word whose input has so many channels."""
    widen = () if channels == 1 else (f"conv({channels}, 1)",)
    model = build(Net("one", (*widen, word, "flatten", "classes")), size=size)
    return model[len(widen)]


def tensorflow_same(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, stride: int) -> np.ndarray:
    """Convolve as TensorFlow defines padding "same": x [C, H, H], kernel [O, C, k, k] -> [O, ceil(H/s), ceil(H/s)].

    https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
    """
    side, width = x.shape[1], kernel.shape[2]
    missing = max(width - stride, 0) if side % stride == 0 else max(width - side % stride, 0)
    before = missing // 2
    padded = np.pad(x, ((0, 0), (before, missing - before), (before, missing - before)))
    out = -(-side // stride)
    y = np.empty((len(kernel), out, out))
    for i in range(out):
        for j in range(out):
            window = padded[:, i * stride : i * stride + width, j * stride : j * stride + width]
            y[:, i, j] = np.tensordot(kernel, window, 3) + bias
    return y


@pytest.mark.parametrize("size", [6, 7, 11])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_padding_is_tensorflows(size, kernel, stride):
    module = one_layer(f"conv(2, {kernel}, stride={stride}, padding='same')", size, channels=3)
    torch.nn.init.normal_(module.bias, generator=torch.Generator().manual_seed(1))
    x = torch.randn(3, size, size, generator=torch.Generator().manual_seed(0))
    expected = tensorflow_same(x.numpy(), module.weight.detach().numpy(), module.bias.detach().numpy(), stride)
    np.testing.assert_allclose(module(x[None])[0].detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_same_with_stride_2_begins_at_the_first_pixel_of_an_even_side():
    module = one_layer("conv(1, 3, stride=2, padding='same')", 4)
    torch.nn.init.ones_(module.weight)
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    # The windows cover rows and columns 0..2 and 2..3 plus a zero beyond; centred ones would begin at -1.
    assert module(x)[0, 0].tolist() == [
        [0 + 1 + 2 + 4 + 5 + 6 + 8 + 9 + 10, 2 + 3 + 6 + 7 + 10 + 11],
        [8 + 9 + 10 + 12 + 13 + 14, 10 + 11 + 14 + 15],
    ]


def test_pools():
    x = torch.arange(25.0).reshape(1, 1, 5, 5)
    assert one_layer("pool", 5)(x).tolist() == [[[[6, 8], [16, 18]]]]
    assert one_layer("pool(3, stride=2)", 5)(x).tolist() == [[[[12, 14], [22, 24]]]]
    assert one_layer("average_pool", 5)(x).tolist() == [[[[3, 5], [13, 15]]]]
    assert build(Net("g", ("global_average", "classes")), size=5)[0](x).tolist() == [[12]]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("relu", [0, 0, 2]),
        ("elu", [np.exp(-1) - 1, 0, 2]),
        ("sigmoid", [0.26894142, 0.5, 0.88079708]),
        ("tanh", [-0.76159416, 0, 0.96402758]),
        ("silu", [-0.26894142, 0, 1.76159416]),
        ("gelu", [-0.15865525, 0, 1.95449974]),
    ],
)
def test_activations(word, expected):
    y = one_layer(word, 8)(torch.tensor([-1.0, 0.0, 2.0]))
    np.testing.assert_allclose(y.numpy(), expected, atol=1e-6)


def test_batch_norm_keeps_99_parts_of_its_running_mean_and_adds_a_thousandth_to_the_variance():
    norm = one_layer("batch_norm", 2)
    x = torch.tensor([1.0, 1.0, 3.0, 3.0]).reshape(1, 1, 2, 2)
    np.testing.assert_allclose(
        norm.train()(x).detach().flatten(), np.array([-1, -1, 1, 1]) / np.sqrt(1 + 1e-3), rtol=1e-6
    )
    assert norm.running_mean.item() == pytest.approx(0.99 * 0 + 0.01 * 2)
    flat = build(Net("flat", ("flatten", "batch_norm", "classes")), size=2)[1]
    assert flat.num_features == 4


def test_dropout_draws_from_the_global_generator():
    drop = one_layer("dropout(0.25)", 2).train()
    x = torch.ones(10_000)
    torch.manual_seed(3)
    first = drop(x)
    torch.manual_seed(3)
    assert torch.equal(first, drop(x))
    assert first.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (first == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)
    assert torch.equal(drop.eval()(x), x)


@pytest.mark.parametrize(("size", "stride", "out"), [(8, 1, 8), (8, 2, 4), (9, 2, 5), (7, 3, 3)])
def test_residual_block_adds_its_shortcut(size, stride, out):
    block = one_layer(f"residual(4, stride={stride})", size, channels=4).eval()
    x = torch.randn(2, 4, size, size, generator=torch.Generator().manual_seed(0))
    torch.nn.init.zeros_(block.norm_2.weight)
    y = block(x)
    assert y.shape == (2, 4, out, out)
    assert torch.equal(y, torch.relu(block.shortcut(x)))
    assert isinstance(block.shortcut, torch.nn.Identity) == (stride == 1)


def test_squeeze_multiplies_each_channel_of_the_branch_by_what_the_means_of_all_say():
    torch.manual_seed(0)
    block = one_layer("residual(4, squeeze=2)", 6, channels=4).eval()
    assert block.excite.squeeze.out_features == 2
    torch.nn.init.ones_(block.excite.squeeze.bias)
    x = torch.rand(3, 4, 6, 6)
    branch = block.norm_2(block.conv_2(torch.relu(block.norm_1(block.conv_1(x)))))
    hidden = torch.relu(branch.mean((2, 3)) @ block.excite.squeeze.weight.T + block.excite.squeeze.bias)
    gates = torch.sigmoid(hidden @ block.excite.excite.weight.T + block.excite.excite.bias)
    assert (gates - 0.5).abs().max() > 1e-3
    assert torch.allclose(block(x), torch.relu(branch * gates[:, :, None, None] + x), atol=1e-6)


def test_squeeze_leaves_one_value_at_least():
    assert one_layer("residual(4, squeeze=16)", 6, channels=4).excite.squeeze.out_features == 1


def test_classes_gives_logits():
    model = build(Net("linear", ("flatten", "classes")), size=4, classes=3)
    x = torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    expected = x.reshape(5, 16) @ model[1].weight.T + model[1].bias
    assert isinstance(model, Model)
    assert torch.allclose(model(x), expected)
