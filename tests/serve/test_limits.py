"""More than is taken at once is refused, and refused well."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from mien.errors import UserError
from mien.predict.photos import Photo
from mien.serve.body_limit import BodyLimitMiddleware
from mien.serve.limits import Limits

SCOPE: Scope = {"type": "http", "method": "POST", "path": "/v1/predict", "headers": []}


class Slow:
    """Stands for a photo's opening: waits until it is let go on."""

    def __init__(self) -> None:
        self.opened, self.go = Event(), Event()

    def __call__(self, content: bytes, limit: int) -> Photo:
        self.opened.set()
        assert self.go.wait(60)
        raise UserError("the image: slow")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    stand_in = Slow()
    monkeypatch.setattr("mien.serve.models.open_photo", stand_in)
    return stand_in


def post(client: Any, photos: int = 1) -> Any:
    return client.post("/v1/predict", files=[("file", ("x.jpg", b"x"))] * photos)


def test_a_full_queue_refuses_and_says_when_to_come_again(asking: Any, slow: Slow) -> None:
    client = asking(queue=3, threads=1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, client, 2)
        assert slow.opened.wait(60)
        refused = post(client, 2)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert "2 photos are waiting already" in refused.json()["detail"]
        assert "mien_photos_waiting 2.0" in client.get("/metrics").text
        slow.go.set()
        assert first.result().status_code == 422
    assert post(client, 2).status_code == 422


def test_an_empty_queue_takes_any_request(asking: Any, slow: Slow) -> None:
    slow.go.set()
    assert post(asking(queue=1, images=4), 4).status_code == 422


def test_what_takes_too_long_is_given_up(asking: Any, slow: Slow) -> None:
    client = asking(seconds=1, threads=1)
    answer = post(client)
    assert (answer.status_code, answer.json()["detail"]) == (503, "no answer within 1 second; try again later")
    assert "retry-after" in answer.headers
    slow.go.set()


def test_large_bodies_are_refused_declared_or_not(asking: Any) -> None:
    client = asking(bytes=1000)

    def parts() -> Any:
        for _ in range(200):
            yield bytes(100)

    json = {"Content-Type": "application/json"}
    for body in (bytes(1001), parts()):
        assert client.post("/v1/predict", content=body, headers=json).status_code == 413
    assert client.post("/v1/predict", files={"file": ("x", bytes(1001))}).status_code == 413
    answer = client.put("/v1/models/in-use", content=b'{"model": "' + b"x" * 2000 + b'"}', headers=json)
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert "1,000 bytes" in answer.json()["detail"]
    assert client.post("/v1/predict", files={"file": ("x", bytes(700))}).status_code == 415


class Client:
    """Sends a body in parts to an ASGI app, and keeps the answer."""

    def __init__(self, *parts: bytes, ends: bool = True) -> None:
        self.left = list(parts)
        self.ends = ends
        self.heard: list[Message] = []
        self.left_at_answer: int | None = None

    async def receive(self) -> Message:
        if not self.left:
            if not self.ends:
                await asyncio.sleep(60)
            return {"type": "http.disconnect"}
        body = self.left.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(self.left) or not self.ends}

    async def send(self, message: Message) -> None:
        if self.left_at_answer is None:
            self.left_at_answer = len(self.left)
        self.heard.append(message)

    @property
    def status(self) -> int:
        starts = [message for message in self.heard if message["type"] == "http.response.start"]
        assert len(starts) == 1
        return int(starts[0]["status"])


App = Callable[[Scope, Receive, Send], Awaitable[None]]


def answering(status: int, reading: bool) -> App:
    """An app that answers, after it has read the body or at once."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while reading and (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return app


async def hiding(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that does not say why it could not read the body."""
    try:
        await answering(200, True)(scope, receive, send)
    except Exception:
        await answering(400, False)(scope, receive, send)


def ask(bodies: BodyLimitMiddleware, client: Client, **headers: str) -> int:
    scope = {**SCOPE, "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]}
    asyncio.run(bodies(scope, client.receive, client.send))
    return client.status


@pytest.mark.parametrize("reading", [True, False])
def test_a_body_is_read_to_its_end_before_the_answer(reading: bool) -> None:
    client = Client(*[b"x" * 10] * 9)
    assert ask(BodyLimitMiddleware(answering(200, reading), Limits(bytes=1000)), client) == 200
    assert client.left_at_answer == 0


def test_a_refused_body_is_read_too_but_not_for_ever() -> None:
    short, endless = Client(*[b"x" * 10] * 30), Client(*[b"x" * 10] * 3000)
    for client in (short, endless):
        assert ask(BodyLimitMiddleware(answering(200, False), Limits(bytes=100)), client, content_length="30000") == 413
    assert short.left_at_answer == 0
    assert endless.left_at_answer == 3000 - 80


def test_a_client_that_asks_before_it_sends_is_refused_at_once() -> None:
    client = Client(b"x" * 10)
    refused = ask(
        BodyLimitMiddleware(answering(200, False), Limits(bytes=5)),
        client,
        content_length="10",
        expect="100-continue",
    )
    assert (refused, client.left_at_answer) == (413, 1)


def test_an_app_that_hides_why_it_could_not_read_is_corrected() -> None:
    assert ask(BodyLimitMiddleware(hiding, Limits(bytes=15)), Client(*[b"x" * 10] * 3)) == 413


def test_all_bodies_together_are_bounded_and_let_go_again() -> None:
    bodies = BodyLimitMiddleware(hiding, Limits(held=100))
    bodies.held = 95
    refused = Client(b"x" * 10)
    assert ask(bodies, refused) == 429
    assert (b"retry-after", b"1") in refused.heard[0]["headers"]
    assert bodies.held == 95
    bodies.held = 0
    assert ask(bodies, Client(b"x" * 10)) == 200
    assert bodies.held == 0


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.serve.body_limit.PATIENCE", 0.01)

    assert ask(BodyLimitMiddleware(hiding, Limits(upload_seconds=1)), Client(b"x" * 10, ends=False)) == 408
