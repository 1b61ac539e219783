"""`python -m bench.load`: asks HTTP servers as fast as they answer, from a process of its own.

Each line on stdin is a plan, each line on stdout what came of it. So many connections are kept open and each sends its
next request when the answer to the last is there; anything but a whole answer of 200 ends the process.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import cast

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_OK = b"HTTP/1.1 200 OK\r\n"


@dataclass(slots=True)
class Round:
    """What all connections of one round share. Times are seconds of `time.perf_counter`."""

    requests: Iterator[bytes]
    begins: float
    ends: float
    seconds: list[float] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """One caller."""

    def __init__(self, shared: Round, finished: asyncio.Future[None]) -> None:
        self._shared, self._finished = shared, finished
        self._answer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        end = self._answer.find(b"\r\n\r\n")
        length = _LENGTH.search(self._answer, 0, end + 2) if end >= 0 else None
        if length is None or len(self._answer) < end + 4 + int(length[1]):
            return
        now = time.perf_counter()
        if not self._answer.startswith(_OK):
            self._finish(ConnectionError(f"not the answer that was wanted: {self._answer[:300]!r}"))
            return
        if self._sent >= self._shared.begins:
            self._shared.seconds.append(now - self._sent)
        self._answer = b""
        if now < self._shared.ends:
            self._ask()
        else:
            self._finish(None)

    def connection_lost(self, failure: Exception | None) -> None:
        self._finish(failure or ConnectionError("the server hung up"))

    def _finish(self, failure: Exception | None) -> None:
        self._transport.close()
        if not self._finished.done():
            self._finished.set_exception(failure) if failure else self._finished.set_result(None)

    def _ask(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(next(self._shared.requests))


async def ask(port: int, requests: list[bytes], connections: int, seconds: float, warming: float) -> Round:
    """One round; the first `warming` seconds are not counted."""
    loop = asyncio.get_running_loop()
    begins = time.perf_counter() + warming
    shared = Round(cycle(requests), begins, begins + seconds)
    finished = [loop.create_future() for _ in range(connections)]
    for each in finished:
        await loop.create_connection(lambda each=each: Connection(shared, each), "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*finished)
    return shared


def main() -> None:
    """Run each plan: `port`, `requests` (texts of whole HTTP requests), `connections`, `seconds`, `warming`."""
    for line in sys.stdin:
        plan = json.loads(line)
        plan["requests"] = [text.encode() for text in plan["requests"]]
        found = uvloop.run(ask(**plan))
        percentiles = statistics.quantiles(found.seconds, n=100)
        answer = {"rate": len(found.seconds) / plan["seconds"], "p50": percentiles[49], "p99": percentiles[98]}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
