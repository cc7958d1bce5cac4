"""Format 2 of results.json, of before version 0.1.0, made into format 3; it is read for one version more.

In format 2 accuracies stand flat beside their spread (`test_accuracy`, `test_accuracy_interval`, `test_accuracy_sd`),
McNemar's counts are `b10` (only a is correct) and `b01` (only b), and trials count from 0.
"""

from collections.abc import Mapping
from typing import Any

from mien.runs.former_names import current_names

FORMER_FORMAT = 2

_SCORES = ("balanced_accuracy", "macro_f1", "nll", "ece", "per_class", "confusion", "reliability")


def from_former_format(table: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a results.json of format 2 under the keys of format 3.

    Raises:
        ValueError: an entry is missing, or is not what it should be.
    """
    try:
        return _converted(table)
    except (AttributeError, KeyError, TypeError):
        raise ValueError("an entry of format 2 is missing, or is not what it should be") from None


def _converted(table: Mapping[str, Any]) -> dict[str, Any]:
    faces = table["faces"]
    return {
        **table,
        "groups": [{"title": group["name"], **group} for group in table["groups"]],
        "previews": {name: current_names(entries) for name, entries in table.get("previews", {}).items()},
        "nets": [
            {**net, "recipe": current_names(net["recipe"]), "backbone": net.get("backbone"), **_figures(net, faces)}
            for net in table["nets"]
        ],
        "ensembles": [_ensemble(entry, faces) for entry in table.get("ensembles", [])],
        "comparisons": [
            {"a": one["a"], "b": one["b"], "split": one["split"], "mcnemar": _mcnemar(one)}
            for one in table["comparisons"]
        ],
        "tuning": {name: _search(search) for name, search in table.get("tuning", {}).items()},
    }


def _ensemble(entry: Mapping[str, Any], faces: Mapping[str, Any]) -> dict[str, Any]:
    against = _mcnemar(entry["against_best"]) if "against_best" in entry else None
    return {**entry, "against_best": against, **_figures(entry, faces)}


def _figures(entry: Mapping[str, Any], faces: Mapping[str, Any]) -> dict[str, Any]:
    """The accuracies and scores of a net or an ensemble."""
    n = {split: sum(counts.values()) for split, counts in faces["counts"].items()}
    accuracy = {split: _accuracy(entry, f"{split}_accuracy", n[split]) for split in n}
    without_leaks = n.get("test", 0) - faces.get("leaked_test", 0)
    accuracy["test_without_leaks"] = _accuracy(entry, "test_accuracy_without_leaks", without_leaks)
    scores = None
    if "judged_on" in entry:
        scores = {"evaluated_on": entry["judged_on"], **{key: entry[key] for key in _SCORES}}
    return {"accuracy": accuracy, "scores": scores}


def _accuracy(entry: Mapping[str, Any], name: str, n: int) -> dict[str, Any] | None:
    if entry.get(name) is None:
        return None
    return {"mean": entry[name], "interval": entry[f"{name}_interval"], "sd": entry.get(f"{name}_sd"), "n": n}


def _mcnemar(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"only_a": entry["b10"], "only_b": entry["b01"], "p": entry["p"]}


def _search(search: Mapping[str, Any]) -> dict[str, Any]:
    """A search whose trials count from 1."""
    return {
        **search,
        "trials": [{**trial, "number": trial["number"] + 1} for trial in search["trials"]],
        "best": None if search["best"] is None else search["best"] + 1,
        "pareto": [number + 1 for number in search["pareto"]],
    }
