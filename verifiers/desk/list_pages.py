"""The desk's page about published documents: which are known here, which device has them, has a revocation arrived?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from verifiers.desk.device_rows import list_times
from verifiers.desk.office import DeskOffice
from verifiers.desk.texts import TEXTS
from verifiers.devices.device import Device, DeviceState
from walletpass.passes import LOCAL_ZONE
from web.staff.desk import Visit

_WORKING = (DeviceState.ACTIVE, DeviceState.SUSPENDED)


class ListRow(NamedTuple):
    """A document, and the names of the devices that have it or a newer one, and of those that have not."""

    name: str
    signed_at: str
    have: list[str]
    missing: list[str]


def list_pages_router(office: DeskOffice) -> APIRouter:
    """`/lists` below the desk's prefix."""
    desk = office.desk
    router = APIRouter(prefix=desk.prefix, include_in_schema=False, route_class=desk.route_class)

    @router.get("/lists")
    async def lists(request: Request) -> Response:
        return await run_in_threadpool(_lists_page, office, await desk.entered(request))

    return router


def _lists_page(office: DeskOffice, visit: Visit) -> Response:
    devices = [device for device in office.devices.all() if device.state in _WORKING and device.last_contact_at]
    asked = visit.request.query_params.get("since", "")
    since = _instant(asked)
    issued = [found.issued_at for found in office.known.current.status_lists.values()]
    # A revocation is in one of the lists; only when all of them are newer it is surely there.
    published = min(issued) if since is not None and issued and min(issued) >= since else None
    return office.desk.page(
        "desk/lists.html",
        visit,
        rows=list(_rows(office, visit.language, devices)),
        since=asked if since is not None else "",
        reached=None if since is None else [(device.name, _knows(office, device, since)) for device in devices],
        published=None if published is None else office.desk.when(published, visit.language),
    )


def _rows(office: DeskOffice, language: str, devices: Sequence[Device]) -> list[ListRow]:
    known, when, texts = office.known.current, office.desk.when, TEXTS[language]
    rows = []
    if known.trust_list is not None:
        version = known.trust_list.version
        held = {device.id: device.reported.get("trust_list_version") or 0 for device in devices}
        name = texts["trust_list"].format(version=version)
        rows.append(_row(name, when(known.trust_list.issued_at, language), devices, held, version))
    for uri, found in sorted(known.status_lists.items()):
        held = {device.id: list_times(device).get(uri, 0) for device in devices}
        name = texts["status_list"].format(name=uri.rpartition("/")[2])
        rows.append(_row(name, when(found.issued_at, language), devices, held, found.issued_at))
    for day, plates in sorted(office.known.plates.lists.items()):
        held = {device.id: (device.reported.get("plate_lists") or {}).get(day.isoformat(), 0) for device in devices}
        name = texts["plate_list"].format(day=f"{day:%d.%m.%Y}" if language == "de" else f"{day.day} {day:%B %Y}")
        rows.append(_row(name, when(plates.issued_at, language), devices, held, plates.issued_at))
    return rows


def _row(name: str, signed_at: str, devices: Sequence[Device], held: dict[str, int], newest: int) -> ListRow:
    have = [device.name for device in devices if held[device.id] >= newest]
    return ListRow(name, signed_at, have, [device.name for device in devices if held[device.id] < newest])


def _knows(office: DeskOffice, device: Device, since: int) -> bool:
    """Whether each of the lists that a device has was signed at or after `since`: the revocation is in one of them."""
    times = list_times(device)
    lists = office.known.current.status_lists
    return bool(lists) and all(times.get(uri, 0) >= since for uri in lists)


def _instant(text: str) -> int | None:
    """A local time as a form sends it (HTML, "local date and time string"), as a NumericDate."""
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=LOCAL_ZONE).timestamp())
    except (ValueError, OverflowError):
        return None
