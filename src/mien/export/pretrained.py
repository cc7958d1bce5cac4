"""Start: what is left of a run beside its exported file, so that nets of other studies may start from its weights."""

from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from mien.disk import whole_folder, write_json
from mien.runs.former_names import current_names
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
        write_json(draft / "run.json", _asked(run))
        write_json(draft / "state.json", asdict(run.status) | {"pid": 0})
    return folder


def _asked(run: Run) -> dict[str, Any]:
    """What was asked of a run; of the one that it started from itself its name alone, as it lies elsewhere."""
    recipe = current_names(run.asked["recipe"])
    if recipe.get("init_from"):
        recipe["init_from"] = Path(recipe["init_from"]).name
    return run.asked | {"recipe": recipe}


def _halved(tensor: Tensor) -> Tensor:
    # Statistics and scales are few, and a variance may leave float16's range.
    return tensor.half() if tensor.is_floating_point() and tensor.dim() > 1 else tensor
