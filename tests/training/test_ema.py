"""The exponential moving average of the weights."""

import numpy as np
import pytest
from torch import nn
from trained import CNN, NORMAL, Start, assert_same, numbers, silent, stop_at

from mien.faces import Faces
from mien.nets import Net
from mien.training.ema import EMA
from mien.training.evaluate import evaluate
from mien.training.loop import fit


def test_an_average_keeps_its_share_and_forgets_the_first_weights_sooner() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 100)
    average = EMA(model, 0.5)
    expected = 100.0
    for number, weight in enumerate([1.0, 2.0, 3.0, 4.0], start=1):
        nn.init.constant_(model.weight, weight)
        average.add(number)
        share = min(0.5, number / (9 + number))
        expected = share * expected + (1 - share) * weight
        assert average.weights["weight"].item() == pytest.approx(expected)
        with average.in_place():
            assert model.weight.item() == pytest.approx(expected)
        assert model.weight.item() == weight


@pytest.mark.parametrize("net", [CNN, NORMAL], ids=lambda net: net.name)
def test_averaging_leaves_the_steps_alone_and_changes_the_result(net: Net, start: Start, faces: Faces) -> None:
    plain, averaged = (start(net, epochs=2, batch=32, ema_decay=share) for share in (0.0, 0.9))
    for run in (plain, averaged):
        fit(run, faces, silent)
    for one, other in zip(numbers(plain), numbers(averaged), strict=True):
        assert one.steps == other.steps
        assert one.validation_loss != other.validation_loss
    again, saved = evaluate(averaged, faces, "validation"), averaged.predictions("validation")
    assert saved is not None
    assert np.array_equal(again.probabilities, saved.probabilities), "the weights on disk are those that predicted"
    loss = -np.log(saved.probabilities[np.arange(len(saved.labels)), saved.labels]).mean()
    assert averaged.history()[-1].validation_loss == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("keep", ["last", "best"])
def test_an_averaged_run_that_was_stopped_ends_as_one_that_was_not(keep: str, start: Start, faces: Faces) -> None:
    recipe = {"epochs": 4, "batch": 32, "ema_decay": 0.9, "tta_flip": True, "keep": keep}
    whole, stopped = (start(NORMAL, **recipe) for _ in range(2))
    fit(whole, faces, silent)
    stop_at(stopped, faces, epoch=3, step=2)
    fit(stopped, faces, silent)
    assert_same(stopped, whole)
