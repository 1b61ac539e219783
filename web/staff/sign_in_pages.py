"""The pages on the way in: name and password or passkey, second factor; and the way out."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from web.staff.desk import Desk, Visit, next_path
from web.staff.errors import StaffRefusal
from web.staff.sessions import Session, Stage


def sign_in_router(desk: Desk) -> APIRouter:
    """`/sign-in`, `/second-factor`, `/sign-out` below the desk's prefix."""
    router = APIRouter(prefix=desk.prefix, include_in_schema=False, route_class=desk.route_class)

    @router.get("/sign-in")
    async def ask_name(request: Request) -> Response:
        visit = await desk.stranger(request)
        if visit.session is not None:
            return desk.go(next_path(visit.session), visit.language)
        return _sign_in_page(desk, visit)

    @router.post("/sign-in")
    async def take_name(request: Request) -> Response:
        visit = await desk.stranger(request)
        try:
            secret = await _signed_in(desk, visit)
        except StaffRefusal as refusal:
            return _sign_in_page(desk, visit, refusal)
        if visit.session is not None:
            await run_in_threadpool(_end, desk, visit.session, visit)
        return await run_in_threadpool(_onwards, desk, visit, secret)

    @router.get("/second-factor")
    async def ask_factor(request: Request) -> Response:
        visit = await desk.visit(request, Stage.FACTOR)
        return await run_in_threadpool(_factor_page, desk, visit)

    @router.post("/second-factor")
    async def take_factor(request: Request) -> Response:
        visit = await desk.visit(request, Stage.FACTOR)
        return await run_in_threadpool(_factor_answer, desk, visit)

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        visit = await desk.visit(request, *Stage)
        await run_in_threadpool(_end, desk, visit.open, visit)
        answer = desk.go("sign-in", visit.language)
        desk.door.let_out(answer)
        return answer

    return router


def _sign_in_page(desk: Desk, visit: Visit, refusal: StaffRefusal | None = None) -> Response:
    cookie = desk.door.form_cookie(visit.request)
    options = desk.sign_in.relying_party.authentication_options((), cookie)
    answer = desk.page(
        "staff/sign_in.html", Visit(visit.request, visit.language, None, {}), refusal, cookie, options=options
    )
    desk.door.give_form(answer, cookie)
    return answer


async def _signed_in(desk: Desk, visit: Visit) -> str:
    fields, name = visit.form, visit.form.get("user_name", "")
    attempt = desk.door.attempt(visit.request, name)
    if credential := fields.get("credential"):
        cookie = desk.door.form_cookie(visit.request)
        return await run_in_threadpool(desk.sign_in.with_passkey, credential, cookie, attempt)
    return await desk.sign_in.with_password(name, fields.get("password", ""), attempt)


def _onwards(desk: Desk, visit: Visit, secret: str) -> Response:
    """To whatever this session needs next; a complete sign-in makes the browser known."""
    session = desk.sign_in.sessions.find(secret)
    answer = desk.go(next_path(session), visit.language, secret)
    if session is not None and session.stage is Stage.OPEN:
        desk.door.remember_device(answer, session.account.user_name)
    return answer


def _factor_page(desk: Desk, visit: Visit, refusal: StaffRefusal | None = None) -> Response:
    enrolled = desk.sign_in.factors.of(visit.open.account.id)
    options = None
    if enrolled.passkeys:
        options = desk.sign_in.relying_party.authentication_options(enrolled.passkeys, visit.open.secret)
    return desk.page("staff/second_factor.html", visit, refusal, enrolled=enrolled, options=options)


def _factor_answer(desk: Desk, visit: Visit) -> Response:
    fields, session = visit.form, visit.open
    attempt = desk.door.attempt(visit.request, session.account.user_name)
    try:
        if credential := fields.get("credential"):
            secret = desk.sign_in.with_second_passkey(session, credential, attempt)
        elif "recovery_code" in fields:
            secret = desk.sign_in.with_recovery_code(session, fields["recovery_code"], attempt)
        else:
            secret = desk.sign_in.with_code(session, fields.get("code", ""), attempt)
    except StaffRefusal as refusal:
        return _factor_page(desk, visit, refusal)
    return _onwards(desk, visit, secret)


def _end(desk: Desk, session: Session, visit: Visit) -> None:
    desk.sign_in.sessions.end(session.id, session.account.id, "signed_out", visit.caller)
