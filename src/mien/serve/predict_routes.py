"""Routes of predicting: photos in, faces out; the models at hand; health and metrics."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from mien.serve.answers import EXAMPLE, Health, Images, ModelList, Predicted, told
from mien.serve.limits import Limits
from mien.serve.metrics import Metrics
from mien.serve.models import Models
from mien.serve.predicting import Predicting
from mien.serve.problems import Problem, responses
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

Crop = Annotated[bool, Query(description="The photos are faces already: none is looked for, the middle is judged.")]


def predict_routes(models: Models, predicting: Predicting, limits: Limits) -> APIRouter:
    """The routes `/v1/predict` and `/v1/models`.

    Args:
        models: at hand.
        predicting: photos go there.
        limits: `images` of a request.
    """
    routes = APIRouter(prefix="/v1")

    @routes.post(
        "/predict",
        tags=["predict"],
        summary="Find the faces of photos and tell what they look like",
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
        return JSONResponse(told(model, [upload.label for upload in uploads], outcomes))

    @routes.get("/models", tags=["models"], summary="The models at hand, with what is known of each")
    async def list_models() -> ModelList:
        return ModelList(await asyncio.to_thread(models.facts), models.in_use)

    return routes


def service_routes(models: Models, metrics: Metrics, stopping: asyncio.Event) -> APIRouter:
    """The routes `/healthz` and `/metrics`.

    Args:
        models: at hand.
        metrics: to tell.
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
    async def tell_metrics() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return routes
