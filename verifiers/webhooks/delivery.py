"""Sending what is due, again until it arrives: at least once, each message under one id.

A message is leased by pushing its next time away, on the condition that nobody else did. So two processes do not send
it at once, and what a killed process had in its hands is sent by the next one when the lease is over.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, update

from verifiers.webhooks.addresses import read_url
from verifiers.webhooks.sending import TOTAL_TIME, Answer, Sender
from verifiers.webhooks.signing import signed_headers
from verifiers.webhooks.store import WebhookStore
from verifiers.webhooks.webhooks import disable, sealed_for
from web.database import read_transaction, write_transaction

MINUTE, HOUR, DAY = 60, 3600, 86400
# After each attempt (Standard Webhooks, "Retry schedule"); then the message is given up.
PAUSES = (5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, DAY)
JITTER = 0.1  # of a pause, so that all of an outage's messages do not come back at the same second
LEASE = 120  # seconds: names are resolved and an answer is awaited within it
KEPT = 30 * DAY  # after a message was written, once it was delivered or given up
_LONGEST_PAUSE = int(PAUSES[-1] * (1 + JITTER)) + LEASE
_LOG = structlog.get_logger(__name__)
assert TOTAL_TIME < LEASE


class _Leased(NamedTuple):
    id: str
    webhook_id: str
    body: str
    attempts: int
    """This one included."""
    url: str
    secret: bytes | None


class WebhookMetrics:
    """Attempts by what came of them, and what waits or was given up, without names."""

    def __init__(self, store: WebhookStore, registry: CollectorRegistry) -> None:
        columns = store.tables.messages.c
        self.attempts = Counter(
            "walletpass_webhook_attempts_total", "Attempts to send a message.", ("result",), registry=registry
        )
        states: dict[str, tuple[ColumnElement[bool], ...]] = {
            "waiting": (columns.next_at.is_not(None),),
            "given_up": (columns.next_at.is_(None), columns.delivered_at.is_(None)),
        }
        shown = Gauge("walletpass_webhook_messages", "Messages that did not arrive.", ("state",), registry=registry)

        def count(wanted: tuple[ColumnElement[bool], ...]) -> Callable[[], float]:
            def counted() -> float:
                with read_transaction(store.engine) as connection:
                    query = select(func.count()).select_from(store.tables.messages).where(*wanted)
                    return float(connection.scalar(query) or 0)

            return counted

        for state, wanted in states.items():
            shown.labels(state).set_function(count(wanted))


class Delivery:
    """Sends messages, one at a time. For several threads at once, and several processes."""

    def __init__(
        self,
        store: WebhookStore,
        sender: Sender,
        metrics: WebhookMetrics | None = None,
        chance: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._store, self._sender, self._metrics, self._chance = store, sender, metrics, chance
        self._tables = store.tables

    def due(self) -> list[str]:
        """The webhooks that have messages to be sent now."""
        webhooks = select(self._tables.messages.c.webhook_id).where(self._is_due()).distinct()
        with read_transaction(self._store.engine) as connection:
            return list(connection.scalars(webhooks))

    def deliver(self, webhook_id: str) -> bool | None:
        """Send the oldest message that is due; whether it arrived, None when there was none."""
        columns = self._tables.messages.c
        oldest = select(columns.id).where(self._is_due(), columns.webhook_id == webhook_id)
        with read_transaction(self._store.engine) as connection:
            message_id = connection.scalar(oldest.order_by(columns.created_at, columns.id).limit(1))
        answer = None if message_id is None else self.attempt(message_id)
        return None if answer is None else answer.delivered

    def attempt(self, message_id: str) -> Answer | None:
        """Send this message if it is due and nobody else does; what came of it."""
        with write_transaction(self._store.engine) as connection:
            leased = self._lease(connection, message_id)
        if leased is None:
            return None
        answer = self._sent(leased)
        with write_transaction(self._store.engine) as connection:
            result = self._settle(connection, leased, answer)
        if self._metrics is not None:
            self._metrics.attempts.labels(result).inc()
        if not answer.delivered:
            _LOG.warning("webhook_failed", webhook=leased.webhook_id, answer=answer.word, attempts=leased.attempts)
        return answer

    def forget(self) -> int:
        """Delete messages that are over and old; returns how many."""
        columns = self._tables.messages.c
        over = columns.created_at < self._store.now() - KEPT
        with write_transaction(self._store.engine) as connection:
            return connection.execute(delete(self._tables.messages).where(over, columns.next_at.is_(None))).rowcount

    def _is_due(self) -> ColumnElement[bool]:
        """A time further away than any pause is long proves that the clock was set back since."""
        now, next_at = self._store.now(), self._tables.messages.c.next_at
        return or_(next_at <= now, next_at > now + _LONGEST_PAUSE)

    def _lease(self, connection: Connection, message_id: str) -> _Leased | None:
        messages, webhooks = self._tables.messages, self._tables.webhooks
        lease = update(messages).where(messages.c.id == message_id, self._is_due())
        until = self._store.now() + LEASE
        taken = connection.execute(lease.values(next_at=until, attempts=messages.c.attempts + 1)).rowcount
        if not taken:
            return None
        columns = (messages.c.id, messages.c.webhook_id, messages.c.body, messages.c.attempts)
        both = messages.join(webhooks, messages.c.webhook_id == webhooks.c.id)
        query = select(*columns, webhooks.c.url, webhooks.c.sealed_secret).select_from(both)
        row: Any = connection.execute(query.where(messages.c.id == message_id)).one()
        secret = self._store.seal.open(row.sealed_secret, sealed_for(row.webhook_id))
        return _Leased(row.id, row.webhook_id, row.body, row.attempts, row.url, secret)

    def _sent(self, leased: _Leased) -> Answer:
        if leased.secret is None:  # the seal's file was lost
            return Answer(0, "secret_unreadable")
        body = leased.body.encode()
        headers = signed_headers(leased.secret, leased.id, self._store.now(), body)
        about = {"Content-Type": "application/json", "User-Agent": "walletpass-verifier"}
        return self._sender.send(read_url(leased.url), about | dict(headers), body)

    def _settle(self, connection: Connection, leased: _Leased, answer: Answer) -> str:
        messages, now = self._tables.messages, self._store.now()
        # Unless somebody ended it, sent it again or took it over meanwhile.
        ours = (messages.c.id == leased.id, messages.c.attempts == leased.attempts, messages.c.next_at.is_not(None))
        changes: dict[str, object] = {"answer": answer.word, "next_at": None}
        result = "given_up"
        if answer.delivered:
            result, changes["delivered_at"] = "delivered", now
        elif not answer.gone and leased.attempts <= len(PAUSES):
            pause = PAUSES[leased.attempts - 1] * (1 + self._chance(-JITTER, JITTER))
            result, changes["next_at"] = "failed", now + max(1, round(pause))
        connection.execute(update(messages).where(*ours).values(changes))
        if answer.gone:
            disable(connection, self._store, leased.webhook_id)
            result = "gone"
        return result
