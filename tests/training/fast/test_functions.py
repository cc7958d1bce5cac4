import pytest
import torch
from compared import KINDS, batch_of, chunked, distances, model_of, of
from torch import nn
from torch.nn import functional as F

from mien.faces import Faces
from mien.training.fast import make_gradients


@pytest.mark.parametrize("layers", KINDS.values(), ids=KINDS)
def test_dropout_follows_its_key(layers: tuple[str, ...], faces: Faces) -> None:
    model = model_of(layers)
    way = make_gradients(model, torch.float32)
    x, labels = batch_of(faces, 40)
    keys = [0, 1, 2**16, 2**32, 2**40, 2**70]  # torch's generator alone would distinguish only the first three
    losses = [way.batch(x.clone(), labels, key).loss for key in keys]
    assert len(set(losses)) == len(keys)
    for key, loss in zip(keys, losses, strict=True):
        way.batch(x.clone(), labels, key)
        once = of(model)
        torch.rand(3)  # whatever else is drawn in between
        assert way.batch(x.clone(), labels, key).loss == loss
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(once, of(model), strict=True))
    way.close()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize(
    "layers",
    [("flatten", "dense(4000)", "dropout(0.25)", "classes"), ("conv(12)", "dropout(0.25)", "flatten", "classes")],
    ids=["flat", "image"],
)
def test_dropout_scales_what_it_keeps(layers: tuple[str, ...], dtype: torch.dtype, faces: Faces) -> None:
    """Of one face, the last layer's weights at a dropped value have no gradient: this shows which were dropped."""
    model = model_of(layers)
    x, labels = batch_of(faces, 1)
    way = chunked(model, dtype)
    result = way.batch(x.clone(), labels, key=3)
    way.close()
    actual = of(model)
    saved = actual[2].abs().sum(0) > 0
    assert saved.float().mean().item() == pytest.approx(0.75, abs=0.03)

    first, *rest = (module for module in model if not isinstance(module, nn.Dropout))
    hidden = rest[0](first(x)).flatten(1) * saved / 0.75
    loss = F.cross_entropy(rest[-1](hidden), labels)
    expected = torch.autograd.grad(loss, list(model.parameters()))
    close = dtype == torch.float32
    assert result.loss == pytest.approx(loss.item(), rel=1e-5 if close else 0.02)
    assert max(distances(actual, list(expected))) < (2e-5 if close else 0.03)


def test_each_chunk_drops_its_own(faces: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same face in every chunk, a chunk each: the gradient of the batch is not that of the face alone."""
    monkeypatch.setattr("mien.training.fast.gradients.CHUNK", 1)
    model = model_of(("conv(4)", "dropout(0.5)", "flatten", "classes"))
    x, labels = batch_of(faces, 1)
    way = chunked(model)
    way.batch(x.expand(40, -1, -1, -1).clone(), labels.expand(40), key=0)
    way.close()
    untouched = (of(model)[2].abs().sum(0) == 0).float().mean().item()
    assert untouched < 0.01, "each value was kept in one chunk or another"


@pytest.mark.parametrize("layers", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_logits_know_no_dropout(layers: tuple[str, ...], dtype: torch.dtype, faces: Faces) -> None:
    model = model_of(layers)
    x, labels = batch_of(faces, 150)
    way = make_gradients(model, dtype)
    way.batch(x.clone(), labels, key=0)
    logits = way.logits(x.clone())
    again = way.logits(x.clone())
    way.close()
    assert logits.dtype == torch.float32
    assert torch.equal(logits, again)
    assert torch.allclose(logits, model.eval()(x), atol=1e-5 if dtype == torch.float32 else 0.03)
