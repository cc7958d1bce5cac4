"""Augmentation: where pixels go, what becomes of grays and targets, and that nothing but seed and number decides."""

from collections.abc import Callable
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from mien.augmentation import WORDS, Augmentation
from mien.augmentation.batch import Batch
from mien.augmentation.geometry import Geometry, Maps, rotate, shear, shift, zoom
from mien.augmentation.quality import jpeg
from mien.augmentation.registry import GEOMETRY

EVERY_WORD = (
    *("rotate(20)", "shift(0.1)", "zoom(0.2)", "shear(10)", "flip", "flip_vertical"),
    *("brightness(0.3)", "contrast(0.3)", "blur(1.5)", "sharpen(2)", "noise(10)", "jpeg(20)"),
    *("erase", "mixup", "cutmix"),
)
NEAR = 0.01
"""Grays in which torch's resampling may miss a pixel that it hits exactly."""


def faces(n: int = 6, height: int = 12, width: int = 12) -> Tensor:
    return torch.from_numpy(np.random.default_rng(3).integers(0, 256, (n, height, width), np.uint8))


def targets(n: int = 6) -> Tensor:
    return torch.eye(7)[torch.arange(n) % 7]


def augmented(*words: str, images: Tensor | None = None, seed: int = 0, number: int = 0) -> tuple[Tensor, Tensor]:
    images = faces() if images is None else images
    return Augmentation(words, seed)(images, targets(len(images)), number)


def moved(monkeypatch: pytest.MonkeyPatch, images: Tensor, *maps: np.ndarray) -> np.ndarray:
    """The images after words of these maps, one after the other."""

    def word_of(chosen: np.ndarray) -> Callable[[Geometry], Maps]:
        return lambda at: np.tile(chosen, (at.faces, 1, 1))

    words = {f"word_{at}": word_of(chosen) for at, chosen in enumerate(maps)}
    for name, word in words.items():
        monkeypatch.setitem(WORDS, name, word)
        monkeypatch.setitem(GEOMETRY, name, word)
    return augmented(*words, images=images)[0].numpy()


def compressed(image: np.ndarray, quality: int) -> np.ndarray:
    content = BytesIO()
    Image.fromarray(image).save(content, "JPEG", quality=quality)
    return np.asarray(Image.open(content), np.float32)


class TestMoving:
    @pytest.mark.parametrize(("word", "axis"), [("flip(1.0)", 2), ("flip_vertical(1.0)", 1)])
    @pytest.mark.parametrize("shape", [(12, 12), (9, 14)])
    def test_flips_mirror(self, word, axis, shape):
        images = faces(6, *shape)
        actual, _ = augmented(word, images=images)
        np.testing.assert_allclose(actual.numpy(), np.flip(images.numpy(), axis), atol=NEAR)

    def test_half_of_the_faces_are_flipped(self):
        images = faces(1).expand(2000, -1, -1)
        actual, _ = augmented("flip", images=images)
        left = (actual - images).abs().amax((1, 2)) < NEAR
        assert 900 < left.sum() < 1100

    def test_quarter_turn_is_rot90(self, monkeypatch):
        monkeypatch.setattr(Geometry, "between", lambda self, bound: np.full(self.faces, bound))
        actual, _ = augmented("rotate(90)")
        turned = np.rot90(faces().numpy(), 1, axes=(1, 2))
        np.testing.assert_allclose(actual.numpy(), turned, atol=NEAR)

    @pytest.mark.parametrize(
        ("share", "height", "right", "down"), [(0.25, 0.0, 3, 0), (0.0, 0.5, 0, 5), (0.25, None, 3, 2)]
    )
    def test_shift_takes_the_nearest_beyond_the_border(self, monkeypatch, share, height, right, down):
        monkeypatch.setattr(Geometry, "between", lambda self, bound: np.full(self.faces, np.floor(bound)))
        images = faces(4, 10, 12)
        actual, _ = augmented(f"shift({share}, {height})", images=images)
        rows, columns = (np.arange(10) + down).clip(max=9), (np.arange(12) + right).clip(max=11)
        np.testing.assert_allclose(actual.numpy(), images.numpy()[:, rows][:, :, columns], atol=NEAR)

    def test_words_are_done_in_their_order_by_one_resampling(self, monkeypatch):
        turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
        step = np.array([[1.0, 0, 2], [0, 1, 0], [0, 0, 1]])
        both = moved(monkeypatch, faces(), turn, step)
        after_one = torch.from_numpy(moved(monkeypatch, faces(), turn)).round().to(torch.uint8)
        np.testing.assert_allclose(both, moved(monkeypatch, after_one, step), atol=2 * NEAR)
        assert not np.allclose(both, moved(monkeypatch, faces(), step, turn), atol=1)

    def test_between_pixels_lies_their_mean(self, monkeypatch):
        half = np.array([[1.0, 0, 0.5], [0, 1, 0], [0, 0, 1]])
        images = faces().numpy().astype(float)
        actual = moved(monkeypatch, faces(), half)
        np.testing.assert_allclose(actual[:, :, :-1], (images[:, :, 1:] + images[:, :, :-1]) / 2, atol=NEAR)

    @given(st.floats(0, 180), st.floats(0, 0.9), st.floats(0, 1), st.floats(0, 80))
    def test_maps_stay_within_their_words(self, degrees, growth, share, slant):
        at = Geometry(50, 40, 20, np.random.default_rng(0))
        turned = rotate(at, degrees)
        np.testing.assert_allclose(np.linalg.det(turned), 1)
        assert (np.arccos(turned[:, 0, 0].clip(-1, 1)) <= np.deg2rad(degrees) + 1e-6).all()
        scales = 1 / zoom(at, growth)[:, 0, 0]
        assert ((scales >= 1 - growth - 1e-9) & (scales <= 1 + growth + 1e-9)).all()
        steps = shift(at, share)
        assert (abs(steps[:, 0, 2]) <= 20 * share).all()
        assert (abs(steps[:, 1, 2]) <= 40 * share).all()
        assert (abs(shear(at, slant)[:, 0, 1]) <= np.tan(np.deg2rad(slant)) + 1e-9).all()


