"""A quick way for an address that machines ask very often: the plain request only, before the framework sees it.

FastAPI's layers, dependencies and models cost more than judging a code does. Whatever is not plain is passed on to
them: they describe the address and know every mistake, and a service's tests hold the answers of both ways together. On
this way too there are an id, a count, a log line, the headers, the limits and the time for a body.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from keys.errors import WalletPassError
from web.headers import SECURITY_HEADERS, Header
from web.limits import BODY_TIME, JSON_LIMIT, BodyTooSlow, read_body, replayed
from web.logs import log_failure, log_request, name_request
from web.metrics import RequestMetrics
from web.problems import answer, internal_error

_JSON: Header = (b"content-type", b"application/json")


class Quick(Protocol):
    """What answers `POST` to `path`, which is also its name in logs and figures."""

    path: str

    def answer(self, scope: Scope, body: bytes) -> bytes | None:
        """The JSON of a 200, or None: the ordinary way answers then, as if nothing had been asked.

        What it raises (`WalletPassError`) becomes a problem document.
        """
        ...


class QuickLane:
    """The ASGI application for one such address. `rest` is the ordinary way, `statuses` as for `fit_edge`."""

    def __init__(self, quick: Quick, rest: ASGIApp, metrics: RequestMetrics, statuses: Mapping[str, int]) -> None:
        self._quick, self._rest, self._metrics, self._statuses = quick, rest, metrics, statuses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_plain(scope["headers"]):
            await self._rest(scope, receive, send)
            return
        started, request_id = time.perf_counter(), secrets.token_hex(8)
        name_request(request_id)
        body: bytes | None = None
        refused: Response | None = None
        content: bytes | None = None
        try:
            async with asyncio.timeout(BODY_TIME):
                body = await read_body(scope, receive, JSON_LIMIT)
            if body is None:
                return  # the caller went away
            content = self._quick.answer(scope, body)
        except WalletPassError as refusal:
            refused = answer(refusal, self._statuses)
        except TimeoutError:
            refused = answer(BodyTooSlow("The request took too long to arrive."), {})
        except Exception:
            log_failure(self._quick.path)
            refused = internal_error()
        if content is not None:
            status, headers = 200, [_JSON, (b"content-length", b"%d" % len(content))]
        elif refused is not None:
            status, headers, content = refused.status_code, refused.raw_headers, bytes(refused.body)
        else:
            await self._rest(scope, replayed(body or b"", receive), send)
            return
        headers = [*headers, *SECURITY_HEADERS, (b"x-request-id", request_id.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})
        seconds = time.perf_counter() - started
        self._metrics.answered(self._quick.path, "POST", status, seconds)
        log_request(request_id, self._quick.path, "POST", status, seconds)


def _is_plain(headers: Iterable[Header]) -> bool:
    """A body of JSON that says how long it is, and is not too long; the server sees to it that the length is kept."""
    json, length = False, b""
    for name, value in headers:
        if name == b"content-length":
            length = value
        elif name == b"content-type":
            json = value == b"application/json"
    return json and length.isdigit() and int(length[:9]) <= JSON_LIMIT
