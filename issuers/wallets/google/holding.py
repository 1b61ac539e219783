"""Whether rows of the outbox are still ours, asked by many threads: the lease is renewed long before it ends."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from sqlalchemy.exc import SQLAlchemyError

from issuers.outbox import Report

RENEWED_EVERY = 5.0  # seconds: with a lease of 90 s there is time for any request that begins now


class Holding:
    """The rows of one report. `seconds`: the clock that the lease goes by."""

    def __init__(self, report: Report, seconds: Callable[[], float]) -> None:
        self._report, self._seconds = report, seconds
        self._lock, self._ours = Lock(), True
        self._renewed_at: float | None = None

    def is_ours(self) -> bool:
        """Renew the lease unless that was done just now; False, from then on, when another worker has the rows.

        A database that does not answer counts as lost: what cannot be renewed must not be relied on.
        """
        with self._lock:
            now = self._seconds()
            fresh = self._renewed_at is not None and 0 <= now - self._renewed_at < RENEWED_EVERY
            if self._ours and not fresh:
                try:
                    self._ours = self._report.keep()
                except SQLAlchemyError:
                    self._ours = False
                self._renewed_at = now
            return self._ours
