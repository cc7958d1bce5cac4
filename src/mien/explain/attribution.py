"""Attribution: which pixels of a face an answer of a run's net depends on, by captum's methods in torch."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from captum.attr import LayerAttribution, LayerGradCam, Occlusion, Saliency
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.errors import UserError
from mien.export.graph import NET, Member, member_of
from mien.nets.backbones.backbone import Backbone
from mien.nets.model import placed
from mien.predict.occlusion import patch_of
from mien.runs.run import Run
from mien.training.device import reported_memory

Method = Literal["grad_cam", "saliency", "occlusion"]

METHODS: dict[Method, str] = {
    "grad_cam": "channels of the last convolutional layer, each weighed by the emotion's gradient (arXiv 1610.02391)",
    "saliency": "how much the emotion's logit changes with a pixel (arXiv 1312.6034)",
    "occlusion": "how much of the emotion's probability a gray patch takes away (arXiv 1311.2901)",
}
"""What each method shows."""


class Explainer:
    """Explains the answers of a finished run's net. Faces are used without test-time augmentation.

    Args:
        run: a finished run.
        method: one of `METHODS`; by default grad_cam for a net that averages its last feature maps over their pixels,
            as that method does, and occlusion for any other.
        device: that computes; the processor by default.

    Attributes:
        method: that is used.
        layer: the name of the layer for grad_cam: the last one whose output has rows and columns, or the network
            within a backbone; None where there is none.

    Raises:
        UserError: grad_cam was requested for a net without such a layer; or the run's weights are damaged.
    """

    def __init__(self, run: Run, method: Method | None = None, device: torch.device | None = None) -> None:
        self._device = device or torch.device("cpu")
        self._member = member_of(run).to(self._device)
        self._member.scaling.to(self._device)
        self.layer, averaged = _last_map(run, _net(self._member))
        self.method: Method = method or ("grad_cam" if averaged else "occlusion")
        if self.method == "grad_cam" and self.layer is None:
            raise UserError(f"{run.net.name}: no layer of this net has rows and columns; take saliency or occlusion")

    def __call__(self, images: NDArray[np.uint8], emotions: Sequence[int]) -> NDArray[np.float32]:
        """Compute how much each pixel is evidence for an emotion.

        Args:
            images: uint8 [N, H, W].
            emotions: N indices of classes, one for each face.

        Returns:
            float32 [N, H, W], scaled differently for each face; negative values are evidence against the emotion.
            Saliency has no negative values.
        """
        with reported_memory(self._device, len(images), training=False):
            inputs = self._member.scaling(torch.from_numpy(np.array(images)).to(self._device))
            targets = torch.tensor(list(emotions), device=self._device)
            attributed = _BY[self.method](_net(self._member), inputs, targets, self.layer)
        weights: NDArray[np.float32] = attributed.detach()[:, 0].cpu().numpy().astype(np.float32)
        return weights


def _last_map(run: Run, net: nn.Module) -> tuple[str | None, bool]:
    """The name of the last layer with rows and columns, None without; and whether the net averages over them."""
    faces, behind = run.config.faces, ""
    for layer in reversed(placed(run.net, faces.size, len(faces.classes))):
        if isinstance(net.get_submodule(layer.name), Backbone):
            return f"{layer.name}.network", True  # a backbone outputs the mean over rows and columns
        if len(layer.output_shape) == 3 and layer.output_shape[1] > 1:
            return layer.name, behind == "global_average"
        behind = layer.word.name
    return None, False


def _net(member: Member) -> nn.Module:
    return member.get_submodule(NET)


def _grad_cam(net: nn.Module, inputs: Tensor, emotions: Tensor, layer: str | None) -> Tensor:
    """Selvaraju et al. 2017, "Grad-CAM", with its negative part, which is evidence against the emotion."""
    assert layer is not None
    inputs.requires_grad_()  # with a frozen backbone nothing else requires a gradient
    small = LayerGradCam(net, net.get_submodule(layer)).attribute(inputs, emotions, relu_attributions=False)
    large: Tensor = LayerAttribution.interpolate(small, inputs.shape[2:], interpolate_mode="bilinear")
    return large


def _saliency(net: nn.Module, inputs: Tensor, emotions: Tensor, _: str | None) -> Tensor:
    """Simonyan et al. 2014, "Deep inside convolutional networks"."""
    slopes: Tensor = Saliency(net).attribute(inputs.requires_grad_(), emotions)
    return slopes


def _occlusion(net: nn.Module, inputs: Tensor, emotions: Tensor, _: str | None) -> Tensor:
    """Zeiler and Fergus 2014, as `mien predict --explain` does it by a model file."""
    patch, step = patch_of(inputs.shape[2])
    gray = inputs.mean((2, 3), keepdim=True).expand_as(inputs)
    with torch.no_grad():
        lost: Tensor = Occlusion(lambda covered: net(covered).softmax(1)).attribute(
            inputs, (1, patch, patch), strides=(1, step, step), baselines=gray, target=emotions
        )
    return lost


_BY = {"grad_cam": _grad_cam, "saliency": _saliency, "occlusion": _occlusion}
