"""Security: who may use the server, and what browsers forbid the page."""

from secrets import compare_digest

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.serve.problem_details import Problem
from mien.serve.server_config import ServerConfig

OPEN = frozenset({"/", "/healthz", "/docs", "/openapi.json", "/colours.css", "/favicon.ico"})
"""What needs no token, besides what lies under `STATIC`: the page without its content."""

STATIC = "/static/"

HEAD = 32_768
"""Bytes that a request's headers and query may have together."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; frame-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""The Content Security Policy of what brings none of its own: all from here, nothing inline."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}


class SecurityHeaders:
    """Middleware: headers that every answer carries, unless its route set them otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-cache" if scope["path"].startswith(STATIC) else "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)


class AuthMiddleware:
    """Middleware: requests must carry the token, and none may come from another site's page.

    Without a token, a server listens on this machine alone. There another site's page could make a browser send
    requests: by a form, or under a name that it makes lead here (DNS rebinding). So requests that a browser marks as
    another site's are refused, and, without a token, those for a name that is not this machine's.
    No header ever allows another origin (CORS) to read an answer.

    Starlette's TrustedHostMiddleware does not do: it answers 400 in plain text, and cuts an IPv6 address at its first
    colon.
    """

    def __init__(self, app: ASGIApp, config: ServerConfig) -> None:
        self._app = app
        self._token = config.token.encode()
        self._names = {"localhost", "127.0.0.1", "::1", config.host}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        problem = self._refused(scope) if scope["type"] == "http" else None
        if problem:
            await problem.response()(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refused(self, scope: Scope) -> Problem | None:
        path, headers = scope["path"], Headers(scope=scope)
        if len(scope["query_string"]) + sum(len(name) + len(value) for name, value in headers.raw) > HEAD:
            return Problem(431, f"headers and query have more than {HEAD:,} bytes")
        if not self._token and (name := _hostname(headers)) not in self._names:
            return Problem(421, f"this server does not go by the name {name}; behind a proxy, start it with --token")
        if path in OPEN or path.startswith(STATIC):
            return None
        if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return Problem(403, "requested by a page of another site, which may not use this server")
        if self._token and not compare_digest(_bearer(headers), self._token):
            detail = "this server needs its token: send it as Authorization: Bearer TOKEN"
            return Problem(401, detail, {"WWW-Authenticate": "Bearer"})
        return None


def _hostname(headers: Headers) -> str:
    """The name in the header Host, without its port; every browser sends one, so a request without is local."""
    host = headers.get("host", "localhost")
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0].lower()


def _bearer(headers: Headers) -> bytes:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip().encode() if scheme.lower() == "bearer" else b""
