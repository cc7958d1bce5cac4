"""The app: the routes, and the middleware that every request passes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from mien import __version__
from mien.serve.body_limit import BodyLimitMiddleware
from mien.serve.data_routes import data_routes
from mien.serve.datasets import Data
from mien.serve.exporting import Exports
from mien.serve.metrics import Metrics, MetricsMiddleware
from mien.serve.model_routes import ModelRegistry, model_routes
from mien.serve.models import Models
from mien.serve.page_routes import page_routes, static_files
from mien.serve.predict_routes import predict_routes, service_routes
from mien.serve.predicting import Predicting
from mien.serve.prediction_routes import prediction_routes
from mien.serve.problem_details import SCHEMA, ErrorMiddleware, answer_with_problems
from mien.serve.security import AuthMiddleware, SecurityHeaders
from mien.serve.server_config import ServerConfig
from mien.serve.studies import Studies
from mien.serve.study_events import StudyEvents
from mien.serve.study_routes import study_routes

ABOUT = """\
Faces in photos and what they look like; studies, their runs and their faces.

Every refusal is a problem (RFC 9457) with a detail that says what to do. A server that was started with a token needs
it as `Authorization: Bearer TOKEN`. The most probable emotion is the word that people who label photos would most
likely give to a face. It is not what a person feels."""


class App(FastAPI):
    """The app and what it holds, so that a server can stop it.

    Attributes:
        models: those at hand.
        stopping: set once it takes no more requests.
    """

    models: Models
    stopping: asyncio.Event
    events: StudyEvents

    def stop(self) -> None:
        """Report that the server stops, and end all listening to events; call it in the event loop."""
        self.stopping.set()
        self.events.close()

    def openapi(self) -> dict[str, Any]:
        """The description of the service (OpenAPI 3.1)."""
        if not self.openapi_schema:
            document = super().openapi()
            schemas = document["components"]["schemas"]
            for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own, which problems replace
                schemas.pop(name, None)
            schemas["Problem"] = SCHEMA
            document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            document["security"] = [{"token": []}, {}]
        return self.openapi_schema or {}


def make_app(config: ServerConfig) -> App:
    """Make the app; it is ASGI, for any server.

    Raises:
        UserError: the model or faces that `config` names cannot be opened.
    """
    metrics, stopping = Metrics(), asyncio.Event()
    models = Models(config.model, config.limits, metrics)
    predicting = Predicting(models, config.limits, metrics)
    studies = Studies(config.runs)
    data = Data(studies, config.data)
    events = StudyEvents(studies)
    registry = ModelRegistry(models, Exports())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        registry.close()
        predicting.close()

    app = App(
        title="mien",
        version=__version__,
        description=ABOUT,
        license_info={"name": "MIT", "identifier": "MIT"},
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        responses=_problems(),
    )
    app.models, app.stopping, app.events = models, stopping, events
    app.mount("/static", static_files())
    for routes in (
        predict_routes(models, predicting, config.limits),
        study_routes(studies, events),
        prediction_routes(studies, data),
        data_routes(studies, data),
        model_routes(studies, models, registry),
        service_routes(models, metrics, stopping),
        page_routes(),
    ):
        app.include_router(routes)
    answer_with_problems(app)
    # The last added comes first.
    app.add_middleware(AuthMiddleware, config=config)
    app.add_middleware(BodyLimitMiddleware, limits=config.limits)
    app.add_middleware(ErrorMiddleware)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(MetricsMiddleware, metrics=metrics)
    return app


def _problems() -> dict[int | str, dict[str, Any]]:
    """What every route may answer beside its own responses."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "4XX": {"description": "The request is refused.", "content": content},
        "5XX": {"description": "The server cannot answer.", "content": content},
    }
