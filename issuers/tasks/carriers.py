"""`update-carriers`: a pass has changed, so that each wallet which holds it and can be told is noted to be told."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select

from issuers.campaigns import State
from issuers.carrier_models import campaigns
from issuers.lifecycle import UPDATE_CARRIERS
from issuers.models import credentials, outbox
from issuers.office import Office
from issuers.outbox import PARKED, Errand, Report
from web.database import write_transaction
from web.many_rows import among, insert_many


class CarriersTask:
    """One transaction a batch: the rows of the wallets are there and these are done, or neither."""

    kind, batch, lease, alone = UPDATE_CARRIERS, 500, 60, False

    def __init__(self, told: Collection[str]) -> None:
        self._told = sorted(told)  # the wallets that can be told of changes

    def perform(self, errands: Sequence[Errand], report: Report) -> None:
        with write_transaction(report.engine) as connection:
            holding = select(credentials.c.serial, credentials.c.carrier).where(
                among(connection, credentials.c.serial, [errand.subject for errand in errands]),
                credentials.c.carrier.in_(self._told),
            )
            carriers: dict[str, list[str]] = {}
            for serial, carrier in connection.execute(holding.distinct()):
                carriers.setdefault(serial, []).append(carrier)
            paused = paused_among(connection, {errand.campaign for errand in errands if errand.campaign})
            rows = [
                {
                    "kind": f"update-{carrier}",
                    "subject": errand.subject,
                    "detail": errand.detail,
                    "created_at": errand.created_at,
                    "due_at": errand.created_at + (PARKED if errand.campaign in paused else 0),
                    "campaign": errand.campaign,
                }
                for errand in errands
                for carrier in carriers.get(errand.subject, ())
            ]
            insert_many(connection, outbox, rows)
            report.done([errand.id for errand in errands], connection)

    def close(self) -> None:
        pass


def paused_among(connection: Connection, ids: Collection[int]) -> set[int]:
    """Those of the campaigns that are paused. All of them stay as they are until this transaction ends."""
    if not ids:
        return set()
    found = select(campaigns.c.id, campaigns.c.state).where(campaigns.c.id.in_(ids)).with_for_update(read=True)
    return {number for number, state in connection.execute(found) if state == State.PAUSED.value}


def build(office: Office) -> CarriersTask:
    return CarriersTask(office.told)
