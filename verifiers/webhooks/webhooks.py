"""The webhooks of the service and their messages: made, listed, ended, sent again. The secret is shown once."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from verifiers.webhooks.addresses import read_url
from verifiers.webhooks.errors import WebhookDisabled, WebhookEventUnknown, WebhookNotFound
from verifiers.webhooks.events import EVENTS, LISTS, TEST, announce, message_body, message_row
from verifiers.webhooks.signing import new_secret, secret_text
from verifiers.webhooks.store import WebhookStore
from web.database import read_transaction, write_transaction

LISTED_AT_MOST = 1000
_LISTS_LOCK = 0x11575  # any number, the same for every process of the service


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook without its secret. `events`: those it wants; empty: all. Times are NumericDates."""

    id: str
    url: str
    events: frozenset[str]
    created_at: int
    disabled_at: int | None


@dataclass(frozen=True, slots=True)
class Message:
    """A message without its body. `answer`: what came of the last attempt, a status or a word for what went wrong."""

    id: str
    webhook_id: str
    event: str
    created_at: int
    attempts: int
    next_at: int | None
    delivered_at: int | None
    answer: str

    @property
    def state(self) -> str:
        """`waiting`, `delivered` or `given_up`."""
        if self.next_at is not None:
            return "waiting"
        return "given_up" if self.delivered_at is None else "delivered"


