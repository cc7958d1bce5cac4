"""The server as a process: what it says, what it takes from the wire, how it stops."""

import asyncio
import json
import signal
import socket
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from serving import Running, serving
from typer.testing import CliRunner
from uvicorn.server import ServerState

from mien.cli import app
from mien.errors import UserError
from mien.serve.server import Protocol, listen
from mien.serve.server_config import ServerConfig


@pytest.fixture
def server(model_file: Path, tmp_path: Path) -> Iterator[Running]:
    with serving("--runs", str(tmp_path), "--model", str(model_file), "--no-open") as running:
        yield running


def form(photo: bytes) -> tuple[bytes, bytes]:
    """The head and the body of a request with a photo."""
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.jpg"\r\n\r\n' + photo + b"\r\n--b--\r\n"
    head = (
        b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    return head, body


def test_it_answers_and_ends_without_a_word(server: Running) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/healthz") as answer:
        assert json.load(answer) == {"status": "ok", "model": "tiny", "check": "none"}
    # Killed by the signal that it was sent, as a service manager expects.
    assert server.stop() == (-signal.SIGTERM, "")


def test_a_stop_finishes_what_was_begun(server: Running, photo: bytes) -> None:
    head, body = form(photo)
    with server.connect() as line:
        line.sendall(head + body[:100])
        assert server.say(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").startswith(
            b"HTTP/1.1 200"
        )
        server.process.send_signal(signal.SIGTERM)
        # No new connection is taken; the open one is answered.
        with pytest.raises(OSError):  # noqa: PT011, PT012 - refused, or reset
            for _ in range(600):
                with socket.create_connection(("127.0.0.1", server.port), timeout=1) as late:
                    late.recv(1)
        line.sendall(body[100:])
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"emotion"' in answer
    assert server.process.wait(timeout=60) == -signal.SIGTERM


def test_what_is_not_http_is_refused_with_a_problem(server: Running) -> None:
    for words in (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"):
        answer = server.say(words)
        assert answer.startswith(b"HTTP/1.1 400 Bad Request")
        assert b"application/problem+json" in answer
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: %s\r\n\r\n"
    assert server.say(head % (b"x" * 40_000)).startswith(b"HTTP/1.1 431")
    with suppress(ConnectionResetError):  # closed before all of it was sent
        assert server.say(head % (b"x" * 2_000_000)).startswith(b"HTTP/1.1 400")
    assert server.say(head % b"").startswith(b"HTTP/1.1 200")
    assert server.stop()[1] == ""


def test_a_refused_upload_gets_its_answer_though_it_was_still_being_sent(server: Running) -> None:
    head, body = form(bytes(25_000_000))
    answer = server.say(head + body)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"20,000,000 bytes" in answer


def test_a_connection_that_never_asks_is_closed(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    import uvicorn

    from mien.serve import server

    monkeypatch.setattr(server, "PATIENCE", 0.05)

    async def silent() -> list[bytes]:
        config = uvicorn.Config(lambda *_: None, http=server.Protocol, lifespan="off", log_level="critical", port=0)
        config.load()
        state = uvicorn.server.ServerState()
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(lambda: server.Protocol(config, state, {}), "127.0.0.1", 0)
        heard = []
        for words in (b"", b"GET / HT"):
            reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
            writer.write(words)
            heard.append(await asyncio.wait_for(reader.read(), 30))
            writer.close()
        listening.close()
        return heard

    assert asyncio.run(silent()) == [b"", b""]


def test_a_taken_port_is_a_message() -> None:
    with listen(ServerConfig(port=0)) as taken, pytest.raises(UserError, match="choose another by --host or --port"):
        listen(ServerConfig(port=taken.getsockname()[1]))


def test_an_address_that_is_not_this_machines_is_a_message() -> None:
    with pytest.raises(UserError, match=r"cannot listen at 203\.0\.113\.7"):
        listen(ServerConfig(host="203.0.113.7", token="a-token-of-some-length"))


def test_mistakes_on_the_command_line_are_reported_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words, message in (
        (["--host", "0.0.0.0"], "give it a token"),
        (["--token", "weak"], "at least 16"),
        (["--limit", "que=1"], "did you mean 'queue'"),
        (["--port", "0", "--model", str(tmp_path / "none.onnx")], "no such model file"),
    ):
        error = CliRunner().invoke(app, ["serve", *words]).exception
        assert isinstance(error, UserError)
        assert message in str(error)


def test_a_missing_extra_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    error = CliRunner().invoke(app, ["serve"]).exception
    assert str(error).startswith("mien serve needs the extra mien[serve]; missing here: prometheus_client; ")


def test_an_answer_is_not_held_back_until_its_head_is_acknowledged(settings: ServerConfig) -> None:
    """Nagle's algorithm is off; on, the second of two packets waits for the client, which takes its 40 ms."""
    connection: list[int] = []

    class Noting(Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            connection.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            transport.close()

    async def connect_once() -> None:
        config = uvicorn.Config(lambda: None, ws="none")
        config.load()
        loop = asyncio.get_running_loop()
        with listen(replace(settings, port=0)) as listening:
            listening.setblocking(False)
            server = await loop.create_server(
                lambda: Noting(config=config, server_state=ServerState(), app_state={}), sock=listening
            )
            reader, writer = await asyncio.open_connection(*listening.getsockname()[:2])
            assert await reader.read() == b""
            writer.close()
            server.close()

    asyncio.run(connect_once())
    assert len(connection) == 1
    assert connection[0]
