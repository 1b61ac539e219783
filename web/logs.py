"""Logs: one JSON object a line on stderr, and one line for each request. No query strings, bodies or addresses.

The request line names the route's template, because a path may hold a serial or a token. Of an exception its class,
code and places are kept: what it says may be the row that a database refused.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType

import structlog

_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every few seconds; only failures are worth a line
_LOG = structlog.get_logger("walletpass.requests")
_REQUEST: ContextVar[str | None] = ContextVar("request", default=None)


def configure_logs(level: int = logging.INFO) -> None:
    """JSON lines on stderr for our own and the libraries' logs. Called once, by the commands that start a service."""
    shared: list[structlog.typing.Processor] = [
        _with_request_id,
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
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it names addresses, and those of pushes hold tokens


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


def name_request(request_id: str) -> None:
    """Whatever is logged from here on in this task belongs to this request."""
    _REQUEST.set(request_id)


def _with_request_id(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    request_id = _REQUEST.get()
    return event if request_id is None else {"request_id": request_id, **event}


def log_request(request_id: str, route: str, method: str, status: int, seconds: float) -> None:
    """One line for one request, as the other lines are, but written by hand: structlog takes five times as long.

    `route` is a template or a constant of ours and `method` one of a few words: nothing needs to be escaped.
    """
    if route in _PROBES and status < 400:
        return
    sys.stderr.write(
        f'{{"request_id": "{request_id}", "route": "{route}", "method": "{method}", "status": {status}, '
        f'"ms": {seconds * 1000:.1f}, "event": "request", "level": "info", '
        f'"timestamp": "{datetime.now(UTC).isoformat()[:26]}Z"}}\n'
    )


def log_failure(route: str) -> None:
    """What nobody foresaw, with its traceback; called where it is caught."""
    _LOG.exception("request_failed", route=route)
