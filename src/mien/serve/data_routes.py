"""Routes of data: sets of faces, faces of one to look at, its audit, its most doubtful labels."""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Depends, Path, Query, Response

from mien.errors import UserError, did_you_mean
from mien.faces import Faces
from mien.faces.audit import Audit
from mien.runs.predictions import Predictions
from mien.runs.run import Run
from mien.serve.datasets import Data, DataFacts, FaceFacts, face_facts, key_of
from mien.serve.label_issues import Doubts
from mien.serve.problem_details import Problem, responses
from mien.serve.studies import Studies

COLUMNS = 8
"""Faces beside each other in a sprite."""

MOST = 200
"""Faces that one answer may list."""

Key = Annotated[str, Path(description="Ten digits of the faces' fingerprint.", examples=["1f3c9a77b2"])]
Rows = Annotated[
    str,
    Query(
        pattern=rf"^\d{{1,9}}(,\d{{1,9}}){{0,{MOST - 1}}}$",
        description=f"Rows of faces, with commas between; at most {MOST}.",
        examples=["0,1,2,3"],
    ),
]
SplitName = Literal["train", "validation", "test"]
Emotion = Annotated[str | None, Query(description="One of the set's classes; any unless given.", examples=["happy"])]
Count = Annotated[int, Query(ge=1, le=MOST)]


@dataclass(frozen=True)
class DataList:
    """The sets of faces that are known."""

    data: list[DataFacts]


@dataclass(frozen=True)
class FaceList:
    """Some faces of a set: how many match the request, and those chosen of them."""

    matches: int
    faces: list[FaceFacts]


@dataclass(frozen=True)
class ExampleFacts:
    """Faces that belong together and should not be there twice, and what is wrong with them."""

    wrong: str
    faces: list[FaceFacts]


@dataclass(frozen=True)
class AuditFacts:
    """The figures of an audit, as `mien faces audit --json` prints them, and examples to look at."""

    audit: Audit
    examples: list[ExampleFacts]


@dataclass(frozen=True)
class DoubtPair:
    """How many doubtful faces carry one label and look like another to the run."""

    label: str
    predicted: str
    count: int


@dataclass(frozen=True)
class DoubtfulFace:
    """A face whose label is doubtful: what the run predicts instead, and the probability it gives the label."""

    face: FaceFacts
    predicted: str
    quality: float
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Doubtful:
    """The doubtful labels of the validation faces.

    Attributes:
        run: whose predictions contradict them, as STUDY/RUN.
        evaluated: how many faces it was evaluated on.
        doubtful: how many labels are probably wrong.
        pairs: of them, by label and prediction, the most frequent first.
        matches: how many match the request.
        shown: of these, the most doubtful first.
    """

    run: str
    evaluated: int
    doubtful: int
    pairs: list[DoubtPair]
    matches: int
    shown: list[DoubtfulFace]


