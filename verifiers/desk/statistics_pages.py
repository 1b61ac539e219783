"""The desk's page of counts: what was checked on a day, by hour and zone. Numbers only, of no person and no device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from verifiers.desk.office import DeskOffice
from verifiers.scans.counts import counts_between
from walletpass.passes import LOCAL_ZONE
from walletpass.scan_counts import OUTCOMES, ScanCount
from web.staff.desk import Visit

_COLUMNS = tuple(dict.fromkeys(str(outcome) for outcomes in OUTCOMES.values() for outcome in outcomes))


@dataclass(frozen=True, slots=True)
class CountRow:
    """Counts of an hour, zone, kind and type, by outcome."""

    hour: str
    zone: str
    kind: str
    pass_type: str
    counts: Counter[str]

    @property
    def sum(self) -> int:
        return self.counts.total()


def statistics_pages_router(office: DeskOffice) -> APIRouter:
    """`/statistics` below the desk's prefix."""
    desk = office.desk
    router = APIRouter(prefix=desk.prefix, include_in_schema=False, route_class=desk.route_class)

    @router.get("/statistics")
    async def statistics(request: Request) -> Response:
        return await run_in_threadpool(_statistics_page, office, await desk.entered(request))

    return router


def _statistics_page(office: DeskOffice, visit: Visit) -> Response:
    day = _day(visit.request.query_params.get("day", "")) or office.scans.today()
    rows = count_rows(counts_between(office.scans, day, day), office.type_labels(visit.language))
    totals: Counter[str] = Counter()
    for row in rows:
        totals += row.counts
    return office.desk.page(
        "desk/statistics.html",
        visit,
        day=day.isoformat(),
        rows=rows,
        outcomes=_COLUMNS,
        totals=totals,
        total=totals.total(),
    )


def count_rows(counts: Sequence[ScanCount], labels: dict[str, str]) -> list[CountRow]:
    """One row for all outcomes of the same checks; `counts` are in the order of their places."""
    rows = []
    for (hour, zone, name, kind), group in groupby(counts, lambda c: (c.hour, c.zone, c.pass_type, c.kind)):
        local = datetime.fromtimestamp(hour, UTC).astimezone(LOCAL_ZONE)
        found = Counter({count.outcome: count.count for count in group})
        rows.append(CountRow(f"{local:%H}:00", zone or "", kind, labels.get(name or "", name or ""), found))
    return rows


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
