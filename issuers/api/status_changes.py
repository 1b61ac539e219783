"""`/api/v1/passes/{serial}/…`: suspend, reinstate and revoke passes, withdraw a lost phone's credentials.

Each is answered when verifiers can see it: the status lists are signed and published before.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from issuers import lifecycle
from issuers.api.counter import Caller, Counter, IdempotencyKey
from issuers.api.problems import EVERYWHERE, WITH_BODY, NothingCarried, problems
from issuers.api.schemas import MAX_REASON, PassBrief, PassOut, ReasonIn, WithdrawalIn
from issuers.lifecycle import NEEDS_REASON, Action
from walletpass import claims as reading

_ADDRESSES = (
    (Action.SUSPEND, "suspensions", "Suspend a pass", "Until it is reinstated, inspectors see it as suspended."),
    (Action.REINSTATE, "reinstatements", "Reinstate a suspended pass", "It counts again, with the same codes."),
    (Action.REVOKE, "revocations", "Revoke a pass for good", "This is final: nothing brings a revoked pass back."),
)
_CODES = (*EVERYWHERE, *WITH_BODY, "unknown_serial", "bad_text")


def status_router(counter: Counter) -> APIRouter:
    """Changes of status, one address each."""
    router = APIRouter(prefix="/api/v1/passes/{serial}", tags=["status"])
    for action, address, summary, description in _ADDRESSES:
        reasons = ("reason_required",) if action in NEEDS_REASON else ()
        router.add_api_route(
            f"/{address}",
            _status_change(counter, action),
            methods=["POST"],
            name=action.value,
            summary=summary,
            description=description,
            response_model=PassOut | PassBrief,
            responses=problems(*_CODES, *reasons, "transition_not_allowed"),
        )
    _add_withdrawals(router, counter)
    return router


def _status_change(counter: Counter, action: Action) -> Callable[..., object]:
    async def change_status(
        request: Request,
        serial: str,
        token: Caller,
        body: ReasonIn | None = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        reason = reading.clean_text("reason", body.reason if body else "", MAX_REASON)
        order = counter.office.order(f"token {token.id}", reason)

        def change(connection: Connection) -> str:
            counter.permitted(connection, serial, token, action.value, lock=True)
            lifecycle.set_status(connection, [serial], action, order)
            return serial

        return await counter.change(request, token, idempotency_key, change)

    return change_status


def _add_withdrawals(router: APIRouter, counter: Counter) -> None:
    @router.post(
        "/withdrawals",
        summary="Withdraw one carrier's credentials",
        response_model=PassOut | PassBrief,
        responses=problems(*_CODES, "unknown_carrier"),
    )
    async def withdraw(
        request: Request,
        serial: str,
        body: WithdrawalIn,
        token: Caller,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """For a lost phone: what it carries ends for good; the pass and its other carriers live on."""
        order = counter.office.order(f"token {token.id}", reading.clean_text("reason", body.reason, MAX_REASON))

        def change(connection: Connection) -> str:
            counter.permitted(connection, serial, token, Action.WITHDRAW.value, lock=True)
            if body.carrier not in counter.office.carriers:
                known = ", ".join(counter.office.carriers)
                raise NothingCarried(f"No carrier has this name; there are {known}.")
            lifecycle.withdraw(connection, serial, body.carrier, order)
            return serial

        return await counter.change(request, token, idempotency_key, change)
