"""`PATCH /api/v1/passes/{serial}` and its renewals: what a pass says, and for how long."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from issuers import lifecycle
from issuers.api.counter import Caller, Counter, IdempotencyKey
from issuers.api.problems import EVERYWHERE, FIELD_CODES, WITH_BODY, problems
from issuers.api.schemas import MAX_REASON, AmendmentIn, PassBrief, PassOut, RenewalIn
from issuers.api.wishes import wanted_amendment
from walletpass import claims as reading
from walletpass.passes import local_day

_CODES = (*EVERYWHERE, *WITH_BODY, *FIELD_CODES, "unknown_serial", "pass_revoked")


def amendments_router(counter: Counter) -> APIRouter:
    """Amending and renewing."""
    router = APIRouter(prefix="/api/v1/passes/{serial}", tags=["passes"])
    _add_amend(router, counter)
    _add_renew(router, counter)
    return router


def _add_amend(router: APIRouter, counter: Counter) -> None:
    @router.patch(
        "",
        summary="Amend a pass",
        response_model=PassOut | PassBrief,
        responses=problems(*_CODES, "number_fixed"),
    )
    async def amend(
        request: Request,
        serial: str,
        body: AmendmentIn,
        token: Caller,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Change what the pass says. Credentials that said otherwise are withdrawn at once.

        A later last day needs the right to renew, too.
        """
        order = counter.office.order(f"token {token.id}", _reason(body.reason))

        def change(connection: Connection) -> str:
            found = counter.permitted(connection, serial, token, "amend", lock=True)
            lifecycle.require_not_revoked(found)
            pass_type = counter.type_of(found)
            wanted = wanted_amendment(found, body, pass_type, local_day(order.now), counter.zones)
            if wanted.valid_until > found.valid_until:
                token.require(pass_type.department, "renew")
            lifecycle.amend(connection, found, wanted, pass_type, order)
            return serial

        return await counter.change(request, token, idempotency_key, change)


def _add_renew(router: APIRouter, counter: Counter) -> None:
    @router.post(
        "/renewals",
        summary="Renew a pass",
        response_model=PassOut | PassBrief,
        responses=problems(*_CODES),
    )
    async def renew(
        request: Request,
        serial: str,
        token: Caller,
        body: RenewalIn | None = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Lengthen the pass to a date, or by the type's usual period. Credentials already out end as they say."""
        asked = body or RenewalIn()
        order = counter.office.order(f"token {token.id}", _reason(asked.reason))

        def change(connection: Connection) -> str:
            found = counter.permitted(connection, serial, token, "renew", lock=True)
            lifecycle.require_not_revoked(found)
            pass_type, today = counter.type_of(found), local_day(order.now)
            until = reading.read_date("valid_until", asked.valid_until) if asked.valid_until else None
            wanted = lifecycle.renewed(found, pass_type, until, today)
            reading.check_validity("valid_until", pass_type.validity, wanted.valid_from, wanted.valid_until, today)
            lifecycle.amend(connection, found, wanted, pass_type, order, renewing=True)
            return serial

        return await counter.change(request, token, idempotency_key, change)


def _reason(text: str) -> str:
    return reading.clean_text("reason", text, MAX_REASON)
