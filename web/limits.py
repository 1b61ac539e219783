"""Bounds on what callers may send: the size of a body, enforced before anything parses it, and requests a minute."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from fastapi import Request
from starlette.types import Message, Receive, Scope

from keys.errors import WalletPassError

JSON_LIMIT = 64 << 10  # bytes
BODIES_TOGETHER = 256 << 20  # bytes
BODY_TIME = 60.0  # seconds for a whole body to arrive
_CALLERS_AT_MOST = 4096
_MINUTE = 60.0  # seconds


class BodyTooLarge(WalletPassError):
    """The request's body is larger than this address takes."""

    code = "body_too_large"


class BodyTooSlow(WalletPassError):
    """The request's body did not arrive in time."""

    code = "body_too_slow"


class BodiesBusy(WalletPassError):
    """So much is being sent at once that no more fits into the memory set aside for it."""

    code = "bodies_busy"
    retry_after = 5


class TooManyRequests(WalletPassError):
    """The caller asks more often than allowed. `retry_after` is in seconds."""

    code = "too_many_requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests; try again in {retry_after} s.")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How large a body may be, in bytes: `larger` and `streams` hold own limits by path prefix.

    A body is read whole, up to its limit, before anything else sees it. Below the prefixes of `streams` it is only
    counted while the address itself reads it: it may be large, and memory is spent on nobody whose token was not
    looked at.
    """

    default: int
    larger: Mapping[str, int]
    streams: Mapping[str, int]

    def whole(self, path: str) -> int:
        """The limit of a body that is read whole."""
        return _limit(path, self.larger) or self.default

    def streamed(self, path: str) -> int | None:
        """The limit of a body that the address reads itself; None where it does not."""
        return _limit(path, self.streams)


def _limit(path: str, limits: Mapping[str, int]) -> int | None:
    for prefix, size in limits.items():
        if path.startswith(prefix):
            return size
    return None


def counted(receive: Receive, limit: int) -> Receive:
    """The same, but `BodyTooLarge` is raised once more than `limit` bytes have come."""
    total = 0

    async def counting() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > limit:
            raise _too_large(limit)
        return message

    return counting


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The request is too large; at most {limit >> 10} kB are taken here.")


class BodyRoom:
    """The memory that bodies of requests may take up together, whoever sends them: strangers can open connections."""

    def __init__(self, size: int = BODIES_TOGETHER) -> None:
        self._free = size

    @contextmanager
    def taken(self) -> Iterator[Callable[[int], None]]:
        """Gives what takes some bytes of it, until the request is over; that raises `BodiesBusy` when none are left."""
        own = 0

        def take(count: int) -> None:
            nonlocal own
            if count > self._free:
                raise BodiesBusy("Too much is being sent to this service just now; try again in a moment.")
            self._free -= count
            own += count

        try:
            yield take
        finally:
            self._free += own


async def read_body(
    scope: Scope, receive: Receive, limit: int, take: Callable[[int], None] | None = None
) -> bytes | None:
    """The body; None when the caller went away. `take` is told of each piece's bytes before it is kept (`BodyRoom`).

    Raises `BodyTooLarge`, whether the body's length is announced or not, and what `take` raises.
    """
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    if not announced.isdigit() or int(announced[:20]) > limit:
        raise _too_large(limit)
    parts, total = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        if take is not None:
            take(len(part))
        parts.append(part)
        total += len(part)
        if total > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return b"".join(parts)


def replayed(body: bytes, receive: Receive) -> Receive:
    """Gives a body that was read already."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replaying() -> Message:
        return pending.pop() if pending else await receive()

    return replaying


class RateLimit:
    """So many requests in any minute for each caller, or in any `span` seconds.

    Callers are forgotten when too many others have come since.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic, *, span: float = _MINUTE) -> None:
        self._most, self._clock, self._span = most, clock, span
        self._callers: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    def take(self, caller: str) -> None:
        """Count one request; raises `TooManyRequests`, and what was refused does not count."""
        now = self._clock()
        with self._lock:
            taken = self._callers.pop(caller, None) or deque()
            self._callers[caller] = taken
            if len(self._callers) > _CALLERS_AT_MOST:
                self._callers.popitem(last=False)
            while taken and taken[0] <= now - self._span:
                taken.popleft()
            if len(taken) >= self._most:
                raise TooManyRequests(math.ceil(taken[0] + self._span - now))
            taken.append(now)


def caller_address(request: Request) -> str:
    """Whom to count: the address; for IPv6 its /64, because one household has all of it."""
    host = request.client.host if request.client else "unknown"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else host
