"""Compare the finished nets of any studies and runs, side by side."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from mien.errors import UserError
from mien.faces import SPLITS
from mien.runs.metrics import accuracy
from mien.runs.results import Comparison, SplitAccuracies, read_results
from mien.runs.run import Run
from mien.runs.seeds import correct_of, mcnemar_of, predictions_of
from mien.runs.study_folder import runs_in


@dataclass(frozen=True)
class ComparedNet:
    """A finished net among those that are compared.

    Attributes:
        name: its own; where two nets have the same, the folder of its first run.
        folder: of its first run.
        faces_name, faces: the name and the fingerprint of the faces it was trained on.
        seeds: of its finished runs.
        parameters: how many it has.
        seconds: training time of a run, the mean over seeds.
        accuracy: by split.
    """

    name: str
    folder: str
    faces_name: str
    faces: str
    seeds: tuple[int, ...]
    parameters: int
    seconds: float
    accuracy: SplitAccuracies


@dataclass(frozen=True)
class ComparedNets:
    """Finished nets, the best on validation first, and McNemar's tests on validation of those with the same faces."""

    nets: tuple[ComparedNet, ...]
    comparisons: tuple[Comparison, ...]


def compare(folders: Sequence[Path]) -> ComparedNets:
    """Compare every finished net of these folders.

    Runs that differ in their seed alone are one net. Of a tuned net only the best trial counts, once the search has
    ended.

    Args:
        folders: of studies or single runs.

    Raises:
        UserError: a folder is no study's or run's, or nothing in them is finished.
    """
    nets = _finished_nets(folders)
    if not nets:
        raise UserError(f"{', '.join(map(str, folders))}: no finished run to compare")
    often = Counter(runs[0].net.name for runs in nets)
    names = [runs[0].net.name if often[runs[0].net.name] == 1 else _shown(runs[0].folder) for runs in nets]
    validation = [predictions_of(runs, "validation") for runs in nets]
    pairs = [pair for pair in combinations(range(len(nets)), 2) if len({_fingerprint(nets[at]) for at in pair}) == 1]
    return ComparedNets(
        tuple(_compared(name, runs) for name, runs in zip(names, nets, strict=True)),
        tuple(Comparison(names[a], names[b], "validation", mcnemar_of(validation[a], validation[b])) for a, b in pairs),
    )


def _finished_nets(folders: Sequence[Path]) -> list[list[Run]]:
    """The finished runs of these folders, those of one net together in the order of their seeds; the best net first."""
    runs = {run.folder: run for folder in folders for run in runs_in(folder.resolve())}
    given_up = {study: _trials_but_the_best(study) for study in {folder.parent.parent for folder in runs}}
    nets: dict[str, list[Run]] = {}
    for folder, run in runs.items():
        if run.status.state == "finished" and run.id not in given_up[folder.parent.parent]:
            content = [
                str(folder.parent),
                run.net.to_dict(),
                run.recipe.model_dump(),
                run.config.faces.fingerprint,
            ]
            nets.setdefault(json.dumps(content, sort_keys=True), []).append(run)
    return sorted(
        (sorted(same, key=lambda run: run.seed) for same in nets.values()),
        key=lambda same: -correct_of(predictions_of(same, "validation")).mean(),
    )


def _trials_but_the_best(study: Path) -> set[str]:
    """The ids of the runs of a study's folder that were trials and not the best of their search."""
    if not (study / "results.json").exists():
        return set()
    results = read_results(study)
    trials = {trial.run for search in results.tuning.values() for trial in search.trials}
    return trials - {run for net in results.nets for run in net.runs}


def _compared(name: str, runs: Sequence[Run]) -> ComparedNet:
    faces = runs[0].config.faces
    predictions = {split: predictions_of(runs, split) for split in SPLITS}
    return ComparedNet(
        name=name,
        folder=_shown(runs[0].folder),
        faces_name=faces.name,
        faces=faces.fingerprint,
        seeds=tuple(run.seed for run in runs),
        parameters=runs[0].status.parameters,
        seconds=sum(run.status.seconds for run in runs) / len(runs),
        accuracy=SplitAccuracies(**{split: accuracy(correct_of(made)) for split, made in predictions.items() if made}),
    )


def _fingerprint(runs: Sequence[Run]) -> str:
    return runs[0].config.faces.fingerprint


def _shown(folder: Path) -> str:
    """A path as one would type it here."""
    return str(folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder)
