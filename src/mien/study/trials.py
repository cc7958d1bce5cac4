"""Trials: those of a study's folder, as `mien trials` lists them."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from mien.errors import UserError, did_you_mean


def list_trials(folder: Path, net: str | None = None) -> list[dict[str, Any]]:
    """The trials of a study's tuned nets, or of one of them, in their order, under the names of `TrialFacts`.

    Raises:
        UserError: the folder holds no searches, or none of that net.
    """
    if not any((folder / "tuning").glob("*.journal")):
        raise UserError(f"{folder}: holds no searches; a study makes them for nets with a tune table")
    from mien.study.search import facts_of, searches

    found = searches(folder)
    if net is not None and net not in found:
        raise UserError(f"{folder}: no net {net!r} was tuned; {did_you_mean(net, list(found))}")
    return [
        {"net": name, "objectives": study.user_attrs["objectives"], **asdict(trial)}
        for name, study in found.items()
        if net in (None, name)
        for trial in facts_of(study)
    ]
