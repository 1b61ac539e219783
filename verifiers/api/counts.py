"""`GET /published/counts/<day>.jwt`: the signed counts of a local day for the departments' desk. Counts, no person.

Needs an integration token with the right `*:counts`: the verifying side knows no departments.
"""

from __future__ import annotations

from datetime import date, timedelta

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from verifiers.scans.counts import counts_between
from verifiers.scans.counts_key import CountsKey
from verifiers.scans.store import ScanStore
from walletpass.scan_counts import ScanCounts
from web.bearer import SCHEME, BearerTokens
from web.tokens import ANY

COUNTS = "counts"  # the action a token needs
MEDIA_TYPE = "application/scancounts+jwt"
DAYS = 90  # before today


def counts_router(store: ScanStore, key: CountsKey, issuer: str, tokens: BearerTokens) -> APIRouter:
    """The router; `issuer` is the service's origin."""
    router = APIRouter(tags=["counts"])

    @router.get(
        "/published/counts/{day}.jwt",
        summary="Signed counts of a day's checks",
        response_class=Response,
        responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
        dependencies=[Depends(SCHEME)],
    )
    async def counts(request: Request, day: str) -> Response:
        """By hour, zone, type of pass, kind and outcome; today and the 90 days before."""
        token = await tokens(request)
        token.require(ANY, COUNTS)
        wanted = _day(day, store.today())
        signed = await run_in_threadpool(lambda: key.sign(_counts(store, issuer, wanted)))
        return Response(signed, headers={"Cache-Control": "no-store"}, media_type=MEDIA_TYPE)

    return router


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise HTTPException(404) from None
    if day.isoformat() != text or not today - timedelta(days=DAYS) <= day <= today:
        raise HTTPException(404)
    return day


def _counts(store: ScanStore, issuer: str, day: date) -> ScanCounts:
    return ScanCounts(issuer, day, store.now(), counts_between(store, day, day))
