"""The whole zoo: every net works, and the course's are what the course had; more of backbones in test_backbones.py."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from mien.nets import SEED_RECIPES, ZOO, Net, build, check, parameters, summary, trainable

RESIDUAL = Net(
    "residual",
    (
        *("conv(8, padding='same')", "batch_norm", "silu", "average_pool", "residual(8)", "gelu"),
        *("residual(16, stride=2, l2=1e-4)", "tanh", "global_average", "batch_norm", "sigmoid", "classes(l1=1e-4)"),
    ),
)
NETS = {**{name: net for name, net in ZOO.items() if not net.backbone}, "residual": RESIDUAL}
"""The zoo's nets that need no weights, and a net of the words that the zoo has no use for."""

COURSE = {
    "model1": 5_230_463,
    "model2": 5_154_807,
    "model3": 7_115_007,
    "model4": 7_439_029,
    "model5": 7_238_507,
    "cnn_1": 2_723_303,
    "cnn_2": 5_571_527,
    "cnn_3": 476_231,
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize(("size", "classes"), [(48, 7), (24, 3)])
def test_every_net_gives_finite_logits_and_every_parameter_a_gradient(name, size, classes):
    assert check(NETS[name], size, classes) == []
    model = build(NETS[name], size, classes).train()
    torch.manual_seed(0)
    logits = model(torch.rand(4, 1, size, size) - 0.5)
    assert logits.shape == (4, classes)
    assert torch.isfinite(logits).all()
    cross_entropy(logits, torch.arange(4) % classes).backward()
    for weight_name, weight in model.named_parameters():
        assert weight.grad is not None, weight_name
        assert torch.isfinite(weight.grad).all(), weight_name
        assert weight.grad.any(), weight_name


@pytest.mark.parametrize("name", NETS)
def test_summary_counts_what_the_model_holds(name):
    model = build(NETS[name])
    fitted = sum(weight.numel() for weight in model.parameters())
    running = sum(value.numel() for key, value in model.state_dict().items() if "running" in key)
    assert trainable(NETS[name]) == fitted
    assert parameters(NETS[name]) == fitted + running
    assert [row.name for row in summary(NETS[name])] == [name for name, _ in model.named_children()]


@pytest.mark.parametrize(("name", "count"), COURSE.items())
def test_the_courses_nets_have_its_parameters(name, count):
    assert parameters(ZOO[name]) == trainable(ZOO[name]) == count


def test_the_courses_nets_have_its_recipes():
    assert {name: recipe["epochs"] for name, recipe in SEED_RECIPES.items()} == {
        **dict.fromkeys(COURSE, 20),
        "cnn_1": 15,
        "ft_1": 10,
        "ft_2": 15,
        "ft_3": 15,
    }


def test_cnn_3_has_the_courses_shapes():
    shapes = [row.output_shape for row in summary(ZOO["cnn_3"]) if row.name.startswith(("conv", "pool"))]
    assert shapes == [
        *((64, 46, 46), (64, 46, 46), (64, 23, 23)),
        *((128, 23, 23), (128, 11, 11)),
        *((128, 6, 6), (128, 3, 3), (128, 1, 1)),
    ]


@pytest.mark.parametrize(
    ("name", "strengths"),
    [
        ("model5", [(0, 1e-4)] * 4),
        ("cnn_2", [(0, 1e-3), (0, 1e-3), (0, 1e-2)]),
        ("cnn_3", [(1e-3, 0), (1e-3, 0), (1e-2, 0)]),
        ("cnn_1", []),
    ],
)
def test_the_courses_penalties(name, strengths):
    assert [(l1, l2) for _, l1, l2 in build(ZOO[name]).penalties] == strengths


def test_rows_of_cnn_1():
    rows = [(row.name, row.word, row.output_shape, row.parameters) for row in summary(ZOO["cnn_1"])]
    assert rows[:5] == [
        ("conv_1", "conv(32)", (32, 46, 46), 320),
        ("relu_1", "relu", (32, 46, 46), 0),
        ("conv_2", "conv(32)", (32, 44, 44), 9248),
        ("relu_2", "relu", (32, 44, 44), 0),
        ("pool_1", "pool", (32, 22, 22), 0),
    ]
    assert rows[-4:] == [
        ("flatten_1", "flatten", (5184,), 0),
        ("dense_1", "dense(512)", (512,), 2_654_720),
        ("relu_5", "relu", (512,), 0),
        ("classes_1", "classes", (7,), 3591),
    ]


def test_batch_norms_running_numbers_count_but_are_not_trained():
    (row,) = [row for row in summary(RESIDUAL) if row.name == "batch_norm_1"]
    assert (row.parameters, row.trainable) == (4 * 8, 2 * 8)
