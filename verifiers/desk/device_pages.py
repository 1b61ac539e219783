"""The desk's pages about devices: all of them, one of them, and the invitation of a new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from keys.errors import WalletPassError
from verifiers.desk.device_rows import device_row
from verifiers.desk.office import DeskOffice, may_change
from verifiers.desk.texts import TEXTS
from verifiers.devices.device import Device, DeviceState
from verifiers.devices.devices import Devices
from verifiers.devices.errors import DeviceInvalid
from verifiers.devices.invitation import invitation_link
from verifiers.devices.scope import Scope, read_scope
from web.staff.desk import Visit
from web.staff.totp import qr_path

_Order = Callable[[Devices, str, str], Device]
_ORDERS: Mapping[str, _Order] = {
    "suspend": Devices.suspend,
    "resume": Devices.resume,
    "revoke": Devices.revoke,
    "wipe": Devices.wipe,
}
_OFFERED: Mapping[DeviceState, tuple[str, ...]] = {
    DeviceState.INVITED: ("revoke",),
    DeviceState.ACTIVE: ("suspend", "revoke", "wipe"),
    DeviceState.SUSPENDED: ("resume", "revoke", "wipe"),
    DeviceState.REVOKED: ("wipe",),
}


def device_pages_router(office: DeskOffice) -> APIRouter:
    """`/devices` and `/devices/<id>` below the desk's prefix."""
    desk = office.desk
    router = APIRouter(prefix=desk.prefix, include_in_schema=False, route_class=desk.route_class)

    @router.get("/devices")
    async def all_devices(request: Request) -> Response:
        visit = await desk.entered(request)
        return await run_in_threadpool(_devices_page, office, visit)

    @router.post("/devices")
    async def invite(request: Request) -> Response:
        return await run_in_threadpool(_invited, office, await office.lead(request))

    @router.get("/devices/{device_id}")
    async def one_device(request: Request, device_id: str) -> Response:
        visit = await desk.entered(request)
        return await run_in_threadpool(_device_page, office, visit, device_id)

    @router.post("/devices/{device_id}")
    async def change(request: Request, device_id: str) -> Response:
        return await run_in_threadpool(_changed, office, await office.lead(request), device_id)

    return router


def _devices_page(office: DeskOffice, visit: Visit, refusal: WalletPassError | None = None) -> Response:
    now, today = office.scans.now(), office.scans.today().isoformat()
    lock = office.settings.device_lock_days
    rows = [device_row(device, now, visit.language, lock, today) for device in office.devices.all()]
    return office.desk.page(
        "desk/devices.html",
        visit,
        refusal,
        rows=rows,
        may_change=may_change(visit),
        types=list(office.type_labels(visit.language).items()),
        filled=_filled(visit.form) if refusal else _shown("", Scope()),
    )


def _invited(office: DeskOffice, visit: Visit) -> Response:
    fields = visit.form
    try:
        device, code = office.devices.invite(fields.get("name", ""), _scope(fields), visit.open.account.id)
    except DeviceInvalid as refusal:
        return _devices_page(office, visit, refusal)
    link = invitation_link(office.settings, code)
    width, path = qr_path(link)
    return office.desk.page(
        "desk/invitation.html",
        visit,
        name=device.name,
        link=link,
        until=office.desk.when(device.invited_until or 0, visit.language),
        address=f"{office.settings.desk_origin}/inspector/",
        qr_width=width,
        qr_path=path,
    )


def _device_page(office: DeskOffice, visit: Visit, device_id: str, refusal: WalletPassError | None = None) -> Response:
    device, now = office.devices.one(device_id), office.scans.now()
    language, labels = visit.language, office.type_labels(visit.language)
    names = {account.id: account.display_name for account in office.accounts.all()}
    events = [
        (office.desk.when(event.at, language), event.kind, names.get(event.account_id or "", ""))
        for event in office.devices.events(device_id)
    ]
    return office.desk.page(
        "desk/device.html",
        visit,
        refusal,
        device=device_row(device, now, language, office.settings.device_lock_days, office.scans.today().isoformat()),
        type_labels=", ".join(labels.get(name, name) for name in device.scope.pass_types),
        shift=_worded(device.scope, language),
        may_change=may_change(visit),
        types=list(labels.items()),
        filled=_filled(visit.form)
        if refusal and visit.form.get("change") == "scope"
        else _shown(device.name, device.scope),
        changes=_OFFERED.get(device.state, ()),
        events=events,
    )


def _changed(office: DeskOffice, visit: Visit, device_id: str) -> Response:
    wanted, account_id = visit.form.get("change", ""), visit.open.account.id
    try:
        if wanted == "scope":
            scope = _scope(visit.form)
            office.devices.rename(device_id, visit.form.get("name", ""), account_id)
            office.devices.set_scope(device_id, scope, account_id)
        elif wanted in _ORDERS:
            _ORDERS[wanted](office.devices, device_id, account_id)
    except DeviceInvalid as refusal:
        return _device_page(office, visit, device_id, refusal)
    return office.desk.go(f"devices/{device_id}", visit.language)


def _scope(fields: Mapping[str, str]) -> Scope:
    """The scope in a form; raises `DeviceInvalid`."""
    filled = _filled(fields)
    days, begins, ends = filled["days"], filled["shift_from"], filled["shift_until"]
    shift = f"{days} {begins}-{ends}" if days or begins or ends else ""  # times without a day are no "always"
    return read_scope(filled["pass_types"], filled["zones"].split(), shift)


def _worded(scope: Scope, language: str) -> str:
    """Working hours as people say them."""
    if scope.shift is None:
        return ""
    shown = _shown("", scope)
    days = ", ".join(TEXTS[language][f"day_{day}"] for day in shown["days"])
    return f"{days}, {shown['shift_from']}–{shown['shift_until']}"


def _filled(fields: Mapping[str, str]) -> dict[str, Any]:
    """What somebody filled in, to show it again."""
    return {
        "name": fields.get("name", ""),
        "pass_types": [name.removeprefix("type_") for name in fields if name.startswith("type_")],
        "zones": fields.get("zones", ""),
        "days": "".join(day for day in "1234567" if f"day_{day}" in fields),
        "shift_from": fields.get("shift_from", ""),
        "shift_until": fields.get("shift_until", ""),
    }


def _shown(name: str, scope: Scope) -> dict[str, Any]:
    """A scope as the form shows it."""
    days, _, times = str(scope.shift or "").partition(" ")
    begins, _, ends = times.partition("-")
    return {
        "name": name,
        "pass_types": list(scope.pass_types),
        "zones": " ".join(scope.zones),
        "days": days,
        "shift_from": begins,
        "shift_until": ends,
    }
