"""Building: initialisation as Keras's, seeds, and penalties."""

import copy
from math import sqrt

import pytest
import torch

from mien.nets import Net, build
from mien.nets.model import Penalty

NET = Net("mine", ("conv(32)", "relu", "conv(64, 5)", "relu", "pool", "flatten", "dense(512)", "relu", "classes"))


@pytest.mark.parametrize(
    ("layer", "fans"),
    [
        ("conv_1", 9 * 1 + 9 * 32),
        ("conv_2", 25 * 32 + 25 * 64),
        ("dense_1", 64 * 5 * 5 + 512),
        ("classes_1", 512 + 7),
    ],
)
def test_kernels_are_glorot_uniform_and_biases_zero(layer, fans):
    module = build(NET, size=16).get_submodule(layer)
    limit = sqrt(6 / fans)
    kernel = module.weight.detach()
    assert kernel.dtype == torch.float32
    assert limit * 0.97 < kernel.abs().max() <= limit
    assert kernel.std().item() == pytest.approx(limit / sqrt(3), rel=0.08)
    assert kernel.mean().item() == pytest.approx(0, abs=4 * limit / sqrt(3 * kernel.numel()))
    assert torch.count_nonzero(module.bias) == 0


def test_every_residual_kernel_is_glorot_uniform():
    block = build(Net("r", ("conv(8, 1)", "residual(16, stride=2)", "flatten", "classes")), size=8)[1]
    for kernel, limit in (
        (block.conv_1.weight, sqrt(6 / (9 * 8 + 9 * 16))),
        (block.conv_2.weight, sqrt(6 / (9 * 16 + 9 * 16))),
        (block.shortcut[0].weight, sqrt(6 / (8 + 16))),
    ):
        assert limit * 0.9 < kernel.abs().max() <= limit


def test_a_seed_fixes_the_weights_and_leaves_torchs_generator_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, same, other = build(NET, seed=1, size=16), build(NET, seed=1, size=16), build(NET, seed=2, size=16)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), same.parameters(), strict=True))
    assert not torch.equal(first.conv_1.weight, other.conv_1.weight)


def test_a_hyper_parameter_and_its_value_build_the_same_net():
    bound = Net("a", ("conv(4, k)", "act", "flatten", "classes"), {"k": 5, "act": "elu"})
    plain = Net("b", ("conv(4, 5)", "elu", "flatten", "classes"))
    x = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(build(bound, size=8)(x), build(plain, size=8)(x))


def test_weights_have_the_names_of_the_summary():
    names = list(build(NET, size=16).state_dict())
    assert names[:4] == ["conv_1.weight", "conv_1.bias", "conv_2.weight", "conv_2.bias"]


class TestPenalties:
    def test_they_are_those_of_its_words(self):
        model = build(Net("p", ("conv(2, 1, l1=0.5)", "flatten", "dense(3, l1=0.1, l2=0.25)", "classes(l2=2)")), size=1)
        assert model.penalties == (
            Penalty(model.conv_1, 0.5, 0),
            Penalty(model.dense_1, 0.1, 0.25),
            Penalty(model.classes_1, 0, 2),
        )
        assert build(NET, size=16).penalties == ()

    def test_those_of_a_copy_are_on_its_own_layers(self):
        model = build(Net("p", ("conv(2, 1, l1=0.5)", "flatten", "classes")), size=1)
        other = copy.deepcopy(model)
        assert other.penalties == (Penalty(other.conv_1, 0.5, 0),)
        assert other.conv_1 is not model.conv_1

    def test_a_residual_block_has_one_for_each_of_its_kernels(self):
        model = build(Net("r", ("residual(4, l2=1)", "flatten", "classes")), size=4)
        block = model.residual_1
        assert [penalty.module for penalty in model.penalties] == [block.conv_1, block.conv_2, block.shortcut[0]]
        assert {(penalty.l1, penalty.l2) for penalty in model.penalties} == {(0, 1)}
