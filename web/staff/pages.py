"""All pages of signing in, in one router, so that no service forgets a part."""

from __future__ import annotations

from fastapi import APIRouter

from web.staff.account_pages import account_router
from web.staff.desk import Desk
from web.staff.factor_pages import factor_router
from web.staff.sign_in_pages import sign_in_router


def staff_router(desk: Desk) -> APIRouter:
    """Everything below the desk's prefix that is about signing in and one's own account."""
    router = APIRouter(include_in_schema=False)
    for part in (sign_in_router, factor_router, account_router):
        router.include_router(part(desk))
    return router
