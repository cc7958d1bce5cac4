"""The pictures that `mien predict --save` writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image

    from mien.predict.classifier import Classifier
    from mien.predict.photos import Photo
    from mien.predict.types import Prediction


def save_photo(place: Path, photo: Photo, prediction: Prediction) -> None:
    """Write the photo with its boxes and bars as `place.faces.jpg`; several faces are numbered, as in csv files."""
    from mien.predict.drawing import draw

    numbers = range(1, len(prediction) + 1) if len(prediction) > 1 else ()
    _write(place.with_name(f"{place.name}.faces.jpg"), draw(photo.pixels, prediction, numbers))


def save_explanations(place: Path, classifier: Classifier, prediction: Prediction) -> None:
    """Write, for each face, which of its pixels decided its emotion, as `place.face-1.png` and so on."""
    from mien.predict.drawing import heat
    from mien.predict.occlusion import occlusion

    for number, face in enumerate(prediction):
        emotion = classifier.facts.classes.index(face.emotion)
        picture = heat(face.crop, occlusion(classifier, face.crop, emotion), face.emotion)
        _write(place.with_name(f"{place.name}.face-{number + 1}.png"), picture)


def _write(path: Path, picture: Image) -> None:
    from mien.disk import whole_file

    try:
        with whole_file(path) as temporary:
            picture.save(temporary, "jpeg" if path.suffix == ".jpg" else "png", quality=92)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None
