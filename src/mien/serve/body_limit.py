"""Middleware that limits the size of requests' bodies, of each and of all together, and reads refused ones to the end.

Neither Starlette nor uvicorn limits a body; uvicorn limits a request's head (see `mien.serve.server`).
"""

import asyncio
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.serve.limits import Limits
from mien.serve.problem_details import Problem

DRAINED = 8
"""A refused body is read, and thrown away, up to so many times the allowed bytes."""

PATIENCE = 10.0
"""Seconds for that."""


class BodyLimitMiddleware:
    """Middleware: bodies of bounded size, bounded together, in bounded time.

    A server that closes a connection whose body it has not read resets it, and a client that still sends never sees
    the answer. So before any answer, what is left of the body is read and thrown away.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self.held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(self, self._limits, receive, Headers(scope=scope))
        try:
            if body.problem:
                await self._refuse(body, scope, receive, send)
            else:
                await self._app(scope, body.receive, _Answer(body, scope, send).send)
        finally:
            self.held -= body.size

    async def _refuse(self, body: "_Body", scope: Scope, receive: Receive, send: Send) -> None:
        assert body.problem
        await body.drain()
        await body.problem.response()(scope, receive, send)


class _Body:
    """A request's body as it comes.

    Attributes:
        size: bytes of it that are held.
        problem: why it is refused.
    """

    def __init__(self, all_of_them: BodyLimitMiddleware, limits: Limits, receive: Receive, headers: Headers) -> None:
        self._all = all_of_them
        self._limits = limits
        self._receive = receive
        self._expects = "expect" in headers
        self._until = asyncio.get_running_loop().time() + limits.upload_seconds
        self._begun = self._ended = False
        self.size = 0
        self.problem: Problem | None = None
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limits.bytes:
            self.problem = self._too_large()

    async def receive(self) -> Message:
        """The next part of the body for the route; raises the problem once there is one."""
        if self._ended:
            return await self._receive()
        if self.problem:
            raise self.problem
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._next()
        except TimeoutError:
            self._ended = True  # nobody waits for the rest
            detail = f"the body did not arrive within {self._limits.upload_seconds} seconds"
            self.problem = Problem(408, detail, {"Connection": "close"})
            raise self.problem from None
        got = len(message.get("body", b""))
        self.size += got
        self._all.held += got
        if self.size > self._limits.bytes:
            self.problem = self._too_large()
        elif self._all.held > self._limits.held:
            self.problem = Problem(429, "too much is being sent already; try again in a second", {"Retry-After": "1"})
        if self.problem:
            raise self.problem
        return message

    async def drain(self) -> None:
        """Read what is left, within bounds; a client that first asks whether to send (Expect) need not."""
        if self._expects and not self._begun:
            return
        left = DRAINED * self._limits.bytes
        try:
            async with asyncio.timeout(PATIENCE):
                while not self._ended and left > 0:
                    left -= len((await self._next()).get("body", b""))
        except TimeoutError:
            self._ended = True

    async def _next(self) -> Message:
        self._begun = True
        message = await self._receive()
        self._ended = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    def _too_large(self) -> Problem:
        return Problem(413, f"the body has more than {self._limits.bytes:,} bytes; send smaller photos, or fewer")


@dataclass
class _Answer:
    """The way of an answer to the client: after the body was read, and replaced where the body is refused."""

    body: _Body
    scope: Scope
    to_client: Send
    started: bool = False
    replaced: bool = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self.started:
            self.started = True
            await self.body.drain()
            if self.body.problem:
                self.replaced = True
                await self.body.problem.response()(self.scope, self.body.receive, self.to_client)
        if not self.replaced:
            await self.to_client(message)