class Webhooks:
    """For the desk and the command line."""

    def __init__(self, store: WebhookStore) -> None:
        self._store, self._tables = store, store.tables

    def create(self, url: str, events: Collection[str] = ()) -> tuple[Webhook, str]:
        """A new webhook and its secret. Raises `WebhookAddressInvalid` or `WebhookEventUnknown`."""
        read_url(url)
        unknown = set(events) - EVENTS.keys()
        if unknown:
            raise WebhookEventUnknown(f"There is no such event; there are {', '.join(sorted(EVENTS))}.")
        made = Webhook(secrets.token_hex(6), url, frozenset(events), self._store.now(), None)
        secret = new_secret()
        row = {
            "id": made.id,
            "url": url,
            "sealed_secret": self._store.seal.seal(secret, sealed_for(made.id)),
            "events": " ".join(sorted(made.events)),
            "created_at": made.created_at,
        }
        with write_transaction(self._store.engine) as connection:
            connection.execute(insert(self._tables.webhooks).values(row))
        return made, secret_text(secret)

    def all(self) -> list[Webhook]:
        """Every webhook, oldest first."""
        table = self._tables.webhooks
        with read_transaction(self._store.engine) as connection:
            return [_webhook(row) for row in connection.execute(select(table).order_by(table.c.created_at, table.c.id))]

    def disable(self, webhook_id: str) -> None:
        """Send nothing more to it; what waits is given up. A second time changes nothing. Raises `WebhookNotFound`."""
        with write_transaction(self._store.engine) as connection:
            self._one(connection, webhook_id)
            disable(connection, self._store, webhook_id)

    def test(self, webhook_id: str) -> str:
        """Write a message that says nothing but that it is a test; returns its id.

        Raises `WebhookNotFound` or `WebhookDisabled`.
        """
        now = self._store.now()
        row = message_row(webhook_id, TEST, message_body(TEST, {"webhook": webhook_id}, now), now)
        with write_transaction(self._store.engine) as connection:
            self._active(connection, webhook_id)
            connection.execute(insert(self._tables.messages).values(row))
        return str(row["id"])

    def tell_lists(self, lists: Mapping[str, object]) -> int:
        """`announce` that the lists were updated, unless another process of the service has said the same last."""
        columns = self._tables.messages.c
        last = select(columns.body).where(columns.event == LISTS).order_by(columns.created_at.desc()).limit(1)
        with write_transaction(self._store.engine) as connection:
            if connection.dialect.name == "postgresql":  # of two that ask at once the second waits and sees the first
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LISTS_LOCK})")
            said = connection.scalar(last)
            if said is not None and json.loads(said)["data"] == lists:
                return 0
            return announce(connection, LISTS, lists, self._store.now())

    def messages(self, webhook_id: str = "", state: str = "") -> list[Message]:
        """The newest messages, newest first: of one webhook or all, in one state or any."""
        columns = self._tables.messages.c
        wanted: list[ColumnElement[bool]] = [columns.webhook_id == webhook_id] if webhook_id else []
        wanted += {
            "waiting": [columns.next_at.is_not(None)],
            "delivered": [columns.delivered_at.is_not(None)],
            "given_up": [columns.next_at.is_(None), columns.delivered_at.is_(None)],
        }.get(state, [])
        shown = [columns[name] for name in Message.__dataclass_fields__]
        query = select(*shown).where(*wanted).order_by(columns.created_at.desc(), columns.id).limit(LISTED_AT_MOST)
        with read_transaction(self._store.engine) as connection:
            return [Message(*row) for row in connection.execute(query)]

    def replay(self, message_id: str) -> None:
        """Send a message again, with the same id and a new time. Raises `WebhookNotFound` or `WebhookDisabled`."""
        columns = self._tables.messages.c
        with write_transaction(self._store.engine) as connection:
            webhook_id = connection.scalar(select(columns.webhook_id).where(columns.id == message_id))
            if webhook_id is None:
                raise WebhookNotFound("There is no message with this identifier; `walletpass webhooks messages` lists.")
            self._active(connection, webhook_id)
            self._again(connection, columns.id == message_id)

    def replay_since(self, since: int, webhook_id: str = "") -> int:
        """Send again all that was written since then, for one webhook or all that are not disabled; returns how many.

        A message that waits anyway is sent at once and counts too. Raises `WebhookNotFound` or `WebhookDisabled`.
        """
        columns, webhooks = self._tables.messages.c, self._tables.webhooks
        active = select(webhooks.c.id).where(webhooks.c.disabled_at.is_(None))
        with write_transaction(self._store.engine) as connection:
            wanted: ColumnElement[bool] = columns.webhook_id.in_(active)
            if webhook_id:
                self._active(connection, webhook_id)
                wanted = columns.webhook_id == webhook_id
            return self._again(connection, columns.created_at >= since, wanted)

    def _again(self, connection: Connection, *wanted: ColumnElement[bool]) -> int:
        afresh = {"attempts": 0, "next_at": self._store.now(), "delivered_at": None}
        return connection.execute(update(self._tables.messages).where(*wanted).values(afresh)).rowcount

    def _active(self, connection: Connection, webhook_id: str) -> None:
        if self._one(connection, webhook_id).disabled_at is not None:
            raise WebhookDisabled("This webhook is disabled; make another one.")

    def _one(self, connection: Connection, webhook_id: str) -> Webhook:
        row = connection.execute(select(self._tables.webhooks).where(self._tables.webhooks.c.id == webhook_id)).first()
        if row is None:
            raise WebhookNotFound("There is no webhook with this identifier; `walletpass webhooks list` names them.")
        return _webhook(row)


def disable(connection: Connection, store: WebhookStore, webhook_id: str) -> None:
    """End a webhook and give up what waits for it."""
    webhooks, messages = store.tables.webhooks, store.tables.messages
    ended = update(webhooks).where(webhooks.c.id == webhook_id, webhooks.c.disabled_at.is_(None))
    connection.execute(ended.values(disabled_at=store.now()))
    connection.execute(update(messages).where(messages.c.webhook_id == webhook_id).values(next_at=None))


def sealed_for(webhook_id: str) -> str:
    """Whose secret it is: sealed for one webhook, it opens for no other."""
    return f"webhook {webhook_id}"


def _webhook(row: Row[Any]) -> Webhook:
    return Webhook(row.id, row.url, frozenset(row.events.split()), row.created_at, row.disabled_at)
