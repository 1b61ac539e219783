"""The pages about one's own second factors and recovery codes."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from web.staff.desk import Desk, Visit
from web.staff.errors import ElsewhereFirst, FactorRefused, StaffRefusal
from web.staff.sessions import Stage
from web.staff.totp import key_text, key_uri, qr_path


def factor_router(desk: Desk) -> APIRouter:
    """`/factors` below the desk's prefix."""
    router = APIRouter(prefix=desk.prefix, include_in_schema=False, route_class=desk.route_class)

    @router.get("/factors")
    async def ask_factors(request: Request) -> Response:
        visit = await _proved(desk, request)
        return await run_in_threadpool(_factors_page, desk, visit)

    @router.post("/factors")
    async def take_factors(request: Request) -> Response:
        visit = await _proved(desk, request)
        return await run_in_threadpool(_changed_factors, desk, visit)

    return router


async def _proved(desk: Desk, request: Request) -> Visit:
    """Somebody who may change factors now: enrolling with an own password, or identified just now."""
    visit = await desk.visit(request, Stage.ENROL, Stage.OPEN)
    session = visit.open
    if session.stage is Stage.ENROL and session.account.start_until is not None:
        raise ElsewhereFirst("password")
    if session.stage is Stage.OPEN and not session.proved(desk.sign_in.store.now()):
        raise ElsewhereFirst("confirm")
    return visit


def _factors_page(desk: Desk, visit: Visit, refusal: StaffRefusal | None = None) -> Response:
    session, desk_name = visit.open, desk.sign_in.name
    key = desk.own_account.totp_on_offer(session)
    enrolled = desk.sign_in.factors.of(session.account.id)
    width, path = qr_path(key_uri(key, desk_name, session.account.user_name))
    options = desk.sign_in.relying_party.registration_options(session.account, enrolled.passkeys, session.secret)
    return desk.page(
        "staff/factors.html",
        visit,
        refusal,
        enrolled=enrolled,
        options=options,
        key=key_text(key),
        qr_width=width,
        qr_path=path,
    )


def _changed_factors(desk: Desk, visit: Visit) -> Response:
    fields, session, own = visit.form, visit.open, desk.own_account
    codes: list[str] = []
    try:
        match fields.get("change"):
            case "totp":
                secret, codes = own.take_totp(session, fields.get("code", ""), visit.caller)
            case "passkey":
                secret, codes = own.take_passkey(session, fields.get("credential", ""), visit.caller)
            case "recovery_codes" if session.stage is Stage.OPEN:
                secret, codes = own.new_recovery_codes(session, visit.caller)
            case "remove" if session.stage is Stage.OPEN:
                secret = own.remove_factor(session, fields.get("factor", ""), visit.caller)
            case _:
                raise FactorRefused("The form asks for nothing that can be done here.")
    except StaffRefusal as refusal:
        return _factors_page(desk, visit, refusal)
    if not codes:
        return desk.go("factors", visit.language, secret)
    answer = desk.page("staff/recovery_codes.html", visit, cookie=secret, codes=codes)
    desk.door.let_in(answer, secret)
    if session.stage is Stage.ENROL:
        desk.door.remember_device(answer, session.account.user_name)
    return answer
