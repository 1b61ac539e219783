"""`/api/v1/passes/{serial}/links`: the link to the pass page, made to be handed to the resident and ended again."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from issuers.api.counter import PRIVATE, Caller, Counter
from issuers.api.problems import EVERYWHERE, problems
from issuers.api.schemas import LinkOut, PassBrief, PassOut
from issuers.residents import links
from web.database import write_transaction

_RIGHT = "offer"


def links_router(counter: Counter) -> APIRouter:
    """Making and ending links."""
    router = APIRouter(prefix="/api/v1/passes/{serial}", tags=["links"])
    office = counter.office

    @router.post(
        "/links",
        status_code=201,
        summary="Make a link to the pass page",
        response_model=LinkOut,
        responses=problems(*EVERYWHERE, "unknown_serial", "publish_failed"),
    )
    async def create(serial: str, token: Caller) -> Response:
        """Whoever has the link sees the pass and can show it, so it goes to its holder only. It is answered once, and
        not kept; each call makes another and ends the one before, with the codes that its page showed."""
        order = office.order(f"token {token.id}")

        def make() -> str:
            with write_transaction(office.engine) as connection:
                counter.permitted(connection, serial, token, _RIGHT)
                return links.create(connection, serial, order)

        secret = await counter.work(make)
        await counter.publisher.publish()
        return JSONResponse({"link": links.address(office.settings.public_url, secret)}, 201, PRIVATE)

    @router.delete(
        "/links",
        summary="End the link to the pass page",
        response_model=PassOut | PassBrief,
        responses=problems(*EVERYWHERE, "unknown_serial", "publish_failed"),
    )
    async def end(request: Request, serial: str, token: Caller) -> Response:
        """The link opens nothing from then on, and the codes that its page showed are withdrawn."""
        order = office.order(f"token {token.id}")

        def change(connection: Connection) -> str:
            counter.permitted(connection, serial, token, _RIGHT)
            links.end(connection, serial, order)
            return serial

        return await counter.change(request, token, None, change)

    return router
