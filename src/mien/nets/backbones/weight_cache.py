"""Kept weights: safetensors in mien's cache that tell what they were made from, and are checked when they are read."""

import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from mien.disk import cache_folder, user_path, whole_file
from mien.errors import UserError
from mien.nets.backbones.catalog import Facts

if TYPE_CHECKING:
    from torch import Tensor


def place(facts: Facts) -> Path:
    """Where a backbone's weights are kept."""
    return cache_folder() / "weights" / f"{facts.name}-{facts.sha256[:8]}.safetensors"


def in_folder(file: str) -> Path | None:
    """The file of that name in the folder that MIEN_WEIGHTS names, if it is there."""
    folder = os.environ.get("MIEN_WEIGHTS")
    path = user_path(folder) / file if folder else None
    return path if path and os.path.exists(path) else None  # noqa: PTH110 - pathlib's raises where it may not look


def write(path: Path, weights: "dict[str, Tensor]", published: str, size: int) -> None:
    """Keep weights; `published` is the SHA-256 of the file that they come from, `size` its bytes.

    Raises:
        UserError: the file cannot be written.
    """
    from safetensors.torch import save

    told = {"published": published, "bytes": str(size), "content": digest(weights)}
    try:
        with whole_file(path) as draft:
            draft.write_bytes(save({name: tensor.contiguous() for name, tensor in weights.items()}, told))
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None


def head(path: Path) -> dict[str, str]:
    """What a kept file tells of itself: `published`, `bytes`, `content`.

    Raises:
        UserError: it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: damaged ({error}); remove it") from None


def read(path: Path, published: str) -> "dict[str, Tensor]":
    """Kept weights, which must have been made from a file of this SHA-256.

    Raises:
        UserError: they are others, or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            told = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: damaged ({error}); remove it") from None
    found = digest(weights)
    if (told.get("published"), told.get("content")) != (published, found):
        raise UserError(f"{path}: damaged: the SHA-256 of its content is {found}, not {told.get('content')}; remove it")
    return weights


def digest(weights: "dict[str, Tensor]") -> str:
    """SHA-256 of names, shapes and values."""
    hashed = sha256()
    for name in sorted(weights):
        array = weights[name].detach().contiguous().numpy()
        hashed.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        hashed.update(array.data)
    return hashed.hexdigest()
