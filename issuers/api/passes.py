"""`/api/v1/passes`: list, show and create passes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from starlette.responses import JSONResponse, Response

from issuers import lifecycle, repository
from issuers.api.counter import PRIVATE, READ, Caller, Counter, IdempotencyKey
from issuers.api.problems import EVERYWHERE, FIELD_CODES, WITH_BODY, problems
from issuers.api.schemas import EntitlementIn, PassBrief, PassOut, PassPage, PassWithHistory, StatusWord
from issuers.api.wishes import wanted_entitlement
from issuers.errors import NumberTaken
from walletpass.pass_type import PassType
from walletpass.passes import local_day
from walletpass.status import Status
from web.database import read_transaction
from web.tokens import RightMissing, Token

LIMIT = 200  # passes on a page
NUMBER = "^[0-9A-Za-zÄÖÜäöüß$+./:_-]{0,32}$"
_CODES = (*EVERYWHERE, *WITH_BODY, *FIELD_CODES, "unknown_type", "number_taken", "pass_revoked", "number_fixed")


def passes_router(counter: Counter) -> APIRouter:
    """Reading and creating passes."""
    router = APIRouter(prefix="/api/v1/passes", tags=["passes"])
    _add_reading(router, counter)
    _add_create(router, counter)
    return router


def _add_reading(router: APIRouter, counter: Counter) -> None:
    @router.get("", summary="List passes", response_model=PassPage, responses=problems(*EVERYWHERE, "unknown_type"))
    async def list_passes(
        token: Caller,
        type: Annotated[str, Query(description="Only this type.", examples=["library_card"])] = "",  # noqa: A002
        status: Annotated[StatusWord | None, Query(description="Only this status.")] = None,
        number: Annotated[str, Query(description="Only the department's own number.", pattern=NUMBER)] = "",
        after: Annotated[str, Query(description="From the last page's `next`.", pattern="^[0-9A-Za-z_-]{0,32}$")] = "",
        limit: Annotated[int, Query(ge=1, le=LIMIT)] = 50,
    ) -> Response:
        """Passes in the order of their serials, of the departments that the token may read."""
        types = _readable(counter, token, type)

        def read() -> list[dict[str, Any]]:
            with read_transaction(counter.office.engine) as connection:
                today = local_day(counter.office.now())
                found = repository.page(
                    connection,
                    departments_types=types,
                    status=status or "",
                    number=number,
                    today=today,
                    after=after,
                    limit=limit + 1,
                )
            return [counter.short_document(pass_) for pass_ in found]

        found = await counter.work(read)
        wanted = {"type": type, "status": status or "", "number": number}
        wanted["after"] = found[limit - 1]["serial"] if found[limit:] else ""
        following = urlencode({name: value for name, value in wanted.items() if value} | {"limit": limit})
        link = f"/api/v1/passes?{following}" if found[limit:] else None
        return JSONResponse({"passes": found[:limit], "next": link}, headers=PRIVATE)

    @router.get(
        "/{serial}",
        summary="Show a pass",
        response_model=PassWithHistory,
        responses=problems(*EVERYWHERE, "unknown_serial"),
    )
    async def show(serial: str, token: Caller) -> Response:
        """A pass, who carries it, and all that was done to it."""

        def read() -> dict[str, Any]:
            with read_transaction(counter.office.engine) as connection:
                counter.permitted(connection, serial, token, READ)
            return counter.document(serial, with_history=True)

        return JSONResponse(await counter.work(read), headers=PRIVATE)


def _readable(counter: Counter, token: Token, asked: str) -> Collection[str]:
    """The types to list; raises `RightMissing` when the token may read none of what is asked for."""
    if asked:
        token.require(counter.declared(asked).department, READ)
        return [asked]
    found = [each.name for each in counter.office.catalogue if token.allows(each.department, READ)]
    if not found:
        raise RightMissing("This token has no right to 'read' for any department; ask for one that has.")
    return found


def _add_create(router: APIRouter, counter: Counter) -> None:
    office = counter.office

    @router.post(
        "",
        summary="Create a pass",
        status_code=201,
        response_model=PassOut | PassBrief,
        responses=problems(
            *EVERYWHERE, *WITH_BODY, *FIELD_CODES, "unknown_type", "number_taken", "pass_revoked", "number_fixed"
        ),
    )
    async def create(
        request: Request,
        body: EntitlementIn,
        token: Caller,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """One entitlement becomes a pass. Its credentials come with the first offer."""
        pass_type = counter.declared(body.type)
        token.require(pass_type.department, "issue")
        order = office.order(f"token {token.id}")

        def change(connection: Connection) -> str:
            entitlement = wanted_entitlement(body, pass_type, local_day(order.now), counter.zones)
            _require_free(connection, pass_type, entitlement.external_number, body.reissue)
            try:
                return lifecycle.issue(connection, [entitlement], order)[0].serial
            except IntegrityError as taken:  # in between
                raise _number_taken() from taken

        return await counter.change(request, token, idempotency_key, change, status=201, publish=False)


def _require_free(connection: Connection, pass_type: PassType, number: str, reissue: bool) -> None:
    known = repository.by_number(connection, pass_type.name, [number], lock=False).get(number)
    if known is not None and known.status is not Status.INVALID:
        raise _number_taken()
    if known is not None and not reissue:
        lifecycle.require_not_revoked(known)


def _number_taken() -> NumberTaken:
    return NumberTaken("A pass with this type and number exists already; renew or amend it instead.")
