"""Problems: every refusal and failure as one JSON body (RFC 9457), whoever raised it."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.errors import UserError

MEDIA_TYPE = "application/problem+json"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A problem (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Always about:blank: the status says what kind it is."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What is wrong, and what to do."},
        "errors": {
            "type": "array",
            "description": "Of a request that does not fit this document: each mistake with its place.",
            "items": {
                "type": "object",
                "required": ["where", "detail"],
                "properties": {"where": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}

log = logging.getLogger("mien.serve")


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """Why a request, or a photo of it, gets no answer.

    Args:
        status: HTTP's.
        detail: what is wrong, and what to do.
        headers: that the answer carries.
        more: further entries of the body.
    """

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None, more: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    def body(self) -> dict[str, Any]:
        """The problem as its JSON has it."""
        title = HTTPStatus(self.status).phrase
        return {"type": "about:blank", "title": title, "status": self.status, "detail": self.detail, **self.more}

    def response(self) -> JSONResponse:
        """The problem as an answer."""
        return JSONResponse(self.body(), self.status, self.headers, MEDIA_TYPE)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of a route's problems, with an example of each."""
    return {status: _response(status) for status in statuses}


def _response(status: int) -> dict[str, Any]:
    example = Problem(status, EXAMPLES[status]).body()
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    return {"description": HTTPStatus(status).phrase, "content": content}


EXAMPLES = {
    401: "this server needs its token: send it as Authorization: Bearer TOKEN",
    403: "requested by a page of another site",
    404: "there is no /v1/nothing",
    405: "GET is not for /v1/predict",
    408: "the body did not arrive within 60 seconds",
    409: "run cnn_1-1f3c9a77b2 is stopped; only a finished one can predict",
    413: "the body has more than 20,000,000 bytes",
    415: "not an image, or one of an unknown kind",
    421: "this server does not go by the name elsewhere.example",
    422: "a broken image (image file is truncated)",
    429: "64 photos are waiting already; try again in 2 s",
    431: "headers and query have more than 32,768 bytes",
    500: "an error in the server; its log says more",
    503: "no model is in use; choose one on the page Models, or start with --model FILE",
}
"""What the detail of a problem may say, by status."""


def answer_with_problems(app: FastAPI) -> None:
    """Let an app answer with problems, whichever error its routes raise."""
    app.add_exception_handler(Problem, lambda _, problem: _problem(problem).response())
    app.add_exception_handler(UserError, lambda _, error: Problem(422, str(error)).response())
    app.add_exception_handler(HTTPException, lambda request, error: _http(request, error).response())
    app.add_exception_handler(RequestValidationError, lambda _, error: _invalid(error).response())


def _problem(problem: Exception) -> Problem:
    assert isinstance(problem, Problem)
    return problem


def _http(request: Request, error: Exception) -> Problem:
    assert isinstance(error, HTTPException)
    detail, path = str(error.detail), request.url.path
    if detail == HTTPStatus(error.status_code).phrase:
        plain = {404: f"there is no {path}", 405: f"{request.method} is not for {path}"}
        detail = plain.get(error.status_code, detail)
    return Problem(error.status_code, detail, error.headers)


def _invalid(error: Exception) -> Problem:
    assert isinstance(error, RequestValidationError)
    return mistakes(error.errors())


def mistakes(entries: Sequence[Mapping[str, Any]]) -> Problem:
    """A 422 for the mistakes that pydantic lists: `loc` and `msg` of each."""
    errors = [{"where": ".".join(map(str, one["loc"])), "detail": str(one["msg"])} for one in entries]
    detail = "; ".join(f"{one['where']}: {one['detail']}" if one["where"] else one["detail"] for one in errors)
    return Problem(422, detail, more={"errors": errors})


class ErrorMiddleware:
    """Middleware: an unexpected exception becomes a problem without details; these go to the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        started = False

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception:
            if scope["type"] != "http" or started:
                raise
            log.exception("%s %s failed", scope["method"], scope["path"])
            await Problem(500, EXAMPLES[500]).response()(scope, receive, send)
