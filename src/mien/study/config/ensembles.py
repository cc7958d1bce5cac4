"""Ensembles of a study file: nets that are judged together, and what each one's judgement weighs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from mien.errors import did_you_mean


def read_ensembles(
    table: Mapping[str, Any], nets: Sequence[str], seeds: int, problems: list[str]
) -> dict[str, dict[str, float]]:
    """The ensembles of a study file: by name, the weight of each of its nets; all weigh 1 where it is a list of nets.

    Args:
        table: the file's `ensembles`.
        nets: the names of the study's nets.
        seeds: how many runs each net has.
        problems: gets what is wrong.
    """
    found = {}
    for name, entry in table.items():
        place = f"ensembles.{name}"
        if name in nets:
            problems.append(f"{place}: is the name of a net; call it otherwise")
        if not _readable(entry):
            problems.append(f"{place}: found {entry!r}; list nets, or give a table of each one's weight, above 0")
            continue
        problems += [f"{place}: no net {one!r}; {did_you_mean(one, nets)}" for one in entry if one not in nets]
        problems += [f"{place}: net {one!r} stands {n} times" for one, n in Counter(list(entry)).items() if n > 1]
        if len(entry) == 1 and seeds == 1:
            problems.append(f"{place}: one net of one seed is no ensemble; name another net, or give more seeds")
        found[name] = dict.fromkeys(entry, 1.0) if isinstance(entry, list) else dict(entry)
    return found


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Each net's share of the whole."""
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()}


def weighed(nets: Sequence[str], weights: Mapping[str, float]) -> str:
    """The nets in words, each with its weight where they do not all weigh the same.

    Args:
        nets: their names.
        weights: what each weighs.
    """
    if len(set(weights.values())) < 2:
        return ", ".join(nets)
    return ", ".join(f"{name} {weights[name]:.2g}" for name in nets)


def _readable(entry: Any) -> bool:
    if isinstance(entry, list):
        return bool(entry) and all(isinstance(one, str) for one in entry)
    return isinstance(entry, dict) and bool(entry) and all(map(_positive, entry.values()))


def _positive(weight: Any) -> bool:
    return isinstance(weight, int | float) and not isinstance(weight, bool) and isfinite(weight) and weight > 0
