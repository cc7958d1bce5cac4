"""Compare: finished nets of any studies and runs, side by side."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from mien.errors import UserError
from mien.nets import parameters
from mien.runs.config import FacesRecord
from mien.runs.metrics import accuracy
from mien.runs.results import read_results
from mien.runs.run import Run
from mien.runs.study_folder import runs_in
from mien.study.collect import NetRuns, accuracy_entries, compared
from mien.study.config.study import StudyNet


def compare(folders: Sequence[Path]) -> dict[str, Any]:
    """Every finished net of these folders, and McNemar's test of each pair that was judged on the same faces.

    Returns:
        `nets`: their facts and accuracies under the names of results.json, with the `folder` and the `faces`
        (fingerprint) of each; `comparisons` on validation as in results.json.

    Raises:
        UserError: a folder is no study's or run's, or nothing in them is finished.
    """
    nets = _finished(folders)
    if not nets:
        raise UserError(f"{', '.join(map(str, folders))}: no finished run to compare")
    names = _names(nets)
    pairs = [pair for pair in combinations(nets, 2) if _faces(pair[0]).fingerprint == _faces(pair[1]).fingerprint]
    return {
        "nets": [_facts(net, names[net]) for net in nets],
        "comparisons": [
            {"a": names[a], "b": names[b], "split": "validation"} | compared(a, b, "validation") for a, b in pairs
        ],
    }


def _finished(folders: Sequence[Path]) -> list[NetRuns]:
    """The nets of these folders, each with its finished runs, which differ in seed; the best on validation first.

    Of a tuned net only the best trial counts, once the search has ended.
    """
    runs = {run.folder: run for folder in folders for run in runs_in(folder.resolve())}
    beaten = {study: _beaten(study) for study in {place.parent.parent for place in runs}}
    runs = {place: run for place, run in runs.items() if run.id not in beaten[place.parent.parent]}
    alike: dict[str, list[Run]] = {}
    for run in runs.values():
        if run.status.state == "finished":
            asked = [run.net.to_dict(), run.recipe.model_dump(), run.config.faces.fingerprint]
            alike.setdefault(json.dumps([str(run.folder.parent), asked], sort_keys=True), []).append(run)
    nets = [
        NetRuns(StudyNet(same[0].net, same[0].recipe, ""), tuple(sorted(same, key=lambda run: run.seed)))
        for same in alike.values()
    ]
    return sorted(nets, key=lambda net: -net.right("validation").mean())


def _beaten(study: Path) -> set[str]:
    """The runs of a study's folder that were trials and not the best."""
    if not (study / "results.json").exists():
        return set()
    results = read_results(study)
    trials = {trial.run for search in results.tuning.values() for trial in search.trials}
    return trials - {run for net in results.nets for run in net.runs}


def _names(nets: Sequence[NetRuns]) -> dict[NetRuns, str]:
    """A net's own name; where two bear it, the folder of its first run."""
    often = Counter(net.name for net in nets)
    return {net: net.name if often[net.name] == 1 else _shown(net.runs[0].folder) for net in nets}


def _facts(net: NetRuns, name: str) -> dict[str, Any]:
    faces = _faces(net)
    entry: dict[str, Any] = {
        "name": name,
        "folder": _shown(net.runs[0].folder),
        "faces_name": faces.name,
        "faces": faces.fingerprint,
        "seeds": [run.seed for run in net.runs],
        "parameters": parameters(net.asked.net, faces.size, len(faces.classes)),
        "seconds": sum(run.status.seconds for run in net.runs) / len(net.runs),
    }
    for split in ("train", "validation", "test"):
        if net.predictions(split):
            entry |= accuracy_entries(split, accuracy(net.right(split)))
    return entry


def _faces(net: NetRuns) -> FacesRecord:
    return net.runs[0].config.faces


def _shown(folder: Path) -> str:
    """A path as one would type it here."""
    return str(folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder)