class TestGrays:
    def test_brightness_adds_the_same_to_a_face(self):
        images = (faces() // 4 + 96).to(torch.uint8)
        added = augmented("brightness(0.2)", images=images)[0] - images
        np.testing.assert_allclose(added.std((1, 2)), 0, atol=1e-4)
        assert (added.abs() <= 51).all()
        assert added[:, 0, 0].unique().numel() == len(images)

    def test_contrast_keeps_the_mean_and_stretches(self):
        images = (faces() // 4 + 96).to(torch.uint8)
        actual = augmented("contrast(0.5)", images=images)[0]
        factor = actual.std((1, 2)) / images.float().std((1, 2))
        np.testing.assert_allclose(actual.mean((1, 2)), images.float().mean((1, 2)), atol=1e-3)
        assert ((factor >= 0.5) & (factor <= 1.5)).all()
        assert factor.unique().numel() == len(images)

    def test_blur_spreads_a_point_by_a_deviation_of_its_own(self):
        images = torch.zeros(300, 41, 31, dtype=torch.uint8)
        images[:, 20, 15] = 250
        actual = augmented("blur(2)", images=images)[0].double()
        np.testing.assert_allclose(actual.sum((1, 2)), 250, rtol=1e-4)
        deviations = {}
        for axis, middle in ((1, 20), (2, 15)):
            places = torch.arange(images.shape[axis]).double() - middle
            profile = actual.sum(3 - axis) / 250
            np.testing.assert_allclose((profile * places).sum(1), 0, atol=1e-4)
            deviations[axis] = (profile * places**2).sum(1).sqrt()
        np.testing.assert_allclose(deviations[1], deviations[2], atol=1e-3)
        assert deviations[1].max() <= 2.001
        wide = deviations[1][deviations[1] > 0.7]  # narrower ones fall between the pixels
        assert wide.mean() == pytest.approx(1.35, abs=0.1)

    def test_blur_leaves_an_even_face_as_it_is_and_takes_its_probability(self):
        even = torch.full((1, 12, 16), 200, dtype=torch.uint8)
        np.testing.assert_allclose(augmented("blur(3)", images=even)[0], 200, atol=1e-3)
        images = faces(1).expand(1000, -1, -1).contiguous()
        actual, _ = augmented("blur(2, 0.25)", images=images)
        assert 200 < ((actual - images).abs().amax((1, 2)) > 0).sum() < 300

    def test_sharpening_adds_up_to_so_much_of_what_a_blur_takes(self):
        images = torch.full((300, 21, 31), 100, dtype=torch.uint8)
        images[:, :, 15:] = 140  # an edge upright in the middle
        actual = augmented("sharpen(2)", images=images)[0]
        np.testing.assert_allclose(actual[:, 10, :8], 100, atol=1e-3)
        over = (actual[:, 10, 15] - 140).double()  # a Gaussian of 1 leaves 0.6992 of the step at the first pixel
        amounts = over / (0.3008 * 40)
        assert 0 < amounts.min() < amounts.max() < 2
        assert amounts.mean() == pytest.approx(1, abs=0.1)
        np.testing.assert_allclose(actual[:, 10, 14], 240 - actual[:, 10, 15], atol=1e-3)

    def test_noise_has_its_deviation(self):
        images = torch.full((20, 40, 40), 128, dtype=torch.uint8)
        added = augmented("noise(8)", images=images)[0] - images
        assert added.mean().item() == pytest.approx(0, abs=0.2)
        assert added.std().item() == pytest.approx(8, rel=0.02)

    @pytest.mark.parametrize("word", ["sharpen(2, 0.25)", "noise(8, 0.25)", "jpeg(10, 0.25)"])
    def test_quality_is_changed_with_its_probability(self, word):
        images = faces(1, 16, 16).expand(1000, -1, -1).contiguous()
        actual, _ = augmented(word, images=images)
        assert 200 < ((actual - images).abs().amax((1, 2)) > 0).sum() < 300

    @pytest.mark.parametrize("quality", [10, 40, 75, 100])
    @pytest.mark.parametrize("shape", [(16, 24), (13, 18)])
    def test_compression_is_that_of_libjpeg(self, quality, shape):
        images = faces(20, *shape) // 2 + torch.arange(shape[1], dtype=torch.uint8)
        lowest = SimpleNamespace(integers=lambda low, high, size: np.full(size, low), random=np.zeros)
        at = Batch(images.float(), targets(20), lowest)
        jpeg(at, quality)
        actual = at.images.numpy()
        apart = [np.abs(one - compressed(image, quality)) for one, image in zip(actual, images.numpy(), strict=True)]
        assert np.mean(apart) < 0.5
        assert np.mean(np.abs(actual - images.numpy())) > (3 if quality < 100 else 0)

    @pytest.mark.parametrize("word", ["blur(2, 0)", "sharpen(2, 0)", "noise(8, 0)", "jpeg(10, 0)"])
    def test_none_is_changed_where_none_is_taken(self, word):
        np.testing.assert_array_equal(augmented(word)[0], faces())

    def test_compression_draws_qualities_from_its_own_to_100(self):
        images = faces(1, 16, 16).expand(400, -1, -1).contiguous()
        lost = (augmented("jpeg(10)", images=images)[0] - images).abs().mean((1, 2))
        assert lost.min() < 1
        assert lost.max() > 20
        assert lost.unique().numel() > 50

    def test_grays_stay_within_0_and_255(self):
        actual, _ = augmented("brightness(1.0)", "contrast(1.0)", "noise(200)", "shear(30)")
        assert 0 <= actual.min() < actual.max() <= 255

    @pytest.mark.parametrize("share", [0.01, 0.3, 1.0])
    def test_erased_is_a_box_of_at_most_its_share(self, share):
        images = torch.zeros(200, 40, 40, dtype=torch.uint8)
        actual, _ = augmented(f"erase(1.0, {share})", images=images)
        for erased in (actual > 0).numpy():
            rows, columns = np.flatnonzero(erased.any(1)), np.flatnonzero(erased.any(0))
            box = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
            assert erased.sum() > 0.7 * box
            assert box <= share * 1600 * 1.3 + 6
        assert actual[actual > 0].mean() == pytest.approx(128, abs=4)

    def test_erasing_takes_its_probability(self):
        images = torch.zeros(1000, 8, 8, dtype=torch.uint8)
        actual, _ = augmented("erase(0.25)", images=images)
        assert 200 < actual.amax((1, 2)).count_nonzero() < 300


class TestForTeachers:
    def test_faces_are_the_same_but_for_their_quality(self):
        words, images = ("rotate(20)", "contrast(0.5)", "blur(2)", "erase(0.5)", "noise(40)", "mixup(1.0)"), faces()
        idle = ("rotate(20)", "contrast(0.5)", "blur(0)", "erase(0.5)", "noise(0)", "mixup(1.0)")
        shown = Augmentation(words, 7).for_teachers(images, 3)
        np.testing.assert_allclose(shown, augmented(*idle, images=images, seed=7, number=3)[0], atol=1e-3)
        spoilt, _ = augmented(*words, images=images, seed=7, number=3)
        assert (spoilt - shown).abs().mean() > 10

    def test_degrades_is_true_only_where_a_word_changes_the_quality(self):
        assert Augmentation(("flip", "jpeg(20)"), 0).degrades
        assert not Augmentation(("flip", "erase", "contrast(0.2)"), 0).degrades


class TestMixing:
    @pytest.fixture
    def plain(self) -> Tensor:
        """Faces of one gray each, 40 times their number, so that a mix shows its shares."""
        return (torch.arange(6, dtype=torch.uint8) * 40)[:, None, None].expand(6, 12, 12).contiguous()

    @pytest.mark.parametrize("word", ["mixup(1.0)", "cutmix(1.0)"])
    def test_targets_are_mixed_as_the_pixels(self, plain, word):
        actual, mixed = augmented(word, images=plain)
        np.testing.assert_allclose(mixed.sum(1), 1, atol=1e-6)
        assert ((mixed > 0).sum(1) == 2).any()
        grays = mixed @ (torch.arange(7.0) * 40)
        np.testing.assert_allclose(actual.mean((1, 2)), grays, atol=1e-3)

    def test_mixup_blends_and_cutmix_pastes(self, plain):
        blended, pasted = augmented("mixup(1.0)", images=plain)[0], augmented("cutmix(1.0)", images=plain)[0]
        np.testing.assert_allclose(blended.std((1, 2)), 0, atol=1e-4)
        assert set(pasted.unique().tolist()) <= {40.0 * number for number in range(6)}
        assert (pasted.std((1, 2)) > 0).any()

    @pytest.mark.parametrize("word", ["mixup", "cutmix"])
    def test_probability_0_mixes_nothing(self, word):
        actual, mixed = augmented(f"{word}(probability=0.0)")
        assert torch.equal(actual, faces().float())
        assert torch.equal(mixed, targets())


class TestChance:
    def test_number_decides_whatever_ran_before(self):
        used, fresh = Augmentation(EVERY_WORD, 5), Augmentation(EVERY_WORD, 5)
        for number in (0, 3, 1):
            used(faces(), targets(), number)
        ours, theirs = used(faces(), targets(), 2), fresh(faces(), targets(), 2)
        assert torch.equal(ours[0], theirs[0])
        assert torch.equal(ours[1], theirs[1])

    @pytest.mark.parametrize("word", EVERY_WORD)
    @pytest.mark.parametrize(("seed", "number"), [(0, 1), (1, 0), (2**40, 0), (0, 2**40)])
    def test_another_number_or_seed_gives_another_result(self, word, seed, number):
        images = faces(16)
        base, _ = augmented(word, images=images)
        other, _ = augmented(word, images=images, seed=seed, number=number)
        assert not torch.equal(base, other)

    @pytest.mark.parametrize("word", EVERY_WORD)
    def test_faces_of_a_batch_are_changed_differently(self, word):
        images = faces(1).expand(16, -1, -1) // 2
        actual, mixed = augmented(word, images=images)
        together = torch.cat([actual.flatten(1), mixed], 1)
        assert len(together.unique(dim=0)) > 1

    def test_what_is_given_stays_as_it_is(self):
        images, given = faces(), targets()
        Augmentation(EVERY_WORD, 0)(images, given, 0)
        assert torch.equal(images, faces())
        assert torch.equal(given, targets())

    def test_no_words_change_nothing(self):
        actual, mixed = augmented()
        assert actual.dtype == torch.float32
        assert torch.equal(actual, faces().float())
        assert torch.equal(mixed, targets())

    def test_one_face_alone_is_augmented(self):
        actual, mixed = augmented(*EVERY_WORD, images=faces(1))
        assert actual.shape == (1, 12, 12)
        assert actual.isfinite().all()
        assert torch.equal(mixed, targets(1))

    def test_every_word_is_tried_here(self):
        assert [word.split("(")[0] for word in EVERY_WORD] == list(WORDS)
