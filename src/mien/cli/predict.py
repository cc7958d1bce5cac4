"""`mien predict`: find and classify the faces in photos, folders of photos, videos, or a camera's frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mien.disk import user_path
from mien.errors import UserError
from mien.model_files.bundled import FAST

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from mien.cli.predict_output import Answer
    from mien.predict.classifier import Classifier
    from mien.predict.paths import InputFile
    from mien.predict.predictor import Predictor

EPILOG = (
    "Examples: [bold]mien predict photo.jpg holidays/ --csv faces.csv --save out[/]\n\n"
    "[bold]mien predict film.mp4 --every 0.2s --smooth 0.5 --csv film.csv --save out[/]\n\n"
    "[bold]mien predict --webcam[/]"
)


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("predict", epilog=EPILOG)(predict)


def predict(
    paths: list[str] = typer.Argument(
        None,
        help="Photos, folders of them, patterns such as 'photos/**/*.jpg', videos.",
        metavar="PATH...",
        show_default=False,
    ),
    model: str | None = typer.Option(
        None, help="A bundled model (mien models), or a model file. [default: best; fast with --webcam]"
    ),
    crop: bool = typer.Option(
        False, "--crop", help="The images are faces already: do not detect any, take each whole."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON, one object for each photo or frame."),
    csv: Path | None = typer.Option(
        None, "--csv", parser=user_path, metavar="FILE", help="Write a line for each face.", show_default=False
    ),
    save: Path | None = typer.Option(
        None,
        "--save",
        parser=user_path,
        metavar="DIR",
        help="Draw boxes and bars into copies of the photos and videos.",
        show_default=False,
    ),
    explain: bool = typer.Option(
        False, "--explain", help="With --save: also draw, for each face of a photo, which pixels decided."
    ),
    webcam: bool = typer.Option(
        False, "--webcam", help="Classify a camera's frames: the first camera, or the one whose number is PATH."
    ),
    every: str = typer.Option(
        "1", "--every", help="Which frames of a video to analyse: 5 for every fifth, 0.5s for one each half second."
    ),
    smooth: float = typer.Option(
        0.0, "--smooth", min=0.0, help="Average a video's probabilities over time, with this half-life in seconds."
    ),
    max_pixels: int | None = typer.Option(
        None, "--max-pixels", min=1, help="Most pixels that a photo may have; 128000000 by default."
    ),
) -> None:
    """Find the faces in photos and videos, and classify their expressions.

    Exit code: 0, or 2 if a file could not be read.
    """
    import os
    from contextlib import ExitStack

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy would start threads that have nothing to do
    with _loading():
        opening = _opening(model or (FAST if webcam else "best"))
        from mien.cli.predict_output import csv_file, print_json, print_text, progress
        from mien.cli.predict_video import Watching, watch_camera, watch_file
        from mien.faces.decoding import MAX_PIXELS
        from mien.predict.paths import input_files

        if explain and save is None:
            raise UserError("--explain draws pictures; name their folder: --save DIR")
        how = Watching.of(every, smooth, crop, save)
        files = [] if webcam else input_files(paths or [])
        if not files and not webcam:
            raise UserError("no photo is named; name photos, folders of photos or videos, or use --webcam")
        if webcam and model is None:
            typer.echo(
                f"mien: using the model {FAST}, to keep up with the camera; --model best takes another", err=True
            )
        predictor = _predictor(opening, crop)
    if save is not None:
        _make(save)
    failed = 0
    with ExitStack() as stack:
        outputs: list[Callable[[Answer], None]] = [print_json if as_json else print_text]
        if csv is not None:
            outputs.append(
                stack.enter_context(csv_file(csv, predictor.classes, webcam or any(file.is_video for file in files)))
            )
        if webcam:
            watch_camera(paths or [], predictor, how, outputs)
        for file in progress(files):
            if file.is_video:
                failed += not watch_file(file, predictor, how, outputs)
                continue
            answer = _photo(predictor, file, max_pixels or MAX_PIXELS, crop, save, explain)
            failed += answer.error is not None
            for output in outputs:
                output(answer)
    if failed:
        raise typer.Exit(2)


@contextmanager
def _loading() -> Iterator[None]:
    """Switch the garbage collector off while modules are imported: it would find nothing, and take 15 ms."""
    import gc

    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _opening(model: str) -> Future[Classifier]:
    """Open a model in a thread while the rest is imported: starting is most of the time of a single photo."""
    from concurrent.futures import ThreadPoolExecutor

    from mien.predict.classifier import Classifier

    pool = ThreadPoolExecutor(1)
    opening = pool.submit(Classifier, model)
    pool.shutdown(wait=False)
    return opening


def _predictor(opening: Future[Classifier], crop: bool) -> Predictor:
    """A predictor with the model that is being opened; without a detector if `crop`."""
    from PIL import Image

    from mien.predict.detector import Detector
    from mien.predict.predictor import Predictor

    detector = None if crop else Detector()
    Image.preinit()  # else the first photo does it, later, when nothing else is waited for
    return Predictor(opening.result(), detector)


def _photo(predictor: Predictor, file: InputFile, limit: int, crop: bool, save: Path | None, explain: bool) -> Answer:
    """Predict one photo, and draw it if `save` is given; an error with it is part of the answer."""
    from mien.cli.predict_output import Answer
    from mien.predict.photos import open_photo

    try:
        photo = open_photo(file.path, limit)
        prediction = predictor.predict(photo, crop=crop)
    except UserError as error:
        return Answer(file.path, error=str(error).removeprefix(f"{file.path}: "))
    if save is None:
        return Answer(file.path, prediction)
    from mien.cli.predict_pictures import save_explanations, save_photo

    try:
        save_photo(save / file.place, photo, prediction)
        if explain:
            save_explanations(save / file.place, predictor.classifier, prediction)
    except UserError as error:
        return Answer(file.path, prediction, error=str(error))
    return Answer(file.path, prediction)


def _make(folder: Path) -> None:
    """Create the folder of the pictures before any photo is read, so that an error comes early."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--save {folder}: cannot be created ({error.strerror or error})") from None
