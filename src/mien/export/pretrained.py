"""Pretrained: save a run's weights beside its exported file, for a net's `init_from` in other studies."""

from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from mien.disk import whole_folder, write_json
from mien.runs.config import RunConfig, write_config
from mien.runs.run import Run
from mien.training.checkpoint import load_weights


def save_pretrained(run: Run, beside: Path) -> Path:
    """Save a folder for a net's `init_from` beside a file, named by the file and ten digits of the weights' hash.

    It has the run's configuration, its final status, and its weights: kernels in float16, the rest in their own
    precision. It has none of its faces.

    Args:
        run: a finished run.
        beside: the exported file.

    Returns:
        The folder.

    Raises:
        UserError: the run's weights are gone or damaged.
    """
    weights = load_weights(run.folder / "weights.safetensors")
    content = save({name: _halved(tensor).contiguous() for name, tensor in weights.items()})
    folder = beside.parent / f"{beside.stem}-{sha256(content).hexdigest()[:10]}"
    with whole_folder(folder) as temporary:
        (temporary / "weights.safetensors").write_bytes(content)
        write_config(temporary, _config_of(run))
        write_json(temporary / "state.json", asdict(run.status) | {"pid": 0})
    return folder


def _config_of(run: Run) -> RunConfig:
    """A run's configuration; of the run in its `init_from` only the name, because it is elsewhere."""
    before = {"init_from": Path(run.recipe.init_from).name}
    return replace(run.config, recipe=run.recipe.model_copy(update=before))


def _halved(tensor: Tensor) -> Tensor:
    # Statistics and scales are small, and a variance may exceed float16's range.
    return tensor.half() if tensor.is_floating_point() and tensor.dim() > 1 else tensor
