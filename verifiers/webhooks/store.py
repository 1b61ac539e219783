"""What webhooks stand on: the verifying service's database, its tables, its seal and a clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine

from verifiers.database import open_database
from verifiers.models import WEBHOOKS
from verifiers.settings import VerifierSettings
from verifiers.webhooks.tables import WebhookTables
from web.staff.sealing import Seal, read_seal


@dataclass(frozen=True, slots=True)
class WebhookStore:
    """`clock` gives NumericDates."""

    engine: Engine
    seal: Seal
    clock: Callable[[], float] = field(default=time.time)
    tables: WebhookTables = WEBHOOKS

    def now(self) -> int:
        """The time in whole seconds."""
        return int(self.clock())


def open_webhooks(settings: VerifierSettings, engine: Engine | None = None) -> WebhookStore:
    """The store in the service's database, which is opened unless `engine` has it open already."""
    return WebhookStore(engine or open_database(settings), read_seal(settings.seal_path))
