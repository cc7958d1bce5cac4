"""Ensembles of a study file: nets whose predictions are averaged, each with a weight."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Annotated, Any

from pydantic import PlainValidator

from mien.errors import did_you_mean


def _members(entry: Any) -> list[tuple[str, float]]:
    """The nets of an ensemble and their weights; each weighs 1 where the entry is a list of nets."""
    if isinstance(entry, list) and entry and all(isinstance(name, str) for name in entry):
        return [(name, 1.0) for name in entry]
    if isinstance(entry, dict) and entry and all(map(_positive, entry.values())):
        return list(entry.items())
    raise ValueError(f"found {entry!r}; list nets, or give a table of each one's weight, above 0")


Members = Annotated[list[tuple[str, float]], PlainValidator(_members)]
"""An entry of the table [ensembles]: each net's name and its weight."""


def ensemble_problems(name: str, members: Sequence[tuple[str, float]], nets: Sequence[str], seeds: int) -> list[str]:
    """What is wrong with an ensemble.

    Args:
        name: its own.
        members: its nets and their weights.
        nets: the names of the study's nets.
        seeds: how many runs each net has.
    """
    place, count = f"ensembles.{name}", Counter(net for net, _ in members)
    problems = [f"{place}: is the name of a net; call it otherwise"] if name in nets else []
    problems += [f"{place}: no net {one!r}; {did_you_mean(one, nets)}" for one, _ in members if one not in nets]
    problems += [f"{place}: net {one!r} stands {times} times" for one, times in count.items() if times > 1]
    if len(members) == 1 and seeds == 1:
        problems.append(f"{place}: one net of one seed is no ensemble; name another net, or give more seeds")
    return problems


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Each net's share of the whole."""
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()}


def _positive(weight: Any) -> bool:
    return isinstance(weight, int | float) and not isinstance(weight, bool) and isfinite(weight) and weight > 0
