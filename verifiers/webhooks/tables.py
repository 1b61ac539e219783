"""The tables of webhooks in the verifying service's own metadata. Times are NumericDates; secrets are sealed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text


@dataclass(frozen=True, slots=True)
class WebhookTables:
    """What `webhook_tables` makes."""

    webhooks: Table
    messages: Table


def webhook_tables(metadata: MetaData) -> WebhookTables:
    """`webhooks` and `webhook_messages`; the service's migrations create them."""
    return WebhookTables(
        webhooks=Table(
            "webhooks",
            metadata,
            Column("id", String(12), primary_key=True),
            Column("url", String(500), nullable=False),
            Column("sealed_secret", LargeBinary(80), nullable=False),
            Column("events", String(400), nullable=False),  # separated by blanks; empty: all
            Column("created_at", BigInteger, nullable=False),
            Column("disabled_at", BigInteger),
        ),
        messages=Table(
            "webhook_messages",
            metadata,
            Column("id", String(32), primary_key=True),  # webhook-id: the same in every attempt
            Column("webhook_id", String(12), ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
            Column("event", String(40), nullable=False),
            Column("body", Text, nullable=False),
            Column("created_at", BigInteger, nullable=False),
            Column("attempts", Integer, nullable=False),
            Column("next_at", BigInteger),  # none: delivered or given up
            Column("delivered_at", BigInteger),
            Column("answer", String(40), nullable=False),  # of the last attempt: a status or an error's name
            Index("ix_webhook_messages_next", "next_at"),
            Index("ix_webhook_messages_webhook", "webhook_id", "created_at"),
        ),
    )
