"""Logs: one JSON object a line on stderr, and one line for each request. No query strings, bodies or addresses.

The request line names the route's template, because a path may hold a serial or a token. Of an exception its class,
code and places are kept: what it says may be the row that a database refused.
"""

from __future__ import annotations

import logging
import secrets
import sys
import time
import traceback
from collections.abc import Iterator
from types import TracebackType

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.metrics import RequestMetrics
from web.problems import internal_error

_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_LOG = structlog.get_logger("walletpass.requests")


def configure_logs(level: int = logging.INFO) -> None:
    """JSON lines on stderr for our own and the libraries' logs. Called once, by the commands that start a service."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    exceptions = structlog.processors.ExceptionRenderer(without_values)
    structlog.configure(
        processors=[
            *shared,
            exceptions,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                exceptions,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[lines], force=True)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


def without_values(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
    """A traceback without the exceptions' sentences, causes first, each with its code (SQLSTATE or our own).

    PostgreSQL's DETAIL lines repeat the values of a row.
    """
    return "".join(_described(exc_info[1], set()))


def _described(failure: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(failure))
    context = None if failure.__suppress_context__ else failure.__context__
    inner = getattr(failure, "exceptions", ())  # of a group
    for cause in (failure.__cause__ or context, *inner):
        if cause is not None and id(cause) not in seen:
            yield from _described(cause, seen)
    yield from traceback.format_tb(failure.__traceback__)
    code = getattr(failure, "sqlstate", None) or getattr(failure, "code", None)
    told = f" [{code}]" if isinstance(code, str) else ""
    yield f"{type(failure).__module__}.{type(failure).__qualname__}{told}\n"


_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every few seconds; only failures are worth a line


class RequestLog:
    """ASGI middleware, outermost: times, counts and logs each request, and answers 500 to what nobody foresaw."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        request_id = secrets.token_hex(8)

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, noting)
            except Exception:
                _LOG.exception("request_failed", route=_route(scope))
                if status == 0:
                    await internal_error()(scope, receive, noting)
            seconds = time.perf_counter() - started
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.answered(_route(scope), method, status, seconds)
            log = _LOG.debug if _route(scope) in _PROBES and status < 400 else _LOG.info
            log("request", route=_route(scope), method=method, status=status, ms=round(seconds * 1000, 1))


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "unmatched")
