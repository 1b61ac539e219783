"""Judging at this moment with what the service knows at this moment, counted by outcome and reason only."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from verifiers.known import Known
from verifiers.verification import verify
from walletpass.verdict import Reason, Verdict


class Judge:
    """The one place of the service that calls `verify`."""

    def __init__(self, known: Known, registry: CollectorRegistry) -> None:
        self.known = known
        self._verdicts = Counter("walletpass_verdicts_total", "Verdicts.", ("outcome", "reason"), registry=registry)
        self._counts: dict[Reason, Callable[[], None]] = {}
        age = Gauge("walletpass_oldest_status_list_seconds", "Age of the oldest status list.", registry=registry)
        age.set_function(self._oldest)

    def judge(self, text: str) -> Verdict:
        """A verdict on any text."""
        verdict = verify(text, self.known.current, int(time.time()))
        count = self._counts.get(verdict.reason)
        if count is None:  # the reason says the outcome
            count = self._verdicts.labels(verdict.outcome.value, verdict.reason.value).inc
            self._counts[verdict.reason] = count
        count()
        return verdict

    def _oldest(self) -> float:
        lists = self.known.current.status_lists.values()
        return max((time.time() - listed.issued_at for listed in lists), default=0.0)
