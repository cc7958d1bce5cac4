"""The route of a run's predictions, face by face: those of a cell of its confusion matrix."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query

from mien.errors import UserError
from mien.faces import Faces
from mien.runs.predictions import Predictions
from mien.runs.run import Run
from mien.serve.data_routes import Count, Emotion, class_index
from mien.serve.datasets import Data, FaceFacts, face_facts, key_of
from mien.serve.problem_details import Problem, responses
from mien.serve.studies import Studies
from mien.serve.study_routes import RunName, StudyName

EvaluatedSplit = Literal["validation", "test"]


@dataclass(frozen=True)
class PredictedFace:
    """A face, what the run predicts for it, and the probability (0..1) that it gives to that."""

    face: FaceFacts
    predicted: str
    probability: float


@dataclass(frozen=True)
class PredictedFaces:
    """Faces of a split and what a run predicts for them.

    Attributes:
        data: the key of the set of faces, for their pictures.
        size: side of a face in pixels.
        evaluated: how many faces of the split the run was evaluated on.
        matches: how many of them match the request.
        faces: of these, the most confident prediction first.
    """

    data: str
    size: int
    evaluated: int
    matches: int
    faces: list[PredictedFace]


def prediction_routes(studies: Studies, data: Data) -> APIRouter:
    """The routes of runs' predictions under /v1.

    Args:
        studies: whose runs were evaluated.
        data: the sets of faces.
    """
    routes = APIRouter(prefix="/v1", tags=["studies"])

    @routes.get(
        "/studies/{study}/runs/{run}/predictions",
        summary="Faces by their label and what a run predicts for them",
        responses=responses(404, 409, 422),
    )
    def get_predictions(
        study: StudyName,
        run: RunName,
        split: EvaluatedSplit = "validation",
        label: Emotion = None,
        predicted: Emotion = None,
        first: Annotated[int, Query(ge=0, le=10**9, description="Faces to skip.")] = 0,
        count: Count = 24,
    ) -> PredictedFaces:
        folder = studies.find_run(f"{study}/{run}")
        if folder is None:
            raise Problem(404, f"study {study!r} has no run {run!r}; GET /v1/studies/STUDY lists a study's runs")
        try:
            made = folder.predictions(split)
        except UserError as error:
            raise Problem(409, str(error)) from None
        if made is None:
            raise Problem(409, f"run {run!r} was not evaluated on {split}")
        classes = folder.config.faces.classes
        matches = np.ones(len(made.labels), bool)
        if label is not None:
            matches &= made.labels == class_index(classes, label)
        if predicted is not None:
            matches &= made.predicted == class_index(classes, predicted)
        places = made.most_confident(matches)
        faces = _opened(data, folder, split, made)
        start = faces.rows(split).start
        return PredictedFaces(
            data=key_of(faces.fingerprint),
            size=faces.size,
            evaluated=len(made.labels),
            matches=len(places),
            faces=[
                PredictedFace(
                    face=face_facts(faces, start + place),
                    predicted=classes[made.predicted[place]],
                    probability=round(float(made.confidence[place]), 4),
                )
                for place in places[first : first + count].tolist()
            ],
        )

    return routes


def _opened(data: Data, run: Run, split: EvaluatedSplit, made: Predictions) -> Faces:
    """The faces that a run was evaluated on."""
    try:
        faces = data.open(key_of(run.config.faces.fingerprint))
    except UserError as error:
        raise Problem(409, f"the faces of this run cannot be opened any more: {error}") from None
    if faces is None:
        raise Problem(409, "no study says where the faces of this run are; name their source by mien serve --data")
    if not np.array_equal(made.labels, faces.split(split).labels):
        raise Problem(409, f"run {run.id!r} was evaluated on other {split} faces than those of this set")
    return faces
