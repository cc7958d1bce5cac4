"""A frozen backbone's features of faces, computed once and stored in the cache."""

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mien.disk import cache_folder, whole_file
from mien.errors import UserError
from mien.nets import Model
from mien.nets.backbones.backbone import Backbone
from mien.training.device import make_gradients
from mien.training.losses import CPU
from mien.training.scaling import Scaling

FORMAT = 1
"""Version of the files' format; part of their names."""


def cached_features(
    model: Model, images: Tensor, scaling: Scaling, dtype: torch.dtype, fingerprint: str, device: torch.device = CPU
) -> Tensor:
    """The features of a model's frozen backbone, read from the cache; computed and written there the first time.

    The file's name depends on all that decides the features: the faces, the backbone's name, size and weights, the
    scaling, the precision, the kind of device and torch's version.

    Args:
        model: whose first layer is a frozen backbone.
        images: uint8 [N, H, W], on the device.
        scaling: of these images.
        dtype: in which they are computed and stored.
        fingerprint: of the faces.
        device: that the model lies on.

    Returns:
        [N, F] of this dtype, memory-mapped.

    Raises:
        UserError: the cache cannot be written.
    """
    backbone = model[0]
    assert isinstance(backbone, Backbone)
    name, size = backbone.facts.name, backbone.size
    key = [FORMAT, fingerprint, name, size, backbone.fingerprint, scaling.fingerprint, str(dtype), torch.__version__]
    if device.type != "cpu":
        key.append(device.type)
    path = cache_folder() / "features" / f"{name}-{sha256(json.dumps(key).encode()).hexdigest()[:24]}.npy"
    shape = (len(images), backbone.facts.features)
    features = _read(path, shape, dtype)
    if features is None:
        computed = compute_features(model, images, scaling, dtype, device).cpu()
        features = _read(path, shape, dtype)  # where another process has written them, Windows replaces no mapped file
        if features is None:
            _write(path, computed)
            features = _read(path, shape, dtype)
    assert features is not None
    return features


def compute_features(
    model: Model, images: Tensor, scaling: Scaling, dtype: torch.dtype, device: torch.device = CPU
) -> Tensor:
    """The same without the cache, in the device's memory."""
    backbone = make_gradients(nn.Sequential(model[0]), dtype, device=device)
    parts = [backbone.logits(scaling(images[first : first + 1024])) for first in range(0, len(images), 1024)]
    return torch.cat(parts).to(dtype)


def _read(path: Path, shape: tuple[int, int], dtype: torch.dtype) -> Tensor | None:
    """The features in a file; None if there is none or it is damaged."""
    try:
        # Copied where written to: torch has no tensors that cannot be.
        bits = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    fits = bits.shape == shape and bits.dtype == (np.int32 if dtype == torch.float32 else np.int16)
    return torch.from_numpy(bits).view(dtype) if fits else None


def _write(path: Path, features: Tensor) -> None:
    """Write features, on the processor, as integers of the same bits: numpy has no bfloat16."""
    bits = features.view(torch.int32 if features.dtype == torch.float32 else torch.int16).numpy()
    try:
        with whole_file(path) as temporary, temporary.open("wb") as file:
            np.save(file, bits, allow_pickle=False)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror or error}); it takes {bits.nbytes / 1e6:,.1f} MB; "
            "MIEN_CACHE names another folder"
        ) from None
