"""Origin: the runs that a user means, and the faces they were trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.disk import read_json
from mien.errors import UserError, did_you_mean
from mien.faces import Faces, FacesSpec
from mien.runs.results import read_results
from mien.runs.run import Run


def find_run(place: Path) -> Run:
    """The finished run that a path means: its own folder; a study's, for its best net; or STUDY/NET, for that net.

    Of a net with several seeds it is the run with the best validation accuracy, the first of equal ones.

    Raises:
        UserError: the path means none, several that judge together, or one that is not finished.
    """
    found = find_runs(place)
    if len(found.runs) > 1:
        nets = ", ".join(dict.fromkeys(run.net.name for run in found.runs))
        raise UserError(f"{place}: several nets together, of which this takes one; name one of them: {nets}")
    return found.runs[0]


@dataclass(frozen=True)
class Found:
    """What a path means.

    Attributes:
        name: of the net, or of the ensemble.
        runs: its runs, finished.
        weights: what each of them weighs where they judge together; they sum to 1.
    """

    name: str
    runs: tuple[Run, ...]
    weights: tuple[float, ...] = (1.0,)


def find_runs(place: Path) -> Found:
    """The finished runs that a path means: the one of `find_run`, or all of an ensemble, for STUDY/ENSEMBLE.

    Raises:
        UserError: the path means none, or one that is not finished.
    """
    if (place / "run.json").exists():
        run = _checked(Run.open(place))
        return Found(run.net.name, (run,))
    for study, name in ((place, None), (place.parent, place.name)):
        if (study / "study.toml").exists():
            return _of_study(study, name)
    raise UserError(f"{place}: neither a run's folder nor a study's, nor STUDY/NET for a net of a study")


def study_of(run: Run) -> Path | None:
    """The folder of the study that a run belongs to; None where it stands alone."""
    study = run.folder.resolve().parent.parent
    return study if (study / "study.toml").exists() else None


def faces_of(run: Run, data: Sequence[str] = ()) -> Faces:
    """The faces that a run was trained on, from where its study found them, or from `data`.

    Raises:
        UserError: they are not there, or are others.
    """
    study = study_of(run)
    facts: dict[str, Any] = read_json(study / "faces.json") if study else {}
    told = run.asked["faces"]
    spec, fingerprint = FacesSpec.from_facts(facts | {"size": told["size"]}, data), told["fingerprint"]
    if not spec.source:
        raise UserError(f"{run.folder}: stands outside a study's folder; name the faces it was trained on by --data")
    # What was imported may have been named, cleaned and split already: nothing of it is to be done twice.
    imported = FacesSpec(spec.source, spec.size)
    if data and imported.find().packed and imported.open().fingerprint == fingerprint:
        return imported.open()
    faces = spec.open()
    if faces.fingerprint != fingerprint:
        raise UserError(
            f"{' '.join(spec.source)}: not the faces that {run.id} was trained on: their fingerprint is "
            f"{faces.fingerprint[:10]}, not {fingerprint[:10]}; name those by --data"
        )
    return faces


def _of_study(study: Path, name: str | None) -> Found:
    if not (study / "results.json").exists():
        raise UserError(f"{study}: this study has not ended; run it again, or name a finished run in {study / 'runs'}")
    found = read_results(study)
    ended = {net["name"]: net["runs"] for net in found["nets"] if net["state"] == "finished"}
    together = {ensemble["name"]: ensemble["weights"] for ensemble in found["ensembles"]}
    name = found["best"] if name is None else name
    if name is None or not ended:
        raise UserError(f"{study}: no net of this study was trained to its end")
    if name not in ended | together:
        raise UserError(f"{study}: no finished net {name!r}; {did_you_mean(name, [*ended, *together])}")
    members = together.get(name, {name: 1.0})
    if missing := [member for member in members if member not in ended]:
        raise UserError(
            f"{study / name}: {missing[0]} of these nets was not trained to its end; see: mien runs {study}"
        )
    runs = {member: [_checked(Run.open(study / "runs" / run)) for run in ended[member]] for member in members}
    if name not in together:
        return Found(name, (max(runs[name], key=_validation_accuracy),))
    weights = [weight / len(runs[member]) for member, weight in members.items() for _ in runs[member]]
    return Found(name, tuple(run for of_net in runs.values() for run in of_net), tuple(weights))


def _checked(run: Run) -> Run:
    """A run that is finished.

    Raises:
        UserError: it is not.
    """
    status = run.status
    if status.state != "finished":
        why = f" ({status.reason})" if status.reason else ""
        raise UserError(
            f"{run.folder}: {status.state}{why}, and only a finished run has weights to take; see: mien runs"
        )
    return run


def _validation_accuracy(run: Run) -> float:
    said = run.predictions("validation")
    return said.accuracy if said else 0.0
