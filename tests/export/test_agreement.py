"""Agreement of a file with torch."""

import numpy as np
import pytest

from mien.errors import UserError
from mien.export import agreement as compare

KINDS: dict[str, tuple[tuple[str, ...], dict[str, object]]] = {
    "dense": (("flatten", "dense(16)", "elu", "dropout(0.2)", "classes"), {}),
    "strided": (("conv(4, 4, stride=2, padding='same')", "silu", "average_pool", "flatten", "classes"), {}),
    "residual, mirror": (("conv(4)", "gelu", "residual(6, stride=2)", "global_average", "classes"), {"tta_flip": True}),
    "squeezed": (("conv(8)", "residual(8, squeeze=4)", "global_average", "classes"), {}),
    "zooms": (("conv(4)", "relu", "pool", "flatten", "classes"), {"tta_flip": True, "tta_scales": (0.8, 1.1)}),
    "zca": (("flatten", "dense(8)", "batch_norm", "tanh", "classes"), {"scaling": "featurewise", "whitening": "zca"}),
    "standardised, average": (("flatten", "sigmoid", "classes"), {"scaling": "standardised", "ema_decay": 0.9}),
}


def test_what_is_not_a_number_is_refused() -> None:
    labels = np.zeros(4, np.uint8)
    good, bad = np.full((4, 2), 0.5, np.float32), np.full((4, 2), np.nan, np.float32)
    result = compare.agreement(bad, good, labels)
    for precision in ("float32", "int8"):
        with pytest.raises(UserError):
            compare.check(result, precision)


def test_losing_a_little_more_accuracy_than_allowed_is_refused() -> None:
    labels = np.zeros(1000, np.uint8)
    by_torch = np.tile(np.float32([0.6, 0.4]), (1000, 1))
    for lost, allowed in ((3, True), (4, False)):
        by_file = by_torch.copy()
        by_file[:lost] = by_file[:lost, ::-1]
        result = compare.agreement(by_file, by_torch, labels)
        assert result.same == 1 - lost / 1000
        if allowed:
            compare.check(result, "int8")
        else:
            with pytest.raises(UserError, match=r"99\.60%, in float32 100\.00%"):
                compare.check(result, "int8")
