"""A thread of the service that looks for messages which are due, and a short-lived one for each webhook that has some.

So a receiver that answers slowly keeps only its own messages waiting. Nobody waits for these threads at the end: what
one of them had in its hands is leased, and sent by the next process.
"""

from __future__ import annotations

import threading
import time

import structlog

from verifiers.webhooks.delivery import Delivery

INTERVAL = 1.0  # seconds between two looks
AT_ONCE = 8  # webhooks
FORGET_INTERVAL = 3600.0
_LOG = structlog.get_logger(__name__)


class DeliveryThread:
    """Looks until it is stopped."""

    def __init__(self, delivery: Delivery, interval: float = INTERVAL) -> None:
        self._delivery, self._interval = delivery, interval
        self._stopped = threading.Event()
        self._busy: set[str] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopped.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        forgotten_at = -FORGET_INTERVAL
        while not self._stopped.is_set():
            try:
                if time.monotonic() - forgotten_at >= FORGET_INTERVAL:
                    self._delivery.forget()
                    forgotten_at = time.monotonic()
                for webhook_id in self._delivery.due():
                    self._begin(webhook_id)
            except Exception:
                # Whatever went wrong, the next look tries again.
                _LOG.exception("webhooks_failed")
            self._stopped.wait(self._interval)

    def _begin(self, webhook_id: str) -> None:
        with self._lock:
            if webhook_id in self._busy or len(self._busy) >= AT_ONCE:
                return
            self._busy.add(webhook_id)
        threading.Thread(target=self._deliver, args=(webhook_id,), name="webhook", daemon=True).start()

    def _deliver(self, webhook_id: str) -> None:
        """One message after the other, until one does not arrive: then the others wait for the next look."""
        try:
            while not self._stopped.is_set() and self._delivery.deliver(webhook_id):
                pass
        except Exception:
            _LOG.exception("webhook_broken", webhook=webhook_id)
        finally:
            with self._lock:
                self._busy.discard(webhook_id)
