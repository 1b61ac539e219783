"""The desk's first page: what needs attention, at a glance; and the desk put together."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from verifiers.desk.case_pages import case_pages_router
from verifiers.desk.device_pages import device_pages_router
from verifiers.desk.device_rows import device_row
from verifiers.desk.list_pages import list_pages_router
from verifiers.desk.office import DeskOffice
from verifiers.desk.statistics_pages import statistics_pages_router
from verifiers.desk.texts import TEXTS
from verifiers.devices.device import DeviceState
from verifiers.scans.counts import counts_between
from web.staff.desk import Visit
from web.staff.pages import staff_router

_SILENT = 3600  # seconds without contact that are worth a word
_PARTS = (device_pages_router, list_pages_router, statistics_pages_router, case_pages_router)


def desk_router(office: DeskOffice) -> APIRouter:
    """`/desk` and all below it."""
    desk = office.desk
    router = APIRouter(include_in_schema=False, route_class=desk.route_class)

    @router.get(desk.prefix)
    async def start(request: Request) -> Response:
        return await run_in_threadpool(_start_page, office, await desk.entered(request))

    for part in _PARTS:
        router.include_router(part(office))
    router.include_router(staff_router(desk))
    return router


def _start_page(office: DeskOffice, visit: Visit) -> Response:
    return office.desk.page("desk/start.html", visit, figures=list(_figures(office, visit.language)))


def _figures(office: DeskOffice, language: str) -> Iterator[tuple[str, str, int, bool]]:
    """Path, label, number, and whether somebody should look."""
    texts, now, today = TEXTS[language], office.scans.now(), office.scans.today()
    active = [device for device in office.devices.all() if device.state is DeviceState.ACTIVE]
    rows = [device_row(device, now, language, office.settings.device_lock_days, today.isoformat()) for device in active]
    silent = sum(1 for device in active if now - (device.last_contact_at or 0) > _SILENT)
    returned = sum(row.quarantined for row in rows)
    yield "devices", texts["devices_active"], len(active), False
    yield "devices", texts["devices_silent"], silent, False
    yield "devices", texts["scans_waiting"], sum(row.waiting for row in rows), False
    yield "devices", texts["quarantined"], returned, returned > 0
    yield "statistics", texts["scans_today"], sum(c.count for c in counts_between(office.scans, today, today)), False
    doubles = office.uses.warned_on(today)
    yield "statistics", texts["doubles"], doubles, doubles > 0
    open_cases = sum(1 for case in office.cases.all() if case.closed_at is None)
    yield "cases", texts["cases_open"], open_cases, open_cases > 0
