"""timm's pretrained models, for those who have timm ("PyTorch Image Models", Wightman 2019): facts and weights.

A model is named with its tag, as in `resnet18.a1_in1k`: an architecture and the weights that were trained for it. The
facts are those of timm's `pretrained_cfg`. Weights are read from safetensors alone, under timm's own names, and put
into mien's cache with the SHA-256 of the file that they came from.
"""

import re
from difflib import get_close_matches
from functools import cache
from hashlib import file_digest
from pathlib import Path
from typing import Any

import torch

from mien.disk import cache_folder
from mien.errors import UserError
from mien.extras import install_command
from mien.nets.backbones import weight_cache
from mien.nets.backbones.catalog import TIMM, AbsentError, BackboneFacts
from mien.nets.backbones.timm_network import TimmNetwork, features_of


def facts_of(name: str) -> BackboneFacts:
    """The facts of a pretrained model of timm.

    Weights that are on this machine are checked and cached on the way: from NAME.safetensors in the folder that
    MIEN_WEIGHTS names, or from the cache of Hugging Face's hub. None are downloaded.

    Raises:
        AbsentError: timm is not installed or cannot be used.
        UserError: it knows no such model, or the weights are wrong.
    """
    config = _config(name)
    if not (cached := _cached(name)) and (source := _source(name, config)):
        cached = _save(name, config, source)
    header = weight_cache.read_header(cached) if cached else {}
    papers = [config.paper_ids] if isinstance(config.paper_ids, str) else config.paper_ids or ()
    page = f"https://huggingface.co/{_address(config)[0]}" if config.hf_hub_id else ""
    return BackboneFacts(
        name=TIMM + name,
        paper=", ".join([config.paper_name or f"timm's {config.architecture}", *papers]),
        mean=tuple(config.mean),
        std=tuple(config.std),
        size=config.input_size[-1],
        channels=config.input_size[0],
        features=features_of(name, config.input_size),
        top=(),
        licence=config.license or "timm names none",
        source=f"{page or config.origin_url or 'timm'}, network of timm {_timm().__version__}",
        file=f"{name}.safetensors",
        bytes=int(header.get("bytes", 0)),
        sha256=header.get("published", ""),
        url=page,
    )


def at_hand() -> list[BackboneFacts]:
    """The models whose weights are in the cache; [] if timm is not installed."""
    names = {file.name.rpartition("-")[0] for file in _folder().glob("*-*.safetensors")}
    return [facts_of(name) for name in sorted(names) if not obstacle() and name in pretrained_names()]


def add(path: Path) -> BackboneFacts:
    """Put the weights of a local file, `NAME.safetensors`, into the cache.

    Raises:
        UserError: it is not named after a model, or holds other weights.
    """
    _save(path.stem, _config(path.stem), path)
    return facts_of(path.stem)


def fetch(name: str) -> BackboneFacts:
    """Download a model's weights into the cache of Hugging Face's hub, and put them into mien's.

    Raises:
        UserError: there is no such model, or its safetensors cannot be downloaded.
    """
    config = _config(name)
    if not config.hf_hub_id:
        raise UserError(f"{TIMM}{name}: not on Hugging Face's hub; get it by: mien backbones add {name}.safetensors")
    from huggingface_hub import hf_hub_download

    repository, revision, file = _address(config)
    try:
        path = Path(hf_hub_download(repository, file, revision=revision))
    except Exception as error:  # what the hub's client raises has nothing in common
        reason = " ".join(str(error).split())
        raise UserError(f"{TIMM}{name}: {file} of {repository} cannot be fetched: {reason}") from None
    _save(name, config, path)
    return facts_of(name)


@cache
def obstacle() -> str:
    """Why timm cannot be used here and what to do; "" if it can. Tried once: a failed import cannot be repeated."""
    try:
        import huggingface_hub  # noqa: F401
        import timm  # noqa: F401
    except ModuleNotFoundError as error:
        return f"needs {error.name}, which is not installed; get it by: {install_command('timm')}"
    except (ImportError, OSError, RuntimeError) as error:
        reason, version = " ".join(str(error).split()), torch.__version__
        return (
            f"timm does not load beside torch {version}: {reason}; torch and torchvision must be of the same build: "
            f"pip install --force-reinstall torch=={version.partition('+')[0]} torchvision"
        )
    return ""


def _timm() -> Any:
    if reason := obstacle():
        raise AbsentError(reason)
    import timm

    return timm


@cache
def pretrained_names() -> tuple[str, ...]:
    """The names of timm's pretrained models, with their tags."""
    return tuple(_timm().list_pretrained())


def _config(name: str) -> Any:
    """The `PretrainedCfg` of a model."""
    if name not in pretrained_names():
        tagged = [known for known in pretrained_names() if known.startswith(f"{name}.")]
        near = " or ".join(map(repr, (tagged or get_close_matches(name, pretrained_names()))[:3]))
        hint = f"; did you mean {near}?" if near else ""
        raise UserError(f"timm {_timm().__version__} has no pretrained model called {name!r}{hint}")
    return _timm().get_pretrained_cfg(name)


def _address(config: Any) -> tuple[str, str | None, str]:
    """Repository, revision and file of a model's weights on Hugging Face's hub."""
    repository, _, revision = config.hf_hub_id.partition("@")
    file = config.hf_hub_filename or ""
    return repository, revision or None, file if file.endswith(".safetensors") else "model.safetensors"


def _source(name: str, config: Any) -> Path | None:
    """A file with a model's weights on this machine."""
    if (file := weight_cache.in_folder(f"{name}.safetensors")) or not config.hf_hub_id:
        return file
    from huggingface_hub import try_to_load_from_cache

    repository, revision, hub_file = _address(config)
    path = try_to_load_from_cache(repository, hub_file, revision=revision)
    return Path(path) if isinstance(path, str) else None


def _folder() -> Path:
    return cache_folder() / "weights" / TIMM


def _cached(name: str) -> Path | None:
    return next(_folder().glob(f"{name}-*.safetensors"), None)


def _save(name: str, config: Any, source: Path) -> Path:
    """Check a file's weights, and put them into the cache in place of others of that model."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    with source.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    published = source.resolve().name  # in the hub's cache a file is called by its published SHA-256
    if re.fullmatch("[0-9a-f]{64}", published) and published != digest:
        raise UserError(f"{source}: damaged: its SHA-256 is {digest}, published is {published}; remove it")
    network = TimmNetwork(name)
    try:
        network.take(load_file(source), config.classifier)
    except (SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:400]
        raise UserError(f"{source}: does not hold the weights of timm's {name}: {reason}") from None
    path = _folder() / f"{name}-{digest[:8]}.safetensors"
    weight_cache.write(path, network.state_dict(), digest, source.stat().st_size)
    for other in _folder().glob(f"{name}-*.safetensors"):
        if other != path:
            other.unlink()
    return path
