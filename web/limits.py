"""Bounds on what callers may send: the size of a body, enforced before anything parses it, and requests a minute."""

from __future__ import annotations

import asyncio
import ipaddress
import math
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock

from fastapi import Request
from pyrate_limiter import Duration, InMemoryBucket, MonotonicClock, Rate, RateItem
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keys.errors import WalletPassError
from web.problems import answer

_BODY_TIME = 60.0  # seconds for a whole body to arrive
_CALLERS_AT_MOST = 4096


class BodyTooLarge(WalletPassError):
    """The request's body is larger than this address takes."""

    code = "body_too_large"


class BodyTooSlow(WalletPassError):
    """The request's body did not arrive in time."""

    code = "body_too_slow"


class TooManyRequests(WalletPassError):
    """The caller asks more often than allowed. `retry_after` is in seconds."""

    code = "too_many_requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests; try again in {retry_after} s.")
        self.retry_after = retry_after


class BodyLimit:
    """ASGI middleware: read the body up to its limit, then hand it on. `larger` maps path prefixes to own limits.

    Below the prefixes of `streamed` the body is only counted while the address itself reads it: it may be large, and
    memory is spent on nobody whose token was not looked at.
    """

    def __init__(
        self, app: ASGIApp, default: int, larger: Mapping[str, int], streamed: Mapping[str, int] | None = None
    ) -> None:
        self._app, self._default, self._larger, self._streamed = app, default, larger, streamed or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        if limit := _limit(scope, self._streamed):
            await self._app(scope, _counted(receive, limit), send)
            return
        limit = _limit(scope, self._larger) or self._default
        try:
            async with asyncio.timeout(_BODY_TIME):
                body = await _read(scope, receive, limit)
        except WalletPassError as refusal:
            await answer(refusal, {})(scope, receive, send)
            return
        except TimeoutError:
            await answer(BodyTooSlow("The request took too long to arrive."), {})(scope, receive, send)
            return
        if body is not None:
            await self._app(scope, _replay(body, receive), send)


def _limit(scope: Scope, limits: Mapping[str, int]) -> int | None:
    return next((size for prefix, size in limits.items() if scope["path"].startswith(prefix)), None)


def _counted(receive: Receive, limit: int) -> Receive:
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > limit:
            raise _too_large(limit)
        return message

    return counted


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The request is too large; at most {limit >> 10} kB are taken here.")


async def _read(scope: Scope, receive: Receive, limit: int) -> bytes | None:
    """The body; None when the caller went away."""
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    refusal = _too_large(limit)
    if not announced.isdigit() or int(announced[:20]) > limit:
        raise refusal
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > limit:
            raise refusal
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed


class RateLimit:
    """So many requests a minute for each caller. Callers are forgotten when too many others have come since."""

    def __init__(self, per_minute: int) -> None:
        self._rates = [Rate(per_minute, Duration.MINUTE)]
        self._clock = MonotonicClock()
        self._buckets: OrderedDict[str, InMemoryBucket] = OrderedDict()
        self._lock = Lock()

    def take(self, caller: str) -> None:
        """Count one request; raises `TooManyRequests`."""
        now = int(self._clock.now())
        item = RateItem(caller, now)
        with self._lock:
            bucket = self._buckets.pop(caller, None) or InMemoryBucket(self._rates)
            self._buckets[caller] = bucket
            if len(self._buckets) > _CALLERS_AT_MOST:
                self._buckets.popitem(last=False)
            bucket.leak(now)
            if not bucket.put(item):
                waiting = bucket.waiting(item)
                assert isinstance(waiting, int)  # an awaitable comes from buckets over a network only
                raise TooManyRequests(max(1, math.ceil(waiting / 1000)))


def caller_address(request: Request) -> str:
    """Whom to count: the address; for IPv6 its /64, because one household has all of it."""
    host = request.client.host if request.client else "unknown"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else host
