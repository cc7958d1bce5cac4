"""Every mistake in a net is reported, with its place and the way out."""

import pytest

from mien.errors import UserError
from mien.nets import Net, build, check


def problems_of(*layers: str, size: int = 48, **values: object) -> list[str]:
    return check(Net("mine", layers, values), size=size)


def test_a_good_net_has_none():
    assert problems_of("conv(8, k)", "act", "pool", "flatten", "classes", k=5, act="elu") == []


def test_all_mistakes_are_reported_at_once_with_their_places():
    assert problems_of("covn(32)", "relu", "conv(0)", "flatten", "dropout(1.5)", "classes") == [
        "nets.mine.layers[0]: unknown layer 'covn'; known: conv, pool, average_pool, global_average, residual,"
        " mobilenet_v2, efficientnet_lite0, resnet50, dlib_face_resnet, mobilenet_vggface2, timm, flatten, dense,"
        " classes, dropout, batch_norm, relu, elu, gelu, silu, sigmoid, tanh; did you mean 'conv'?",
        "nets.mine.layers[2]: conv: filters = 0 should be greater than or equal to 1",
        "nets.mine.layers[4]: dropout: rate = 1.5 should be less than 1",
    ]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("conv", "conv needs filters: conv(filters, kernel=3, stride=1, padding='valid', l1=0.0, l2=0.0)"),
        ("conv(32, kernal=3)", "conv has no argument 'kernal'; known: filters, kernel,"),
        ("conv(32, at=3)", "conv has no argument 'at'"),
        ("conv(32.0)", "conv: filters = 32.0 should be a valid integer"),
        ("conv(True)", "conv: filters = True should be a valid integer"),
        ("conv('32')", "conv: filters = '32' should be a valid integer"),
        ("conv(32, -3)", "conv: kernel = -3 should be greater than or equal to 1"),
        ("conv(32, padding='sam')", "conv: padding = 'sam' should be 'valid' or 'same'"),
        ("conv(32, padding=same)", "'same' is not bound to a value (no hyper-parameter is); a text needs quotes"),
        ("conv(32, l2=-1)", "conv: l2 = -1 should be greater than or equal to 0"),
        ("conv(32, filters=3)", "conv: filters is given twice"),
        ("conv(1, 3, 1, 'same', 0, 0, 0)", "conv takes at most 6 arguments, found 7"),
        (
            "conv(9999999999999999999999)",
            "conv: filters = 9999999999999999999999 should be less than or equal to 65536",
        ),
        ("pool(0)", "pool: size = 0 should be greater"),
        ("pool(stride=0)", "pool: stride = 0 should be greater"),
        ("dropout(1)", "dropout: rate = 1 should be less than 1"),
        ("dropout('p')", "dropout: rate = 'p' should be a valid number"),
        ("relu(1)", "relu takes at most 0 arguments, found 1"),
        ("relu(alpha=1)", "relu has no argument 'alpha'; it takes none"),
    ],
)
def test_wrong_arguments_are_reported(word, message):
    (problem,) = problems_of(word, "flatten", "classes")
    assert problem.startswith("nets.mine.layers[0]: ")
    assert message in problem


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (("conv(8, 49)",), "layers[0]: conv(8, 49): its window of 49x49 pixels is larger than its input [1, 48, 48]"),
        (("pool(32)", "pool"), "layers[1]: pool: its window of 2x2 pixels is larger than its input [1, 1, 1]"),
        (("flatten", "conv(8)"), "layers[1]: conv(8): needs an image, but its input is flat: [2304]"),
        (("flatten", "pool"), "layers[1]: pool: needs an image"),
        (("flatten", "residual(8)"), "layers[1]: residual(8): needs an image"),
        (("flatten", "global_average"), "layers[1]: global_average: needs an image"),
        (("dense(8)", "flatten"), "layers[0]: dense(8): needs flat input, but its input is [1, 48, 48]; put flatten"),
    ],
)
def test_layer_that_does_not_fit_its_input_is_reported_with_the_shape(layers, message):
    (problem,) = problems_of(*layers, "classes")
    assert problem.startswith(f"nets.mine.{message}")


def test_layers_after_a_misfit_are_still_read():
    problems = problems_of("flatten", "conv(8)", "dense(0)", "classes")
    assert [problem[: problem.index(":")] for problem in problems] == ["nets.mine.layers[1]", "nets.mine.layers[2]"]


def test_classes_is_the_last_layer_and_no_other():
    assert problems_of("flatten", "relu") == ["nets.mine.layers[1]: the last layer must be classes, found relu"]
    assert problems_of("flatten", "classes", "relu", "classes") == [
        "nets.mine.layers[1]: classes must be the last layer"
    ]
    assert problems_of("classes")[0].startswith("nets.mine.layers[0]: classes: needs flat input")
    assert problems_of() == ["nets.mine.layers: there are none; the shortest net is flatten, classes"]


def test_hyper_parameters_that_nothing_uses_or_that_hide_a_layer_are_reported():
    assert problems_of("flatten", "act", "classes", act="relu", rate=0.1, pool=3) == [
        "nets.mine.values.pool: is the name of a layer; call the hyper-parameter otherwise",
        "nets.mine.values.rate: no layer uses this hyper-parameter",
    ]


def test_a_net_fits_one_size_and_not_another():
    layers = ("conv(8)", "pool", "conv(8)", "flatten", "classes")
    assert problems_of(*layers, size=8) == []
    assert problems_of(*layers, size=7) == [
        "nets.mine.layers[2]: conv(8): its window of 3x3 pixels is larger than its input [8, 2, 2]"
    ]


def test_building_tells_the_same_mistakes():
    net = Net("mine", ("conv(0)", "covn", "classes"))
    with pytest.raises(UserError) as refused:
        build(net)
    assert str(refused.value) == "\n".join(check(net))
