"""The answers of the service about photos and models, as OpenAPI describes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mien.model_files.facts import Facts
from mien.serve.predicting import Outcome
from mien.serve.problem_details import Problem


class Face(BaseModel):
    """A face of a photo, and what it looks like."""

    box: Annotated[list[int], Field(description="x, y, width and height in pixels of the upright photo")]
    emotion: Annotated[str, Field(description="the most probable emotion")]
    probabilities: Annotated[dict[str, float], Field(description="of every emotion; they add up to 1")]
    landmarks: Annotated[
        list[list[float]] | None,
        Field(description="x, y of right eye, left eye, nose, right and left corner of the mouth"),
    ]
    score: Annotated[float, Field(description="how sure the detector is that this is a face, 0 to 1")]
    roll: Annotated[float, Field(description="degrees by which the face is turned clockwise")]


class Photo(BaseModel):
    """The result for a photo: its size and faces, the largest first; or an error."""

    path: Annotated[str | None, Field(description="the file name that was sent; a mere label")]
    size: Annotated[list[int] | None, Field(description="width and height of the upright photo in pixels")] = None
    faces: list[Face] | None = None
    error: Annotated[str | None, Field(description="why there is no answer")] = None


class Predicted(BaseModel):
    """The results for the photos of a request, in their order."""

    model: Annotated[str, Field(description="the model that was in use")]
    results: list[Photo]


class Images(BaseModel):
    """Photos as JSON."""

    model_config = ConfigDict(extra="forbid")

    images: Annotated[list[str], Field(min_length=1, description="the contents of image files, each in base64")]


@dataclass(frozen=True)
class ModelList:
    """The models at hand, and the name of the one in use ("" for none)."""

    models: list[Facts]
    in_use: str


@dataclass(frozen=True)
class Health:
    """Whether the server takes requests, and what is known of the model in use.

    Attributes:
        status: "ok".
        model: its name, "" for none.
        check: whether this machine gives the answers that the model's file carries: "passed", "failed", or "none" where
            it carries none.
    """

    status: str
    model: str
    check: Literal["passed", "failed", "none"]


EXAMPLE = {
    "model": "best",
    "results": [
        {
            "path": "photo.jpg",
            "size": [512, 600],
            "faces": [
                {
                    "box": [203, 99, 109, 150],
                    "emotion": "happy",
                    "probabilities": {
                        "angry": 0.0012, "disgust": 0.0003, "fear": 0.0011, "happy": 0.9793,
                        "sad": 0.0042, "surprise": 0.0021, "neutral": 0.0118,
                    },
                    "landmarks": [[231.4, 157.1], [281.9, 155.2], [257.3, 190.8], [236.2, 214.5], [279.6, 213.0]],
                    "score": 0.941,
                    "roll": -1.9,
                }
            ],
        }
    ],
}  # fmt: skip
"""An answer about a photo of one face."""


def answer(model: str, labels: Sequence[str | None], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The answer about photos, ready for JSON.

    Raises:
        Problem: that of the first photo, where none could be predicted; of several, with the result of each.
    """
    results = [_photo(label, outcome) for label, outcome in zip(labels, outcomes, strict=True)]
    first = outcomes[0]
    if isinstance(first, Problem) and all(isinstance(outcome, Problem) for outcome in outcomes):
        several = len(outcomes) > 1
        detail = f"none of {len(outcomes)} photos; the first: {first.detail}" if several else first.detail
        raise Problem(first.status, detail, first.headers, {"results": results} if several else None)
    return {"model": model, "results": results}


def _photo(label: str | None, outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Problem):
        return {"path": label, "error": outcome.detail}
    return {"path": label, "size": list(outcome.size), "faces": outcome.as_json()}
