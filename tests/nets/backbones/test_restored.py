"""Batch normalisation put back: what it gives before and after it got its statistics."""

import torch
from torch import nn

from mien.nets.backbones.restored import RestoredBatchNorm2d


def restored(scale: torch.Tensor, shift: torch.Tensor) -> RestoredBatchNorm2d:
    norm = RestoredBatchNorm2d(len(scale))
    nn.Sequential(norm).load_state_dict(norm.folded("0", scale, shift))
    return norm


def test_it_first_scales_and_shifts_and_fitted_still_does() -> None:
    generator = torch.Generator().manual_seed(0)
    scale, shift = torch.randn(5, generator=generator) * 9, torch.randn(5, generator=generator)
    x = torch.randn(64, 5, 4, 3, generator=generator) * 7 + 3
    norm = restored(scale, shift).eval()
    expected = x * scale.view(5, 1, 1) + shift.view(5, 1, 1)
    assert torch.allclose(norm(x), expected, atol=1e-4)
    norm.fit(x)
    assert torch.allclose(norm(x), expected, atol=1e-4)
    other = torch.randn(8, 5, 2, 2, generator=generator)
    assert torch.allclose(norm(other), other * scale.view(5, 1, 1) + shift.view(5, 1, 1), atol=1e-4)


def test_fitted_it_gives_in_training_what_it_gives_in_evaluation() -> None:
    generator = torch.Generator().manual_seed(1)
    scale, shift = torch.randn(3, generator=generator), torch.randn(3, generator=generator)
    x = torch.randn(256, 3, 6, 6, generator=generator) * 20 - 5
    norm = restored(scale, shift)
    by_itself = norm.train()(x)
    assert (by_itself - norm.eval()(x)).abs().max() > 1
    norm = restored(scale, shift)
    norm.fit(x)
    assert torch.allclose(norm.train()(x), norm.eval()(x), atol=1e-3)


def test_a_channel_that_never_changes_stays_finite() -> None:
    norm = restored(torch.ones(2), torch.zeros(2))
    norm.fit(torch.zeros(4, 2, 3, 3))
    assert torch.isfinite(norm.train()(torch.zeros(4, 2, 3, 3))).all()
