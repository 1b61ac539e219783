"""Figures of the issuing side for Prometheus, read when asked for: work that waits, and how fresh lists are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from math import inf

import structlog
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from issuers.office import Office
from issuers.readiness import last_signed
from walletpass.errors import WalletPassError

_LOG = structlog.get_logger("walletpass.metrics")


class OfficeMetrics(Collector):
    """Looks at the real things at every call; what cannot be read is left out. `clock`: seconds since 1970."""

    def __init__(self, office: Office, clock: Callable[[], float] = time.time) -> None:
        self._office, self._clock = office, clock

    def collect(self) -> Iterator[Metric]:
        """`walletpass_jobs`, `walletpass_oldest_job_seconds`, `walletpass_published_seconds`."""
        yield from self._jobs()
        signed_at = last_signed(self._office.settings.published)
        age = inf if signed_at is None else max(0.0, self._clock() - signed_at)  # none: that is no shorter time
        yield GaugeMetricFamily("walletpass_published_seconds", "Since all lists were signed last.", value=age)

    def describe(self) -> list[Metric]:
        """Nothing is asked when it is registered."""
        return []

    def _jobs(self) -> Iterator[Metric]:
        rows = GaugeMetricFamily("walletpass_jobs", "What must still happen after changes.", labels=("kind", "state"))
        ages = GaugeMetricFamily("walletpass_oldest_job_seconds", "Since the oldest that waits.", labels=("kind",))
        try:
            standing = self._office.outbox.standing()
        except WalletPassError as failure:
            _LOG.warning("jobs_not_counted", code=failure.code)
            return
        for kind, failed, count, oldest in standing:
            rows.add_metric((kind, "failed" if failed else "waiting"), count)
            if not failed:
                ages.add_metric((kind,), max(0.0, self._office.seconds() - oldest))
        yield from (rows, ages)
