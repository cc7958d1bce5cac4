"""timm's pretrained models, for those who have timm ("PyTorch Image Models", Wightman 2019): facts and weights.

A model is named with its tag, as in `resnet18.a1_in1k`: an architecture and the weights that were trained for it. Facts
are those of timm's `pretrained_cfg`. Weights are read from safetensors alone, under timm's own names, and kept in
mien's cache with the SHA-256 of the file that they came from.
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
from mien.nets.backbones import weight_cache as kept
from mien.nets.backbones.catalog import TIMM, AbsentError, Facts
from mien.nets.backbones.timm_network import TimmNetwork, features_of


def facts_of(name: str) -> Facts:
    """What timm tells of a pretrained model.

    Weights that are on this machine are checked and kept on the way: from NAME.safetensors in the folder that
    MIEN_WEIGHTS names, or from the cache of Hugging Face's hub. None are downloaded.

    Raises:
        AbsentError: timm is not here or cannot be used.
        UserError: it knows no such model, or the weights are not right.
    """
    told = _config(name)
    if not (found := _kept(name)) and (source := _source(name, told)):
        found = _keep(name, told, source)
    head = kept.head(found) if found else {}
    papers = [told.paper_ids] if isinstance(told.paper_ids, str) else told.paper_ids or ()
    page = f"https://huggingface.co/{_address(told)[0]}" if told.hf_hub_id else ""
    return Facts(
        name=TIMM + name,
        paper=", ".join([told.paper_name or f"timm's {told.architecture}", *papers]),
        mean=tuple(told.mean),
        std=tuple(told.std),
        size=told.input_size[-1],
        channels=told.input_size[0],
        features=features_of(name, told.input_size),
        top=(),
        licence=told.license or "timm tells none",
        source=f"{page or told.origin_url or 'timm'}, network of timm {_timm().__version__}",
        file=f"{name}.safetensors",
        bytes=int(head.get("bytes", 0)),
        sha256=head.get("published", ""),
        url=page,
        wheel=None,
    )


def at_hand() -> list[Facts]:
    """The models whose weights are kept, [] where there is no timm."""
    names = {file.name.rpartition("-")[0] for file in _folder().glob("*-*.safetensors")}
    return [facts_of(name) for name in sorted(names) if not _obstacle() and name in _names()]


def add(path: Path) -> Facts:
    """Keep the weights of a local file, called `NAME.safetensors`.

    Raises:
        UserError: it is not called after a model, or holds other weights.
    """
    _keep(path.stem, _config(path.stem), path)
    return facts_of(path.stem)


def fetch(name: str) -> Facts:
    """Download a model's weights into the cache of Hugging Face's hub, and keep them.

    Raises:
        UserError: there is no such model, or its safetensors cannot be had.
    """
    told = _config(name)
    if not told.hf_hub_id:
        raise UserError(f"{TIMM}{name}: not on Hugging Face's hub; get it by: mien backbones add {name}.safetensors")
    from huggingface_hub import hf_hub_download

    repository, revision, file = _address(told)
    try:
        path = Path(hf_hub_download(repository, file, revision=revision))
    except Exception as error:  # what the hub's client raises has nothing in common
        reason = " ".join(str(error).split())
        raise UserError(f"{TIMM}{name}: {file} of {repository} cannot be fetched: {reason}") from None
    _keep(name, told, path)
    return facts_of(name)


@cache
def _obstacle() -> str:
    """Why timm cannot be used here and what to do; "" if it can. Asked once: half an import cannot be repeated."""
    try:
        import huggingface_hub  # noqa: F401
        import timm  # noqa: F401
    except ModuleNotFoundError as error:
        return f"needs {error.name}, which is not here; get it by: pip install 'mien[timm]'"
    except (ImportError, OSError, RuntimeError) as error:
        found, version = " ".join(str(error).split()), torch.__version__
        return (
            f"timm does not load beside torch {version}: {found}; torch and torchvision must be of one kind: "
            f"pip install --force-reinstall torch=={version.partition('+')[0]} torchvision"
        )
    return ""


def _timm() -> Any:
    if obstacle := _obstacle():
        raise AbsentError(obstacle)
    import timm

    return timm


@cache
def _names() -> tuple[str, ...]:
    return tuple(_timm().list_pretrained())


def _config(name: str) -> Any:
    """The `PretrainedCfg` of a model."""
    if name not in _names():
        tagged = [known for known in _names() if known.startswith(f"{name}.")]
        near = " or ".join(map(repr, (tagged or get_close_matches(name, _names()))[:3]))
        hint = f"; did you mean {near}?" if near else ""
        raise UserError(f"timm {_timm().__version__} has no pretrained model called {name!r}{hint}")
    return _timm().get_pretrained_cfg(name)


def _address(told: Any) -> tuple[str, str | None, str]:
    """Repository, revision and file of a model's weights on Hugging Face's hub."""
    repository, _, revision = told.hf_hub_id.partition("@")
    file = told.hf_hub_filename or ""
    return repository, revision or None, file if file.endswith(".safetensors") else "model.safetensors"


def _source(name: str, told: Any) -> Path | None:
    """A file with a model's weights on this machine."""
    if (file := kept.in_folder(f"{name}.safetensors")) or not told.hf_hub_id:
        return file
    from huggingface_hub import try_to_load_from_cache

    repository, revision, of_hub = _address(told)
    found = try_to_load_from_cache(repository, of_hub, revision=revision)
    return Path(found) if isinstance(found, str) else None


def _folder() -> Path:
    return cache_folder() / "weights" / TIMM


def _kept(name: str) -> Path | None:
    return next(_folder().glob(f"{name}-*.safetensors"), None)


def _keep(name: str, told: Any, source: Path) -> Path:
    """Check a file's weights, and keep them in place of others of that model."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    with source.open("rb") as file:
        found = file_digest(file, "sha256").hexdigest()
    published = source.resolve().name  # in the hub's cache a file is called by its published SHA-256
    if re.fullmatch("[0-9a-f]{64}", published) and published != found:
        raise UserError(f"{source}: damaged: its SHA-256 is {found}, published is {published}; remove it")
    network = TimmNetwork(name)
    try:
        network.take(load_file(source), told.classifier)
    except (SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:400]
        raise UserError(f"{source}: does not hold the weights of timm's {name}: {reason}") from None
    place = _folder() / f"{name}-{found[:8]}.safetensors"
    kept.write(place, network.state_dict(), found, source.stat().st_size)
    for other in _folder().glob(f"{name}-*.safetensors"):
        if other != place:
            other.unlink()
    return place
