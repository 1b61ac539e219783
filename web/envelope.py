"""The one layer around everything a service answers: an id, a time, a count and a log line; headers; bounded bodies.

One layer instead of one for each, because every layer costs each request some microseconds. What an address that is
asked very often does is offered as a `Quick` too: it answers the plain case itself, and passes on whatever is unusual
to the ordinary way, which knows every mistake.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keys.errors import WalletPassError
from web.headers import SECURITY_HEADERS, secured
from web.limits import BODY_TIME, BodyLimits, BodyTooSlow, counted, read_body, replayed
from web.logs import log_failure, log_request, name_request
from web.metrics import RequestMetrics
from web.problems import answer, internal_error

_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
_JSON = (b"content-type", b"application/json")


class Quick(Protocol):
    """The quick way for `POST` to one address. `path` is the address and its name in logs and figures."""

    path: str

    def answer(self, scope: Scope, body: bytes) -> bytes | None:
        """The JSON of a 200, or None: the ordinary way answers then, as if nothing had been asked.

        What it raises (`WalletPassError`) becomes a problem document.
        """
        ...


class Envelope:
    """ASGI middleware. What nobody foresaw is answered with 500."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: RequestMetrics,
        limits: BodyLimits,
        statuses: Mapping[str, int],
        quick: Mapping[str, Quick],
    ) -> None:
        self._app, self._metrics, self._limits = app, metrics, limits
        self._statuses, self._quick = statuses, quick

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = secrets.token_hex(8)
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
            content = await self._answer(scope, receive, enveloped)
            if content is not None:
                status = 200
                headers = [_JSON, (b"content-length", b"%d" % len(content)), *SECURITY_HEADERS, own]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": content})
        except Exception:
            log_failure(_route(scope))
            if status == 0:
                await internal_error()(scope, receive, enveloped)
        seconds = time.perf_counter() - started
        route, method = _route(scope), scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.answered(route, method, status, seconds)
        log_request(request_id, route, method, status, seconds)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> bytes | None:
        """Let the ordinary way answer, or give what the quick way found."""
        method, path = scope["method"], scope["path"]
        if method in _WITHOUT_BODY:
            await self._app(scope, receive, send)
            return None
        if limit := self._limits.streamed(path):
            await self._app(scope, counted(receive, limit), send)
            return None
        quick = self._quick.get(path) if method == "POST" else None
        statuses: Mapping[str, int] = {}
        try:
            async with asyncio.timeout(BODY_TIME):
                body = await read_body(scope, receive, self._limits.whole(path))
            if body is None:  # the caller went away
                return None
            if quick is not None:
                scope["route"], statuses = quick, self._statuses
                content = quick.answer(scope, body)
                if content is not None:
                    return content
                del scope["route"]
        except WalletPassError as refusal:
            await answer(refusal, statuses)(scope, receive, send)
            return None
        except TimeoutError:
            await answer(BodyTooSlow("The request took too long to arrive."), {})(scope, receive, send)
            return None
        await self._app(scope, replayed(body, receive), send)
        return None


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "unmatched")
