"""Which pixels mattered, held against what is known of the net."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.errors import UserError
from mien.explain.attribution import Explainer
from mien.export.graph import NET, member_of
from mien.faces import Faces
from mien.nets import Net
from mien.runs.recipe import Recipe
from mien.runs.run import Run
from mien.training.loop import fit

Publish = Callable[[str], Path]


@pytest.fixture
def corner(runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The flat net, whose first class is for white in its upper left corner of 6x6 pixels and looks at nothing else."""

    def known(run: Run) -> torch.nn.Module:
        member = member_of(run)
        dense = member.get_submodule(NET)[1]
        weights = torch.zeros(len(dense.weight), 24, 24)
        weights[0, :6, :6] = 0.25
        dense.weight.data = weights.flatten(1)
        return member

    monkeypatch.setattr("mien.explain.attribution.member_of", known)
    return runs["flat"]


def test_saliency_is_the_slope_of_the_emotions_logit(corner: Run, faces: Faces) -> None:
    mattered = Explainer(corner, "saliency")(faces.images[:3], [0, 0, 1])
    assert mattered.shape == (3, 24, 24)
    assert np.allclose(mattered[:2, :6, :6], 0.25)
    mattered[:2, :6, :6] = 0
    assert not mattered.any()


def test_occlusion_finds_the_pixels_that_the_answer_hangs_on(corner: Run) -> None:
    image = np.full((1, 24, 24), 60, np.uint8)
    image[:, :6, :6] = 255
    explainer = Explainer(corner)
    assert (explainer.method, explainer.layer) == ("occlusion", None)
    (mattered,) = explainer(image, [0])
    assert mattered[:6, :6].min() > 0
    assert mattered[12:].max() == mattered[:, 12:].max() == 0
    (against,) = explainer(image, [1])
    assert against[:6, :6].max() < 0


def test_grad_cam_weighs_the_last_layers_channels_by_the_emotions_gradient(runs: dict[str, Run], faces: Faces) -> None:
    explainer = Explainer(runs["averaged"])
    assert (explainer.method, explainer.layer) == ("grad_cam", "relu_2")
    mattered = explainer(faces.images[:4], [0, 1, 2, 3])
    member = member_of(runs["averaged"])
    *before, _, classes = member.get_submodule(NET)
    with torch.no_grad():  # behind an average the gradient is the class's weight, the same for all pixels of a channel
        maps = torch.nn.Sequential(*before)(member.scaling(torch.from_numpy(faces.images[:4].copy())))
        small = torch.einsum("nchw,nc->nhw", maps, classes.weight[:4]) / maps[0, 0].numel()
        large = torch.nn.functional.interpolate(small[:, None], (24, 24), mode="bilinear")[:, 0]
    assert np.allclose(mattered, large, atol=1e-6)
    assert mattered.min() < 0 < mattered.max()


@pytest.mark.slow
@pytest.mark.parametrize("thaw", [0, 1])
def test_grad_cam_looks_into_a_backbone(thaw: int, publish: Publish, faces: Faces, tmp_path: Path) -> None:
    publish("mobilenet_v2")
    net = Net("backed", (f"mobilenet_v2(thaw={thaw}, size=64)", "classes"))
    run = Run.create(tmp_path, net, Recipe(epochs=1, batch=120), 0, faces)
    fit(run, faces, lambda progress: None)
    explainer = Explainer(run)
    assert (explainer.method, explainer.layer) == ("grad_cam", "mobilenet_v2_1.network")
    mattered = explainer(faces.images[:3], [0, 1, 2])
    assert mattered.shape == (3, 24, 24)
    assert np.isfinite(mattered).all()
    assert mattered.std(axis=(1, 2)).min() > 0


def test_a_net_that_flattens_its_maps_is_explained_by_occlusion_by_default(runs: dict[str, Run], faces: Faces) -> None:
    assert Explainer(runs["flattened"]).method == "occlusion"
    explainer = Explainer(runs["flattened"], "grad_cam")
    assert explainer.layer == "pool_1"
    assert explainer(faces.images[:1], [0]).shape == (1, 24, 24)


def test_grad_cam_of_a_net_without_maps_is_refused(runs: dict[str, Run]) -> None:
    with pytest.raises(UserError, match="flat: no layer of this net has rows and columns; take saliency or occlusion"):
        Explainer(runs["flat"], "grad_cam")
