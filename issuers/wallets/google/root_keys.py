"""Google's root keys for callbacks: fetched when a callback needs them, by one at a time, and kept as Google says.

Nobody who sends callbacks can make this service ask Google more than once in a few minutes, or wait for it in more
than one thread. Source: tink-java-apps, `GooglePaymentsPublicKeysManager` (Cache-Control decides how long).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from threading import Lock

from issuers.wallets.google.exchange import Answer, GoogleUnreachable, exchange, new_client
from issuers.wallets.google.signed_callback import RootKey, read_root_keys
from walletpass.errors import WalletPassError

_SHORTEST, _LONGEST = 300, 86400  # seconds that keys are kept
_AGAIN = 300  # seconds until they are fetched anew because a signature fits none
_AFTER_FAILURE = 30
_LIMIT = 64 << 10  # bytes
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=([0-9]{1,9})(?:$|[\s,])")


class KeysUnavailable(WalletPassError):
    """Google's keys cannot be had at this moment, so that nothing can be said about a callback."""

    code = "google_keys_unavailable"
    retry_after = _AFTER_FAILURE


class RootKeys:
    """The keys at one address. `elapsed` only rises, whatever becomes of the clock."""

    def __init__(self, url: str, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._url, self._elapsed = url, elapsed
        self._fetching = Lock()
        self._known: Sequence[RootKey] = ()
        self._until, self._not_before = elapsed(), elapsed()

    def current(self, *, anew: bool = False) -> Sequence[RootKey]:
        """The keys; `anew`: a signature fits none of them. Raises `KeysUnavailable`."""
        now = self._elapsed()
        fresh = bool(self._known) and now < self._until
        if fresh and (not anew or now < self._not_before):
            return self._known
        if now < self._not_before or not self._fetching.acquire(blocking=False):
            if fresh:
                return self._known
            raise KeysUnavailable("Google's keys are not here yet; send the callback again.")
        try:
            return self._fetch()
        finally:
            self._fetching.release()

    def _fetch(self) -> Sequence[RootKey]:
        self._not_before = self._elapsed() + _AFTER_FAILURE
        try:
            with closing(new_client()) as client:
                answer = exchange(client, "GET", self._url, {"Accept": "application/json"}, limit=_LIMIT)
        except GoogleUnreachable:
            raise KeysUnavailable("Google's keys cannot be fetched at this moment; send the callback again.") from None
        found = read_root_keys(answer.body) if answer.status == 200 else []
        if not found:
            raise KeysUnavailable("What is at the address of Google's keys are no keys; send the callback again.")
        now = self._elapsed()
        self._known, self._until, self._not_before = found, now + _life(answer), now + _AGAIN
        return found


def _life(answer: Answer) -> int:
    found = _MAX_AGE.search(answer.headers.get("cache-control", "").lower())
    return min(max(int(found[1]) if found else 0, _SHORTEST), _LONGEST)
