"""Choice: the engine that a user names."""

from functools import partial
from typing import TYPE_CHECKING

from mien.errors import UserError, did_you_mean
from mien.extras import require

if TYPE_CHECKING:
    from mien.study.engines.engine import MakeEngine


def choose_engine(name: str, address: str | None, prefix: str = "--") -> "MakeEngine":
    """What makes the place where the runs of a study happen.

    Args:
        name: "local" or "ray".
        address: of the head of a Ray cluster; None: Ray on this machine.
        prefix: of the names of both options in messages.

    Raises:
        UserError: there is no such engine, or Ray is not installed.
    """
    if name not in ("local", "ray"):
        raise UserError(f"{prefix}engine {name}: {did_you_mean(name, ['local', 'ray'])}")
    if name == "local" and address is not None:
        raise UserError(f"{prefix}address: belongs to {prefix}engine ray")
    if name == "local":
        from mien.study.engines.local import LocalEngine

        return LocalEngine
    require("ray", f"{prefix}engine ray")
    from mien.study.engines.ray_engine import RayEngine

    return partial(RayEngine, address=address)
