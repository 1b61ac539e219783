"""The edge both services stand behind, put together in one place so that neither forgets a part."""

from __future__ import annotations

from collections.abc import Mapping

import uvicorn
from fastapi import FastAPI

from web.headers import SecurityHeaders
from web.health import Missing, health_router
from web.limits import BodyLimit
from web.logs import RequestLog, configure_logs
from web.metrics import RequestMetrics
from web.pages import static_files
from web.problems import install_problems

JSON_LIMIT = 64 << 10  # bytes


def fit_edge(
    app: FastAPI,
    statuses: Mapping[str, int],
    missing: Missing,
    larger_bodies: Mapping[str, int] | None = None,
    streamed_bodies: Mapping[str, int] | None = None,
) -> RequestMetrics:
    """Problem details, limits, headers, logs, health and metrics for `app`; returns its figures.

    `statuses`: HTTP status by error code. `missing`: what readiness still lacks. `larger_bodies`: limits in bytes by
    path prefix, where `JSON_LIMIT` is too small. `streamed_bodies`: the same, for addresses that read the body
    themselves, piece by piece.
    """
    metrics = RequestMetrics()
    install_problems(app, statuses)
    app.include_router(health_router(missing))
    app.include_router(metrics.router())
    app.mount("/static", static_files(), name="static")
    # The last one added is the outermost.
    app.add_middleware(BodyLimit, default=JSON_LIMIT, larger=larger_bodies or {}, streamed=streamed_bodies or {})
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog, metrics=metrics)
    return metrics


def serve(app: FastAPI, host: str, port: int) -> None:
    """Run `app` until it is interrupted. Logs go to stderr as JSON lines."""
    configure_logs()
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=10,
        h11_max_incomplete_event_size=16 << 10,
    )
