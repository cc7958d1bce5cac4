"""Resolve a path that a user gives to finished runs, and open the faces that a run was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mien.errors import UserError, did_you_mean
from mien.faces import Faces, FacesSpec
from mien.faces.spec import OtherFacesError
from mien.runs.results import read_results
from mien.runs.run import Run
from mien.runs.study_faces import read_study_faces


@dataclass(frozen=True)
class ResolvedRuns:
    """The finished runs that a path stands for.

    Attributes:
        name: of the net, or of the ensemble.
        runs: one for a net, all runs of all nets for an ensemble.
        weights: each run's share of the mean of their probabilities; they sum to 1.
    """

    name: str
    runs: tuple[Run, ...]
    weights: tuple[float, ...] = (1.0,)


def resolve_run(path: Path) -> Run:
    """Resolve a path to one finished run.

    Of a net with several seeds it is the run with the best validation accuracy, the first of equal ones.

    Args:
        path: a run's folder; a study's folder, for its best net; or STUDY/NET.

    Raises:
        UserError: the path is none of these, is an ensemble, or the run is not finished.
    """
    resolved = resolve_runs(path)
    if len(resolved.runs) > 1:
        nets = ", ".join(dict.fromkeys(run.net.name for run in resolved.runs))
        raise UserError(f"{path}: several nets together, of which this takes one; name one of them: {nets}")
    return resolved.runs[0]


def resolve_runs(path: Path) -> ResolvedRuns:
    """Resolve a path to the run that `resolve_run` gives, or to all runs of an ensemble, for STUDY/ENSEMBLE.

    Raises:
        UserError: the path is none of these, or a run is not finished.
    """
    if (path / "run.json").exists():
        run = _finished(Run.open(path))
        return ResolvedRuns(run.net.name, (run,))
    for study, name in ((path, None), (path.parent, path.name)):
        if (study / "study.toml").exists():
            return _of_study(study, name)
    raise UserError(f"{path}: neither a run's folder nor a study's, nor STUDY/NET for a net of a study")


def study_of(run: Run) -> Path | None:
    """The folder of the study that a run belongs to; None where it stands alone."""
    study = run.folder.resolve().parent.parent
    return study if (study / "study.toml").exists() else None


def faces_of(run: Run, data: Sequence[str] = ()) -> Faces:
    """Open the faces that a run was trained on.

    Args:
        run: in a study's folder, unless `data` is given.
        data: where the faces are now, if they are no longer where the study read them.

    Raises:
        UserError: the faces are not there, or are others.
    """
    study, trained_on = study_of(run), run.config.faces
    spec = read_study_faces(study).spec if study else FacesSpec(())
    spec = replace(spec, source=tuple(data) or spec.source, size=trained_on.size)
    if not spec.source:
        raise UserError(f"{run.folder}: stands outside a study's folder; name the faces it was trained on by --data")
    try:
        return spec.reopen(trained_on.fingerprint)
    except OtherFacesError as error:
        raise UserError(f"{error}; name the faces that {run.id} was trained on by --data") from None


def _of_study(study: Path, name: str | None) -> ResolvedRuns:
    if not (study / "results.json").exists():
        raise UserError(f"{study}: this study has not ended; run it again, or name a finished run in {study / 'runs'}")
    results = read_results(study)
    finished = {net.name: net.runs for net in results.nets if net.state == "finished"}
    ensembles = {ensemble.name: ensemble.weights for ensemble in results.ensembles}
    name = results.best if name is None else name
    if name is None or not finished:
        raise UserError(f"{study}: no net of this study was trained to its end")
    if name not in finished and name not in ensembles:
        raise UserError(f"{study}: no finished net {name!r}; {did_you_mean(name, [*finished, *ensembles])}")
    weights = ensembles.get(name, {name: 1.0})
    if missing := [net for net in weights if net not in finished]:
        raise UserError(
            f"{study / name}: {missing[0]} of these nets was not trained to its end; see: mien runs {study}"
        )
    runs = {net: [_finished(Run.open(study / "runs" / run)) for run in finished[net]] for net in weights}
    if name not in ensembles:
        return ResolvedRuns(name, (max(runs[name], key=_validation_accuracy),))
    shares = [weight / len(runs[net]) for net, weight in weights.items() for _ in runs[net]]
    return ResolvedRuns(name, tuple(run for of_net in runs.values() for run in of_net), tuple(shares))


def _finished(run: Run) -> Run:
    """The run itself.

    Raises:
        UserError: it is not finished.
    """
    status = run.status
    if status.state != "finished":
        why = f" ({status.reason})" if status.reason else ""
        raise UserError(
            f"{run.folder}: {status.state}{why}, and only a finished run has weights to take; see: mien runs"
        )
    return run


def _validation_accuracy(run: Run) -> float:
    predictions = run.predictions("validation")
    return predictions.accuracy if predictions else 0.0
