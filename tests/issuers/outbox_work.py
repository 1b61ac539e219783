"""A worker's work without its engine, for tests that look at one kind of it: what is due is claimed and performed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from issuers.models import outbox
from issuers.task import Task
from issuers.tasks import load_tasks
from tests.city import City
from walletpass.errors import WalletPassError
from web.database import read_transaction


def performs(city: City, kind: str, task: Task | None = None) -> int:
    """Do what is due of a kind, claim by claim; how many claims there were."""
    box, count = city.office.outbox, 0
    own = task or load_tasks(city.office)[kind]
    while claim := box.claim(kind, own.batch, own.lease, alone=own.alone):
        report = box.report(claim, own.lease)
        try:
            own.perform(box.held(claim), report)
        except WalletPassError as failure:
            report.later(box.held(claim), failure.code)
        assert box.held(claim) == [], "what is not reported would be tried again"
        count += 1
    own.close()
    return count


def rows(city: City, kind: str) -> list[dict[str, Any]]:
    """The outbox's rows of a kind, oldest first."""
    with read_transaction(city.office.engine) as connection:
        query = select(outbox).where(outbox.c.kind == kind).order_by(outbox.c.id)
        return [row._asdict() for row in connection.execute(query)]
