"""`mien test`: evaluate models on labelled faces or photos."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from mien.cli.data_options import CLASSES, listed
from mien.cli.progress import reading_faces
from mien.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from mien.evaluation.results import Evaluation, EvaluationReport
    from mien.faces import Faces
    from mien.predict.classifier import Classifier

EPILOG = (
    "Examples: [bold]mien test best fast --data path/to/fer2013 --corruptions[/]\n\n"
    "[bold]mien test best --data test=my_photos --photos[/]\n\n"
    "[bold]mien test best --data DATASET --classes rafdb[/]\n\n"
    "[bold]mien test best --data drawn[/]"
)


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("test", epilog=EPILOG)(evaluate)


def evaluate(
    models: list[str] = typer.Argument(
        ..., metavar="MODEL...", help="Bundled models (mien models), or files of mien export.", show_default=False
    ),
    data: list[str] = typer.Option(
        ..., "--data", metavar="SOURCE", help="Labelled faces, as mien faces import takes them; again for each file."
    ),
    split: str = typer.Option("test", help="The split to evaluate: train, validation or test."),
    labels: str = typer.Option(
        "own",
        help="own: the source's labels. majority: those of FER+'s votes, if the faces have votes. "
        "agreed: the source's labels, of the faces on which FER+'s majority agrees.",
    ),
    classes: str = CLASSES,
    photos: bool = typer.Option(
        False, "--photos", help="The images are photos, not face crops: detect each one's largest face first."
    ),
    corruptions: bool = typer.Option(
        False, "--corruptions", help="Also give the accuracy on the faces blurred, darker, smaller and so on."
    ),
    former_changes: bool = typer.Option(False, "--changes", hidden=True),
    max_pixels: int | None = typer.Option(
        None, "--max-pixels", min=1, help="With --photos: most pixels that one may have; 128000000 by default."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Evaluate models on labelled faces or photos: accuracies with intervals, and scores for each emotion.

    Models are compared in pairs by McNemar's test. A photo in which no face is detected counts as wrong.
    Exit code: 0, or 2 if a photo could not be read.
    """
    from mien.faces.fer2013 import SPLITS
    from mien.faces.spec import LABELS
    from mien.predict.classifier import Classifier

    corruptions = corruptions or former_changes
    if split not in SPLITS:
        raise UserError(f"--split {split}: no such split; {did_you_mean(split, SPLITS)}")
    if labels not in LABELS:
        raise UserError(f"--labels {labels}: {did_you_mean(labels, LABELS)}")
    if photos and labels != "own":
        raise UserError(f"--labels {labels} with --photos: FER+ has votes on FER2013's faces alone; leave one out")
    if photos and corruptions:
        raise UserError("--corruptions with --photos: only face crops are corrupted; leave one of them out")
    if max_pixels is not None and not photos:
        raise UserError("--max-pixels without --photos: the size of face crops is not limited; leave it out")
    if len(set(models)) < len(models):
        raise UserError(f"{', '.join(models)}: a model is named twice")
    classifiers = {model: Classifier(model) for model in models}
    names = listed(classes)
    if photos:
        report = _evaluate_photos(classifiers, data, split, names, max_pixels)
    else:
        report = _evaluate_faces(classifiers, data, split, labels, names, corruptions)
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=2, ensure_ascii=False))
    else:
        from mien.cli.evaluation_tables import show_report

        show_report(report)
    if report.unread:
        raise typer.Exit(2)


def _evaluate_faces(
    classifiers: dict[str, Classifier],
    data: list[str],
    split: str,
    labels: str,
    classes: tuple[str, ...],
    corruptions: bool,
) -> EvaluationReport:
    from mien.evaluation.evaluate import evaluate_faces
    from mien.evaluation.results import EvaluationReport
    from mien.faces import open_faces

    with reading_faces():
        faces = open_faces(data, labels=labels, classes=classes)
    evaluations = _named(classifiers, [evaluate_faces(model, faces, split) for model in classifiers.values()])
    accuracies = {}
    if corruptions:
        unchanged = [evaluation.accuracy.mean for evaluation in evaluations]
        accuracies = {"as they are": unchanged} | _corrupted(classifiers, faces, split)
    return EvaluationReport(
        faces.name, split, evaluations, faces.notes, faces.fingerprint, labels, corruptions=accuracies
    )


def _corrupted(classifiers: dict[str, Classifier], faces: Faces, split: str) -> dict[str, list[float]]:
    """By corruption, the accuracy of each model on the faces with it."""
    from mien.cli.progress import counting
    from mien.evaluation.corruptions import CORRUPTIONS, corrupt
    from mien.evaluation.evaluate import evaluate_faces

    part, accuracies = faces.split(split), {}
    with counting("corruptions", len(CORRUPTIONS)) as one_more:
        for name in CORRUPTIONS:
            corrupted = corrupt(part, name)
            evaluations = [evaluate_faces(model, corrupted, split) for model in classifiers.values()]
            accuracies[name] = [float(evaluation.correct.mean()) for evaluation in evaluations]
            one_more()
    return accuracies


def _evaluate_photos(
    classifiers: dict[str, Classifier], data: list[str], split: str, classes: tuple[str, ...], max_pixels: int | None
) -> EvaluationReport:
    from mien.cli.progress import counting
    from mien.evaluation.evaluate import CachingDetector, evaluate_photos, find_photos
    from mien.evaluation.results import EvaluationReport
    from mien.faces import FacesSpec
    from mien.faces.decoding import MAX_PIXELS
    from mien.predict.predictor import Predictor

    photos = find_photos(FacesSpec(tuple(data), classes=classes), split)
    detector, limit = CachingDetector(), max_pixels or MAX_PIXELS
    predictors = [Predictor(model, detector) for model in classifiers.values()]
    with counting("photos", len(photos.files) * len(predictors)) as one_more:
        outcomes = [evaluate_photos(predictor, photos.files, photos.name, one_more, limit) for predictor in predictors]
    evaluations = _named(classifiers, [evaluation for evaluation, _ in outcomes])
    return EvaluationReport(photos.name, split, evaluations, photos.notes, unread=outcomes[0][1])


def _named(classifiers: dict[str, Classifier], evaluations: list[Evaluation]) -> list[Evaluation]:
    """The evaluations under the names on the command line: two files may have the same name inside."""
    return [replace(one, model=model) for model, one in zip(classifiers, evaluations, strict=True)]
