"""Routes of predicting: photos in, faces out; the models at hand; health and metrics."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import StringConstraints

from mien.model_files.bundled import FAST
from mien.predict.stream import FacePlace, Seen
from mien.predict.types import Box
from mien.serve.limits import Limits
from mien.serve.metrics import Metrics
from mien.serve.models import Models
from mien.serve.predicting import Predicting
from mien.serve.problem_details import Problem, responses
from mien.serve.schemas import EXAMPLE, Health, Images, ModelList, Predicted, answer
from mien.serve.uploads import FIELD, read_uploads

FORM: dict[str, Any] = {
    "type": "object",
    "required": [FIELD],
    "properties": {
        FIELD: {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "format": "binary"},
            "description": "Image files: JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, HEIC; each with its file name.",
        }
    },
}

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAAAAAA6mKC9AAAAD0lEQVR42mNoQAMMI1sAAAUMgAHjM1mKAAAAAElFTkSuQmCC"
"""A gray PNG of 16 x 16 pixels, so that the example in the documents can be tried."""

BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": FORM},
            "application/json": {"schema": Images.model_json_schema(), "example": {"images": [PIXEL]}},
        },
    }
}

ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"model": Predicted, "content": {"application/json": {"example": EXAMPLE}}},
}

FRAME = {"requestBody": {"required": True, "content": {"image/jpeg": {"schema": {"type": "string"}}}}}

TIMES = {"ge": 0, "le": 10**9, "allow_inf_nan": False}

Time = Annotated[float, Query(description="Of the frame, in seconds from any moment on.", examples=[12.04], **TIMES)]

Before = Annotated[
    float | None,
    Query(
        description="The time of the frame that was sent before; left out with the first, which is treated as a "
        "photo is.",
        **TIMES,
    ),
]

Followed = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"^(-?\d{1,5},){2}([1-9]\d{0,4},){2}-?\d{1,3}(\.\d{1,9})?$")]] | None,
    Query(
        max_length=256,
        description="Of each face in the frame before: x, y, width and height of its box, and its roll.",
        examples=[["203,99,109,150,-1.9"]],
    ),
]

Fast = Annotated[bool, Query(description="Predicted by the bundled model `fast`, not by the one in use.")]

Crop = Annotated[bool, Query(description="The photos are faces already: the middle is classified, without detection.")]


def predict_routes(models: Models, predicting: Predicting, limits: Limits) -> APIRouter:
    """The routes `/v1/predict`, `/v1/predict/frame` and `/v1/models`.

    Args:
        models: at hand.
        predicting: photos go there.
        limits: `images` of a request.
    """
    routes = APIRouter(prefix="/v1")

    @routes.post(
        "/predict",
        tags=["predict"],
        summary="Find the faces of photos and predict their emotions",
        description="Send a form with one or more fields `file`, or JSON with the files' contents in base64. Each "
        "photo is answered for itself, in the order sent; where none could be read, by the problem of the first. "
        "Photos stay in memory until they are answered, and are neither written to disk nor logged.",
        responses=ANSWER | responses(408, 413, 415, 422, 429, 503),
        openapi_extra=BODY,
    )
    async def predict(request: Request, crop: Crop = False) -> JSONResponse:
        uploads = await read_uploads(request, limits.images)
        model = models.in_use
        outcomes = await predicting.predict([upload.content for upload in uploads], crop)
        return JSONResponse(answer(model, [upload.label for upload in uploads], outcomes))

    @routes.post(
        "/predict/frame",
        tags=["predict"],
        summary="Find the faces of a camera's frames, one after the other, and predict their emotions",
        description="Send an image file as it is. A face that the frame before showed is looked for where it was, and "
        "the whole frame only now and then, so that a frame takes a fraction of a photo's time. The server remembers "
        "nothing of the frame before: send the time of that frame, and its faces.",
        responses=ANSWER | responses(408, 413, 415, 422, 429, 503),
        openapi_extra=FRAME,
    )
    async def predict_frame(
        request: Request,
        time: Time,
        before: Before = None,
        face: Followed = None,
        fast: Fast = False,
    ) -> JSONResponse:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not kind.startswith("image/"):
            raise Problem(415, f"send one image file as the body, with its type, as image/jpeg; this is {kind!r}")
        seen = None if before is None else Seen(before, tuple(map(_place, face or ())))
        outcome = await predicting.predict_frame(await request.body(), time, seen, fast)
        return JSONResponse(answer(FAST if fast else models.in_use, [None], [outcome]))

    @routes.get("/models", tags=["models"], summary="The models at hand, with what is known of each")
    async def list_models() -> ModelList:
        return ModelList(await asyncio.to_thread(models.facts), models.in_use)

    return routes


def _place(words: str) -> FacePlace:
    *box, roll = words.split(",")
    return FacePlace(Box(*map(int, box)), float(roll))


def service_routes(models: Models, metrics: Metrics, stopping: asyncio.Event) -> APIRouter:
    """The routes `/healthz` and `/metrics`.

    Args:
        models: at hand.
        metrics: to show.
        stopping: set once the server takes no more requests.
    """
    routes = APIRouter(tags=["service"])

    @routes.get("/healthz", summary="Whether the server takes requests", responses=responses(503))
    async def health() -> Health:
        if stopping.is_set():
            raise Problem(503, "the server is stopping", {"Retry-After": "5"})
        return Health("ok", models.in_use, models.current.check.verdict if models.current else "none")

    @routes.get(
        "/metrics",
        summary="What the server counts and times, for Prometheus",
        response_class=Response,
        responses={200: {"content": {CONTENT_TYPE_LATEST: {"schema": {"type": "string"}}}}},
    )
    async def show_metrics() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return routes
