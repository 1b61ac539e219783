"""One question to Google and its answer, bounded in size and time. What goes wrong on the way has one code."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx2

from walletpass.errors import WalletPassError

LIMIT = 256 << 10  # bytes of an answer; an object has 2 to 4 kB
_TIMES = httpx2.Timeout(10.0, connect=5.0)  # Google's advice for its callers is about 10 s
_TOTAL = 20.0  # seconds until an answer that trickles is given up


class GoogleUnreachable(WalletPassError):
    """No connection, no answer in time, or one that is no HTTP."""

    code = "google_unreachable"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers` have names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def members(self) -> dict[str, Any]:
        """The JSON object that it is; empty for anything else."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def new_client(connections: int = 1) -> httpx2.Client:
    """A client that follows no redirects; the caller closes it."""
    return httpx2.Client(
        timeout=_TIMES,
        follow_redirects=False,
        limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=60),
        # Nothing packed: the limit then counts what arrives.
        headers={"Accept-Encoding": "identity", "User-Agent": "walletpass-issuer"},
    )


def exchange(
    client: httpx2.Client, method: str, url: str, headers: Mapping[str, str], content: bytes = b"", limit: int = LIMIT
) -> Answer:
    """Ask once. Raises `GoogleUnreachable`, also for an answer larger than `limit` bytes."""
    deadline = time.monotonic() + _TOTAL
    try:
        request = client.build_request(method, url, headers=dict(headers), content=content or None)
        with closing(client.send(request, stream=True)) as response:
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > limit or time.monotonic() > deadline:
                    raise GoogleUnreachable("Google's answer is too large or too slow; it is asked again later.")
            return Answer(response.status_code, dict(response.headers), bytes(body))
    except (httpx2.HTTPError, OSError):
        raise GoogleUnreachable("Google does not answer at this moment; it is asked again later.") from None
