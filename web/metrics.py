"""Figures for Prometheus, in a registry of each app's own, and the address that shows them."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.responses import Response


class RequestMetrics:
    """Requests by route (the template, never the path: that would hold serials), method and status."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "walletpass_http_requests_total",
            "Requests answered.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "walletpass_http_request_seconds", "Time to answer.", ("route",), registry=self.registry
        )
        # Finding a labelled child takes longer than counting, so each is kept once it was found.
        self._children: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        key = (route, method, status)
        found = self._children.get(key)
        if found is None:
            found = self._requests.labels(route, method, str(status)).inc, self._seconds.labels(route).observe
            self._children[key] = found
        count, observe = found
        count()
        observe(seconds)

    def router(self) -> APIRouter:
        """`/metrics` in the text format."""
        router = APIRouter(tags=["health"])

        @router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
        def metrics() -> Response:
            return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)

        return router
