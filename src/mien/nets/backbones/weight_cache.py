"""Cached weights: safetensors with the SHA-256 of their origin in the header, checked when they are read."""

import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from mien.disk import cache_folder, user_path, whole_file
from mien.errors import UserError
from mien.nets.backbones.catalog import BackboneFacts

if TYPE_CHECKING:
    from torch import Tensor


def path_of(facts: BackboneFacts) -> Path:
    """The path of a backbone's weights in the cache."""
    return cache_folder() / "weights" / f"{facts.name}-{facts.sha256[:8]}.safetensors"


def in_folder(file: str) -> Path | None:
    """The file of that name in the folder that MIEN_WEIGHTS names, if it is there."""
    folder = os.environ.get("MIEN_WEIGHTS")
    path = user_path(folder) / file if folder else None
    return path if path and os.path.exists(path) else None  # noqa: PTH110 - pathlib's raises where it may not look


def write(path: Path, weights: "dict[str, Tensor]", published: str, size: int) -> None:
    """Write weights; `published` is the SHA-256 of the file that they come from, `size` its bytes.

    Raises:
        UserError: the file cannot be written.
    """
    from safetensors.torch import save

    header = {"published": published, "bytes": str(size), "content": digest(weights)}
    try:
        with whole_file(path) as temporary:
            temporary.write_bytes(save({name: tensor.contiguous() for name, tensor in weights.items()}, header))
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None


def read_header(path: Path) -> dict[str, str]:
    """The header of a cached file: `published`, `bytes`, `content`.

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
    """Read cached weights, which must come from a file with the SHA-256 `published`.

    Raises:
        UserError: they are others, or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            header = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: damaged ({error}); remove it") from None
    content = digest(weights)
    if (header.get("published"), header.get("content")) != (published, content):
        raise UserError(
            f"{path}: damaged: the SHA-256 of its content is {content}, not {header.get('content')}; remove it"
        )
    return weights


def digest(weights: "dict[str, Tensor]") -> str:
    """SHA-256 of names, shapes and values."""
    hashed = sha256()
    for name in sorted(weights):
        array = weights[name].detach().contiguous().numpy()
        hashed.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        hashed.update(array.data)
    return hashed.hexdigest()
