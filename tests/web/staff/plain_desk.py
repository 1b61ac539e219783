"""A desk with nothing but sign-in and a first page, for the tests of signing in."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from verifiers.desk.office import make_desk
from verifiers.settings import VerifierSettings
from web.staff.pages import staff_router
from web.staff.passwords import PasswordHasher
from web.staff.store import StaffStore


def plain_desk(store: StaffStore, settings: VerifierSettings, hasher: PasswordHasher | None = None) -> APIRouter:
    desk = make_desk(store, settings, hasher)
    router = APIRouter(route_class=desk.route_class)

    @router.get(desk.prefix)
    async def start(request: Request) -> Response:
        return desk.page("desk/start.html", await desk.entered(request), figures=())

    router.include_router(staff_router(desk))
    return router
