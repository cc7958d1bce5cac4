"""Metrics: what a server counts and times, as Prometheus reads it. No photo, name or emotion is in them."""

from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
FACES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The counters, gauges and histograms of one app.

    Attributes:
        requests: answered, by method, route and status.
        seconds: from a request's first byte to its answer's last, by route.
        photos: by outcome: `answered`, or `refused` with the status of why.
        faces: detected.
        waiting: photos accepted and not answered yet.
        inference_faces: classified together, an inference.
        inference_seconds: that it took.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "mien_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "mien_request_seconds", "Seconds a request takes.", ("route",), buckets=SECONDS, registry=self.registry
        )
        self.photos = Counter("mien_photos", "Photos by outcome.", ("outcome",), registry=self.registry)
        self.faces = Counter("mien_faces", "Faces detected.", registry=self.registry)
        self.waiting = Gauge("mien_photos_waiting", "Photos accepted, not answered yet.", registry=self.registry)
        self.inference_faces = Histogram(
            "mien_inference_faces", "Faces classified in one inference.", buckets=FACES, registry=self.registry
        )
        self.inference_seconds = Histogram(
            "mien_inference_seconds", "Seconds an inference takes.", buckets=SECONDS, registry=self.registry
        )

    def text(self) -> bytes:
        """All of them in Prometheus's text format."""
        return generate_latest(self.registry)


class MetricsMiddleware:
    """Middleware: counts and times requests by their routes."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = perf_counter(), 499  # the client left before the answer

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            # A path that is no route's is not a label: anybody can make up as many as they like.
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if route != "other" else "other"
            self._metrics.requests.labels(method, route, str(status)).inc()
            self._metrics.seconds.labels(route).observe(perf_counter() - started)
