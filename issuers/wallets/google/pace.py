"""So many requests a second and no more: Google counts them for each issuer."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

_ROOM = 1.05  # twenty of twenty-one requests take a little over a second, although some are faster on their way


class Pace:
    """Lets callers pass one after the other, evenly, from whatever thread they come."""

    def __init__(
        self,
        per_second: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap, self._clock, self._sleep = _ROOM / per_second, clock, sleep
        self._lock, self._next = Lock(), clock()

    def wait(self) -> None:
        """Return when it is the caller's turn. Who was woken late delays the next, so that none come close together."""
        with self._lock:
            ahead = self._next - self._clock()
            if ahead > 0:
                self._sleep(ahead)
            self._next = self._clock() + self._gap
