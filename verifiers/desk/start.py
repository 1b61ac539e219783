"""The desk's first page, and the desk put together. Behind sign-in: who am I, my sessions, the way out."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from verifiers.settings import VerifierSettings
from web.staff.desk import Desk
from web.staff.pages import staff_router
from web.staff.passwords import PasswordHasher
from web.staff.store import StaffStore

NAMES = {"de": "Prüfstelle", "en": "Verifying desk"}


def desk_router(store: StaffStore, settings: VerifierSettings, hasher: PasswordHasher | None = None) -> APIRouter:
    """`/desk` and all below it."""
    desk = Desk(store, "verifier", settings.desk_origin, NAMES, package="verifiers", hasher=hasher)
    router = APIRouter(include_in_schema=False, route_class=desk.route_class)

    @router.get(desk.prefix)
    async def start(request: Request) -> Response:
        return desk.page("desk/start.html", await desk.entered(request))

    router.include_router(staff_router(desk))
    return router
