"""The zoo: nets that come with mien.

They are those of a course's study of FER2013 (2021): five feed-forward nets, three convolutional ones, and three heads
on frozen backbones.
"""

from mien.nets.net import Net


def _dense(*units: int, act: str, l2: float = 0.0) -> tuple[str, ...]:
    penalty = f", l2={l2}" if l2 else ""
    return tuple(word for n in units for word in (f"dense({n}{penalty})", act))


_NETS = (
    Net("model1", ("flatten", *_dense(1568, 784, 392, 196, act="relu"), "classes")),
    Net("model2", ("flatten", *_dense(1568, 784, 392, act="elu"), "dropout(0.25)", "classes")),
    Net("model3", ("flatten", *_dense(2000, 1000, 500, act="elu"), "dropout(0.25)", "classes")),
    Net(
        "model4",
        (
            *("flatten", *_dense(2000, 1000, 500, 250, act="elu")),
            *(*_dense(784, act="relu"), "dropout(0.25)", "classes"),
        ),
    ),
    Net("model5", ("flatten", *_dense(2000, 1000, 500, 250, act="elu", l2=1e-4), "dropout(0.25)", "classes")),
    Net(
        "cnn_1",
        (
            *("conv(32)", "relu", "conv(32)", "relu", "pool"),
            *("conv(64)", "relu", "conv(64)", "relu", "pool"),
            *("flatten", "dense(512)", "relu", "classes"),
        ),
    ),
    Net(
        "cnn_2",
        (
            *("conv(64)", "relu", "conv(64)", "relu", "pool"),
            *("conv(128, l2=1e-3)", "relu", "conv(128, l2=1e-3)", "relu", "pool"),
            *("flatten", "dense(512, l2=1e-2)", "relu", "classes"),
        ),
    ),
    Net(
        "cnn_3",
        (
            *("conv(64)", "elu", "conv(64, padding='same')", "elu", "pool"),
            *("conv(128, padding='same')", "elu", "pool"),
            *("conv(128, stride=2, padding='same', l1=1e-3)", "elu"),
            *("conv(128, stride=2, padding='same', l1=1e-3)", "elu", "pool"),
            *("flatten", "dense(512, l1=1e-2)", "elu", "dropout(0.25)", "classes"),
        ),
    ),
    Net("ft_1", ("resnet50", *_dense(512, 1024, 512, act="relu"), "dropout(0.3)", "classes")),
    Net("ft_2", ("mobilenet_v2", *_dense(512, 1024, 512, act="relu"), "dropout(0.4)", "classes")),
    Net("ft_3", ("mobilenet_v2", *_dense(512, 1024, 512, act="elu", l2=1e-2), "dropout(0.3)", "classes")),
)

ZOO: dict[str, Net] = {net.name: net for net in _NETS}
"""Every net of the zoo, by its name."""

SEED_RECIPES: dict[str, dict[str, object]] = {
    **{f"model{number}": {"epochs": 20} for number in range(1, 6)},
    "cnn_1": {"epochs": 15},
    "cnn_2": {"epochs": 20},
    "cnn_3": {"epochs": 20},
    "ft_1": {"epochs": 10},
    "ft_2": {"epochs": 15},
    "ft_3": {"epochs": 15},
}
"""What the course's study set apart from a recipe's defaults, for each of its nets."""
