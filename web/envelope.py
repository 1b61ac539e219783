"""The one layer around everything a service answers: an id, a time, a count and a log line; headers; bounded bodies.

One layer instead of one for each, because every layer costs each request some microseconds.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keys.errors import WalletPassError
from web.headers import secured
from web.limits import BODY_TIME, BodyLimits, BodyRoom, BodyTooSlow, counted, read_body, replayed
from web.logs import log_failure, log_request, name_request
from web.metrics import RequestMetrics
from web.problems import answer, internal_error

_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})


class Envelope:
    """ASGI middleware. What nobody foresaw is answered with 500."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics, limits: BodyLimits) -> None:
        self._app, self._metrics, self._limits = app, metrics, limits
        self._room = BodyRoom()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, request_id = time.perf_counter(), secrets.token_hex(8)
        name_request(request_id)
        own = (b"x-request-id", request_id.encode())
        status = 0

        async def enveloped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = secured(message["headers"], own)
            await send(message)

        try:
            await self._answer(scope, receive, enveloped)
        except Exception:
            log_failure(_route(scope))
            if status == 0:
                await internal_error()(scope, receive, enveloped)
        seconds = time.perf_counter() - started
        route, method = _route(scope), scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.answered(route, method, status, seconds)
        log_request(request_id, route, method, status, seconds)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in _WITHOUT_BODY:
            await self._app(scope, receive, send)
            return
        if limit := self._limits.streamed(scope["path"]):
            await self._app(scope, counted(receive, limit), send)
            return
        with self._room.taken() as take:
            await self._answer_body(scope, receive, send, take)

    async def _answer_body(self, scope: Scope, receive: Receive, send: Send, take: Callable[[int], None]) -> None:
        try:
            async with asyncio.timeout(BODY_TIME):
                body = await read_body(scope, receive, self._limits.whole(scope["path"]), take)
        except WalletPassError as refusal:
            await answer(refusal, {})(scope, receive, send)
            return
        except TimeoutError:
            await answer(BodyTooSlow("The request took too long to arrive."), {})(scope, receive, send)
            return
        if body is not None:
            await self._app(scope, replayed(body, receive), send)


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "unmatched")
