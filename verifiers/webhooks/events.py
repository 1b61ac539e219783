"""What other systems are told, and with which members: identifiers, versions and codes, never a person or a plate.

`announce` is called in the transaction that changes something, so that neither happens without the other. What is not
declared here cannot leave.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select

from verifiers.models import WEBHOOKS
from verifiers.webhooks.signing import new_message_id

TEST, LISTS = "webhook.test", "lists.updated"
EVENTS: Mapping[str, frozenset[str]] = {
    "device.enrolled": frozenset({"device"}),
    "device.suspended": frozenset({"device"}),
    "device.resumed": frozenset({"device"}),
    "device.revoked": frozenset({"device"}),
    "device.wiped": frozenset({"device"}),
    "case.filed": frozenset({"case", "device"}),
    "double_use.found": frozenset({"kind", "device"}),
    LISTS: frozenset({"trust_list_version", "status_lists"}),
    TEST: frozenset({"webhook"}),
}


def announce(connection: Connection, event: str, data: Mapping[str, object], now: int | None = None) -> int:
    """Write a message for each webhook that wants `event`, in the caller's transaction; returns how many.

    They are sent once it is committed. `data`: the members that `EVENTS` declares, as JSON values. `now`: a
    NumericDate; without it this moment.
    """
    if data.keys() != EVENTS[event]:
        raise ValueError(f"{event} says {sorted(EVENTS[event])}, not {sorted(data)}")
    moment = int(time.time()) if now is None else now
    body, webhooks = message_body(event, data, moment), WEBHOOKS.webhooks
    wanting = connection.execute(select(webhooks.c.id, webhooks.c.events).where(webhooks.c.disabled_at.is_(None)))
    rows = [
        message_row(webhook.id, event, body, moment)
        for webhook in wanting
        if not webhook.events or event in webhook.events.split()
    ]
    if rows:
        connection.execute(insert(WEBHOOKS.messages), rows)
    return len(rows)


def message_body(event: str, data: Mapping[str, object], now: int) -> str:
    """The payload, as it is stored, signed and sent (Standard Webhooks, "Payload structure")."""
    timestamp = datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"type": event, "timestamp": timestamp, "data": data}, ensure_ascii=False, separators=(",", ":"))


def message_row(webhook_id: str, event: str, body: str, now: int) -> dict[str, object]:
    """A message that is due at once."""
    return {
        "id": new_message_id(),
        "webhook_id": webhook_id,
        "event": event,
        "body": body,
        "created_at": now,
        "attempts": 0,
        "next_at": now,
        "answer": "",
    }
