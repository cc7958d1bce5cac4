"""Scaling: its numbers, that only train decides them, and that it comes back from disk as it was."""

import numpy as np
import pytest
import torch
from torch import Tensor

from mien.runs.recipe import Recipe
from mien.training.checkpoint import load_weights, save_weights
from mien.training.scaling import EPSILON, Scaling


def recipe(scaling: str, whitening: str = "none") -> Recipe:
    return Recipe.model_validate({"scaling": scaling, "whitening": whitening})


@pytest.fixture(scope="module")
def train() -> Tensor:
    """600 images of 8x8 pixels that depend on each other."""
    generator = np.random.default_rng(0)
    mixed = generator.standard_normal((600, 64)) @ (3 * generator.standard_normal((64, 64)) + 20 * np.eye(64)) + 120
    return torch.from_numpy(mixed.clip(0, 255).round().astype(np.uint8).reshape(600, 8, 8))


def covariance(x: Tensor) -> np.ndarray:
    return np.cov(x.flatten(1).double().numpy(), rowvar=False, bias=True)


def test_centred_is_x_over_255_less_a_half():
    x = torch.tensor([[[0, 255], [51, 102]]], dtype=torch.uint8)
    scaling = Scaling.fit(recipe("centred"), x)
    np.testing.assert_allclose(scaling(x), [[[[-0.5, 0.5], [-0.3, -0.1]]]], atol=1e-7)
    assert scaling.tensors() == {}


def test_standardised_has_mean_0_and_deviation_1_and_black_stays_0(train):
    x = torch.cat([train, torch.zeros(1, 8, 8, dtype=torch.uint8)])
    actual = Scaling.fit(recipe("standardised"), x)(x)
    np.testing.assert_allclose(actual.mean((1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(actual[:-1].std((1, 2, 3), correction=0), 1, atol=1e-5)
    assert (actual[-1] == 0).all()


def test_featurewise_has_mean_0_and_deviation_1_at_each_pixel(train):
    train = train.clone()
    train[:, 0, 0] = 7
    actual = Scaling.fit(recipe("featurewise"), train)(train)[:, 0]
    np.testing.assert_allclose(actual.mean(0), 0, atol=1e-5)
    deviation = actual.std(0, correction=0)
    assert deviation[0, 0] == 0
    np.testing.assert_allclose(deviation.flatten()[1:], 1, atol=1e-5)


@pytest.mark.parametrize("kind", ["centred", "featurewise"])
def test_whitened_train_has_mean_0_and_the_identity_as_covariance(train, kind):
    actual = Scaling.fit(recipe(kind, "zca"), train)(train)
    assert actual.shape == (600, 1, 8, 8)
    np.testing.assert_allclose(actual.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(covariance(actual), np.eye(64), atol=0.01)


def test_whitening_is_kerass_formula(train):
    x = (train.double() / 255 - 0.5).flatten(1).numpy()
    centred = x - x.mean(0)
    u, s, _ = np.linalg.svd(centred.T @ centred / len(x))
    expected = centred @ (u / np.sqrt(s + EPSILON)) @ u.T
    actual = Scaling.fit(recipe("centred", "zca"), train)(train).flatten(1)
    np.testing.assert_allclose(actual, expected, atol=2e-3)


def test_directions_in_which_train_does_not_vary_do_not_blow_up(train):
    few = train[:20]
    scaling = Scaling.fit(recipe("centred", "zca"), few)
    assert scaling(few).isfinite().all()
    assert scaling(train).abs().max() < 50


@pytest.mark.parametrize("kind", ["centred", "standardised", "featurewise"])
@pytest.mark.parametrize("whitening", ["none", "zca"])
class TestEach:
    def test_augmented_floats_are_scaled_as_grays(self, train, kind, whitening):
        scaling = Scaling.fit(recipe(kind, whitening), train)
        given = train.float()
        np.testing.assert_allclose(scaling(given), scaling(train), atol=1e-4)
        assert torch.equal(given, train.float())

    def test_others_do_not_change_what_a_face_becomes(self, train, kind, whitening):
        scaling = Scaling.fit(recipe(kind, whitening), train)
        np.testing.assert_allclose(scaling(train[:3]), scaling(train)[:3], atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "whitening"), [("featurewise", "none"), ("standardised", "zca"), ("featurewise", "zca")]
)
def test_comes_back_from_disk_as_it_was(train, kind, whitening, tmp_path):
    config = recipe(kind, whitening)
    scaling = Scaling.fit(config, train)
    save_weights(tmp_path / "scaling.safetensors", scaling.tensors())
    again = Scaling.of(config, load_weights(tmp_path / "scaling.safetensors"))
    assert torch.equal(again(train), scaling(train))
    assert all(tensor.dtype == torch.float32 for tensor in again.tensors().values())
