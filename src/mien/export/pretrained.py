"""Start: what is left of a run beside its exported file, so that nets of other studies may start from its weights."""

from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from mien.disk import whole_folder, write_json
from mien.runs.config import RunConfig, write_config
from mien.runs.run import Run
from mien.training.checkpoint import load_weights


def leave_start(run: Run, beside: Path) -> Path:
    """Leave a folder beside a file, named by the file and ten digits of its weights, for a net's `init_from`.

    It holds what was asked of the run, how it ended, and its weights: kernels in float16, the rest as they are. None
    of its faces.

    Args:
        run: a finished one.
        beside: the file that was exported.

    Returns:
        The folder.

    Raises:
        UserError: the run's weights are gone or damaged.
    """
    weights = load_weights(run.folder / "weights.safetensors")
    content = save({name: _halved(tensor).contiguous() for name, tensor in weights.items()})
    folder = beside.parent / f"{beside.stem}-{sha256(content).hexdigest()[:10]}"
    with whole_folder(folder) as draft:
        (draft / "weights.safetensors").write_bytes(content)
        write_config(draft, _config_of(run))
        write_json(draft / "state.json", asdict(run.status) | {"pid": 0})
    return folder


def _config_of(run: Run) -> RunConfig:
    """A run's configuration; of the run that it started from itself the name alone, as it lies elsewhere."""
    before = {"init_from": Path(run.recipe.init_from).name}
    return replace(run.config, recipe=run.recipe.model_copy(update=before))


def _halved(tensor: Tensor) -> Tensor:
    # Statistics and scales are few, and a variance may leave float16's range.
    return tensor.half() if tensor.is_floating_point() and tensor.dim() > 1 else tensor
