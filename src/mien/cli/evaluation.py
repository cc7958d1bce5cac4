"""`mien test`: how right models are about labelled faces and photos."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from mien.cli.data_options import CLASSES, listed
from mien.cli.progress import reading_faces
from mien.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mien.evaluation.evaluate import Evaluation
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
        ..., metavar="MODEL...", help="Models in the box (mien models), or files of mien export.", show_default=False
    ),
    data: list[str] = typer.Option(
        ..., "--data", metavar="SOURCE", help="Labelled faces, as mien faces import takes them; again for each file."
    ),
    split: str = typer.Option("test", help="The split to judge: train, validation or test."),
    labels: str = typer.Option(
        "own",
        help="own: the source's. majority: that of FER+'s votes, where they lie beside the faces. "
        "agreed: the source's, of those faces of which FER+'s majority says the same.",
    ),
    classes: str = CLASSES,
    photos: bool = typer.Option(
        False, "--photos", help="The images are photos, not ready faces: find each one's largest face first."
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
    """Tell how right models are about labelled faces or photos, with intervals, emotion by emotion.

    Several models are set side by side, each pair by McNemar's test. A photo in which no face is found counts as wrong.
    Exit code: 0, or 2 if a photo could not be read.
    """
    from mien.faces.spec import LABELS
    from mien.faces.types import SPLITS
    from mien.predict.classifier import Classifier

    if split not in SPLITS:
        raise UserError(f"--split {split}: no such split; {did_you_mean(split, SPLITS)}")
    if labels not in LABELS:
        raise UserError(f"--labels {labels}: {did_you_mean(labels, LABELS)}")
    if photos and labels != "own":
        raise UserError(
            f"--labels {labels} with --photos: FER+ has votes on FER2013's faces alone; leave one of them out"
        )
    corruptions = corruptions or former_changes
    if photos and corruptions:
        raise UserError("--corruptions with --photos: only face crops are corrupted; leave one of them out")
    if max_pixels is not None and not photos:
        raise UserError("--max-pixels without --photos: ready faces are as small as they are; leave it out")
    if len(set(models)) < len(models):
        raise UserError(f"{', '.join(models)}: a model is named twice")
    opened = [Classifier(model) for model in models]
    if photos:
        _tell_photos(models, opened, data, split, listed(classes), max_pixels, as_json)
        return
    from mien.evaluation.evaluate import evaluate_faces
    from mien.faces import open_faces

    with reading_faces():
        faces = open_faces(data, labels=labels, classes=listed(classes))
    tested = [evaluate_faces(model, faces, split) for model in opened]
    told = {
        "source": faces.name,
        "fingerprint": faces.fingerprint,
        "split": split,
        "labels": labels,
        "notes": faces.notes,
        **_told(models, tested),
    }
    if corruptions:
        told["corruptions"] = [
            {"corruption": change, **dict(zip(models, accuracies, strict=True))}
            for change, accuracies in _changed(opened, faces, split, tested)
        ]
    _show(told, as_json)


def _changed(
    opened: list[Classifier], faces: Faces, split: str, tested: list[Evaluation]
) -> Iterator[tuple[str, list[float]]]:
    """Each change with the models' accuracies, first that of the faces as they are."""
    from mien.cli.progress import counting
    from mien.evaluation.corruptions import CORRUPTIONS, corrupt
    from mien.evaluation.evaluate import evaluate_faces

    yield "as they are", [float(one.correct.mean()) for one in tested]
    part = faces.split(split)
    with counting("kinds of change", len(CORRUPTIONS)) as done:
        for change in CORRUPTIONS:
            other = corrupt(part, change)
            yield change, [float(evaluate_faces(model, other, split).correct.mean()) for model in opened]
            done()


def _tell_photos(
    models: list[str],
    opened: list[Classifier],
    data: list[str],
    split: str,
    classes: tuple[str, ...],
    max_pixels: int | None,
    as_json: bool,
) -> None:
    from mien.cli.progress import counting
    from mien.evaluation.evaluate import CachingDetector, evaluate_photos
    from mien.faces import FacesSpec
    from mien.faces.classes import describe_numbers
    from mien.faces.decoding import MAX_PIXELS, SUFFIXES
    from mien.faces.types import SPLITS
    from mien.predict.predictor import Predictor

    spec = FacesSpec(tuple(data), classes=classes)
    spec.check()
    source, wanted = spec.find(), SPLITS.index(split)
    photos, names = source.photos(SUFFIXES, classes)
    files = [file for file in photos if file.split == wanted]
    if not files:
        raise UserError(f"{source.name}: has no {split} photos; name another --split, or say {split}=FOLDER")
    detector = CachingDetector()
    predictors = [Predictor(model, detector) for model in opened]
    with counting("photos", len(files) * len(predictors)) as seen:
        judged = [
            evaluate_photos(predictor, files, source.name, seen, max_pixels or MAX_PIXELS) for predictor in predictors
        ]
    tested, unread = [one for one, _ in judged], judged[0][1]
    told = {"source": source.name, "split": split, "notes": [*source.notes, *describe_numbers(names)], "unread": unread}
    _show(told | _told(models, tested), as_json)
    if unread:
        raise typer.Exit(2)


def _told(models: list[str], tested: list[Evaluation]) -> dict[str, Any]:
    """What was found of the models, under the names that the user gave them: two files may bear one name inside."""
    from mien.evaluation.evaluate import compare_pairs

    named = [replace(one, model=model) for model, one in zip(models, tested, strict=True)]
    return {"models": [one.as_json() for one in named], "comparisons": compare_pairs(named)}


def _show(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    from mien.cli.evaluation_tables import show_tested

    show_tested(told)
