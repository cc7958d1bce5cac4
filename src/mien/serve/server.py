"""The server: uvicorn, with a time limit for heads, problems for requests that are not HTTP, and a clean stop."""

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from mien.errors import UserError
from mien.serve.app import App
from mien.serve.problem_details import MEDIA_TYPE, Problem
from mien.serve.security import HEAD
from mien.serve.server_config import ServerConfig

PATIENCE = 15
"""Seconds that a connection may take to send a request's head."""

IDLE = 75
"""Seconds that a connection may stay open between requests: proxies keep theirs shorter, so that they close first."""

BACKLOG = 256


class Protocol(H11Protocol):
    """HTTP/1.1 that closes connections which never send a whole head, and refuses what is not HTTP with a problem."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, and send answers at once."""
        # asyncio does so with sockets that it opened itself. Held back for the head's acknowledgement, a body came
        # 40 ms late, time and again.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)
        self._waiting = self.loop.call_later(PATIENCE, transport.close)

    def data_received(self, data: bytes) -> None:
        """Take what came; once a head is whole, the wait is over until the next one begins."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._end_wait()
        elif self._waiting is None and not self.transport.is_closing():
            self._waiting = self.loop.call_later(PATIENCE, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._end_wait()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or has a head beyond all measure."""
        body = json.dumps(Problem(400, f"not a request that can be understood: {msg}").body()).encode()
        headers = [("Content-Type", MEDIA_TYPE), ("Content-Length", str(len(body))), ("Connection", "close")]
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            for event in (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _end_wait(self) -> None:
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None


class Server(uvicorn.Server):
    """A server that ends all listening to events when it stops, and answers everything else before it ends."""

    def __init__(self, config: uvicorn.Config, app: App) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop."""
        self._app.stop()
        await super().shutdown(sockets)


def listen(config: ServerConfig) -> socket.socket:
    """A socket that listens at the configured address.

    Raises:
        UserError: the port is taken, or the address is none of this machine's.
    """
    try:
        family, *_, address = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(
            f"cannot listen at {config.host}, port {config.port}: {reason}; choose another by --host or --port"
        ) from None


def run(app: App, listening: socket.socket, config: ServerConfig, ready: Callable[[], Any]) -> None:
    """Serve until the process gets SIGINT or SIGTERM; then finish what was accepted.

    Args:
        app: to serve.
        listening: where.
        config: its limits say how long finishing may take.
        ready: called when requests are taken.
    """
    server_config = uvicorn.Config(
        _announced(app, ready),
        http=Protocol,
        h11_max_incomplete_event_size=2 * HEAD,  # what is a little too long is refused with a problem
        ws="none",
        lifespan="on",
        access_log=False,
        log_level=logging.ERROR,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=config.limits.seconds,
    )
    Server(server_config, app).run(sockets=[listening])


def _announced(app: App, ready: Callable[[], Any]) -> Any:
    """The app, which calls `ready` once it has started."""

    async def announced(scope: Any, receive: Any, send: Any) -> None:
        async def send_noted(message: Any) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                ready()

        await app(scope, receive, send_noted if scope["type"] == "lifespan" else send)

    return announced