def data_routes(studies: Studies, data: Data) -> APIRouter:
    """The routes under /v1/data.

    Args:
        studies: whose runs were evaluated on faces.
        data: the sets of faces.
    """
    routes = APIRouter(prefix="/v1/data", tags=["data"])

    def opened(data_key: Key) -> Faces:
        try:
            faces = data.open(data_key)
        except UserError as error:
            raise Problem(409, str(error)) from None
        if faces is None:
            raise Problem(404, f"no set of faces is called {data_key!r}; GET /v1/data lists them")
        return faces

    Opened = Annotated[Faces, Depends(opened)]  # noqa: N806 - a type

    @routes.get("", summary="The sets of faces that studies are trained on")
    def list_data() -> DataList:
        return DataList(list(data.all().values()))

    @routes.get("/{data_key}/faces", summary="Random faces of a split and emotion", responses=responses(404, 409, 422))
    def get_faces(
        faces: Opened,
        split: SplitName = "train",
        emotion: Emotion = None,
        count: Count = 24,
        seed: Annotated[int, Query(ge=0, le=2**31 - 1, description="Fixes the choice.")] = 0,
    ) -> FaceList:
        part = faces.rows(split)
        rows = np.arange(part.start, part.stop)
        if emotion is not None:
            rows = rows[faces.labels[part] == class_index(faces.classes, emotion)]
        chosen = np.random.default_rng(seed).permutation(rows)[:count]
        return FaceList(len(rows), [face_facts(faces, int(row)) for row in chosen])

    @routes.get(
        "/{data_key}/faces.png",
        summary=f"Faces as one picture, {COLUMNS} beside each other",
        response_class=Response,
        responses={
            200: {"content": {"image/png": {}}, "description": "The picture, in grays."},
            **responses(404, 409, 422),
        },
    )
    def get_sprite(faces: Opened, rows: Rows) -> Response:
        wanted = np.array([int(row) for row in rows.split(",")])
        if wanted.max() >= len(faces):
            raise Problem(422, f"row {wanted.max()}: there are {len(faces):,} faces, the first is row 0")
        png = sprite(faces, wanted.tolist())
        # Rows of a fingerprint never change.
        return Response(png, media_type="image/png", headers={"Cache-Control": "private, max-age=86400"})

    @routes.get("/{data_key}/audit", summary="What is wrong with a set of faces", responses=responses(404, 409, 422))
    def get_audit(faces: Opened) -> AuditFacts:
        figures, groups = data.audit(faces)
        shown = [ExampleFacts(one.problem, [face_facts(faces, int(row)) for row in one.rows]) for one in groups]
        return AuditFacts(figures, shown)

    @routes.get(
        "/{data_key}/doubtful", summary="The most doubtful labels of validation", responses=responses(404, 409, 422)
    )
    def get_doubtful(
        faces: Opened,
        run: Annotated[str, Query(description="STUDY/RUN, a finished run on these faces.", examples=["quick/cnn-1f"])],
        label: Emotion = None,
        predicted: Emotion = None,
        first: Annotated[int, Query(ge=0, le=10**9)] = 0,
        count: Count = 24,
    ) -> Doubtful:
        folder = studies.find_run(run)
        if folder is None:
            raise Problem(404, f"no run is called {run!r}; GET /v1/data lists those that were evaluated on a set")
        try:
            known = data.doubts(folder)
        except UserError as error:
            raise Problem(409, str(error)) from None
        if known is None or not _same(faces, folder, known[0]):
            raise Problem(409, f"run {run!r} was not evaluated on the validation faces of this set")
        predictions, issues = known
        places = _matching(faces, predictions, issues, label, predicted)
        shown = [_doubtful(faces, predictions, issues, int(place)) for place in places[first : first + count]]
        pairs = _pairs(faces, predictions, issues)
        return Doubtful(run, len(predictions.labels), len(issues.places), pairs, len(places), shown)

    return routes


def sprite(faces: Faces, rows: Sequence[int]) -> bytes:
    """Faces by their rows as one PNG picture in grays, `COLUMNS` beside each other, black where a line is not full."""
    from PIL import Image

    columns = min(COLUMNS, len(rows))
    lines = -(-len(rows) // columns)
    height, width = faces.images.shape[1:]
    sheet = np.zeros((lines * columns, height, width), np.uint8)
    sheet[: len(rows)] = faces.images[rows]
    picture = sheet.reshape(lines, columns, height, width).swapaxes(1, 2).reshape(lines * height, columns * width)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def class_index(classes: Sequence[str], emotion: str) -> int:
    """The place of an emotion among the classes.

    Raises:
        Problem: 422, it is none of them.
    """
    if emotion not in classes:
        raise Problem(422, f"no emotion {emotion!r} here; {did_you_mean(emotion, classes)}")
    return classes.index(emotion)


def _same(faces: Faces, run: Run, predictions: Predictions) -> bool:
    """Whether a run was evaluated on the validation split of these faces."""
    fits = np.array_equal(predictions.labels, faces.split("validation").labels)
    return fits and key_of(run.config.faces.fingerprint) == key_of(faces.fingerprint)


def _matching(
    faces: Faces, predictions: Predictions, issues: Doubts, label: str | None, predicted: str | None
) -> list[int]:
    places = issues.places
    if label is not None:
        places = places[predictions.labels[places] == class_index(faces.classes, label)]
    if predicted is not None:
        places = places[issues.predicted[places] == class_index(faces.classes, predicted)]
    chosen: list[int] = places.tolist()
    return chosen


def _doubtful(faces: Faces, predictions: Predictions, issues: Doubts, place: int) -> DoubtfulFace:
    shares = zip(faces.classes, predictions.probabilities[place], strict=True)
    return DoubtfulFace(
        face=face_facts(faces, faces.rows("validation").start + place),
        predicted=faces.classes[issues.predicted[place]],
        quality=round(float(issues.quality[place]), 4),
        probabilities={name: round(float(share), 4) for name, share in shares},
    )


def _pairs(faces: Faces, predictions: Predictions, issues: Doubts) -> list[DoubtPair]:
    labels = predictions.labels[issues.places].tolist()
    counted = Counter(zip(labels, issues.predicted[issues.places].tolist(), strict=True))
    return [DoubtPair(faces.classes[a], faces.classes[b], count) for (a, b), count in counted.most_common()]
