"""Extras: the modules that each of mien's extras brings, and what to say where one of them is missing."""

import os
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from mien.errors import UserError

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "frame": ("pandas",),
    "heic": ("pi_heif",),
    "mlflow": ("alembic", "mlflow", "sqlalchemy", "sqlparse"),
    "parquet": ("pyarrow",),
    "ray": ("ray",),
    "serve": ("cleanlab", "fastapi", "prometheus_client", "python_multipart", "uvicorn"),
    "tensorboard": ("tensorboard",),
    "timm": ("timm",),
    "train": (
        *("torch", "captum", "cmaes", "filelock", "jinja2", "matplotlib", "numba", "onnx", "onnxscript", "optuna"),
        *("safetensors", "scipy", "tqdm"),
    ),
    "zstd": ("zstandard",),
}
"""By extra, the top-level modules of the packages that pyproject.toml lists for it."""


class MissingExtraError(UserError, ImportError):
    """A package is missing that one of mien's extras brings; the message says the command that installs it."""


def require(extra: str, what: str) -> None:
    """Check that an extra is installed.

    Args:
        extra: of `EXTRAS`.
        what: needs it, as the message begins.

    Raises:
        MissingExtraError: a module of it is missing.
    """
    if missing := [module for module in EXTRAS[extra] if not is_installed(module)]:
        raise MissingExtraError(_message(what, missing, extra))


def explained(error: ModuleNotFoundError) -> MissingExtraError | None:
    """The message for a failed import; None if no extra brings the module."""
    module = (error.name or "").partition(".")[0]
    extra = next((extra for extra, modules in EXTRAS.items() if module in modules), None)
    if extra is None or is_installed(module):
        return None
    return MissingExtraError(_message("this command", [module], extra))


def install_command(extra: str) -> str:
    """The command that installs an extra beside this mien, into the environment of this Python.

    pip takes the mien that is there and fetches what the extra adds. Where mien runs from a checkout that is not
    installed, the command names the checkout, so that pip looks for no package of this name elsewhere.
    """
    quote = '"' if os.name == "nt" else "'"
    try:
        distribution("mien")
        wanted = f"mien[{extra}]"
    except PackageNotFoundError:
        wanted = f"mien[{extra}] @ {Path(__file__).parents[2].as_uri()}"
    return f"{sys.executable} -m pip install {quote}{wanted}{quote}"


def is_installed(module: str) -> bool:
    """Whether a top-level module can be imported."""
    try:
        return find_spec(module) is not None
    except ValueError:  # a stand-in without a spec
        return module in sys.modules


def _message(what: str, missing: list[str], extra: str) -> str:
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    cuda = " (on a machine without a GPU install torch's CPU build first)" if "torch" in missing else ""
    return (
        f"{what} needs the extra mien[{extra}]; missing here: {', '.join(missing[:3])}{more}; "
        f"install it by: {install_command(extra)}{cuda}"
    )
