"""The pages about one's own account: password, sessions, and proving once more who is there."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from web.staff.desk import Desk, Visit, next_path
from web.staff.errors import PasswordRefused, StaffRefusal
from web.staff.passwords import SHORTEST
from web.staff.sessions import Stage


def account_router(desk: Desk) -> APIRouter:
    """`/password`, `/confirm`, `/sessions` below the desk's prefix."""
    router = APIRouter(prefix=desk.prefix, include_in_schema=False, route_class=desk.route_class)

    @router.get("/password")
    async def ask_password(request: Request) -> Response:
        visit = await desk.visit(request, Stage.ENROL, Stage.OPEN)
        return _password_page(desk, visit)

    @router.post("/password")
    async def take_password(request: Request) -> Response:
        visit = await desk.visit(request, Stage.ENROL, Stage.OPEN)
        fields = visit.form
        try:
            if fields.get("new", "") != fields.get("repeated", ""):
                raise PasswordRefused("password_differs", "The two new passwords differ.")
            secret = await desk.own_account.change_password(
                visit.open, fields.get("old", ""), fields.get("new", ""), visit.caller
            )
        except StaffRefusal as refusal:
            return _password_page(desk, visit, refusal)
        session = await run_in_threadpool(desk.sign_in.sessions.find, secret)
        return desk.go(next_path(session), visit.language, secret)

    @router.get("/confirm")
    async def ask_again(request: Request) -> Response:
        return desk.page("staff/confirm.html", await desk.entered(request))

    @router.post("/confirm")
    async def take_again(request: Request) -> Response:
        visit = await desk.entered(request)
        try:
            secret = await desk.own_account.confirm(visit.open, visit.form.get("password", ""), visit.caller)
        except StaffRefusal as refusal:
            return desk.page("staff/confirm.html", visit, refusal)
        return desk.go("factors", visit.language, secret)

    @router.get("/sessions")
    async def list_sessions(request: Request) -> Response:
        visit = await desk.entered(request)
        found = await run_in_threadpool(desk.sign_in.sessions.of, visit.open.account.id)
        return desk.page("staff/sessions.html", visit, sessions=found, own=visit.open.id)

    @router.post("/sessions")
    async def end_session(request: Request) -> Response:
        visit = await desk.entered(request)
        account_id, session_id = visit.open.account.id, visit.form.get("session", "")
        await run_in_threadpool(desk.sign_in.sessions.end, session_id, account_id, "session_ended", visit.caller)
        return desk.go("sessions", visit.language)

    return router


def _password_page(desk: Desk, visit: Visit, refusal: StaffRefusal | None = None) -> Response:
    first = visit.open.account.start_until is not None
    return desk.page(
        "staff/password.html", visit, refusal, first=first, shortest=SHORTEST, name=visit.open.account.user_name
    )
