"""`POST /api/v1/passes/{serial}/offers`: the pass as a file or link for a wallet.

An unchanged pass offers the same credential again, so an offer may be repeated at will.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from issuers.api.counter import PRIVATE, Caller, Counter, IdempotencyKey
from issuers.api.idempotency import once
from issuers.api.problems import EVERYWHERE, WITH_BODY, problems
from issuers.api.schemas import OfferIn
from issuers.errors import WalletUnknown

_CODES = (*EVERYWHERE, *WITH_BODY, "unknown_serial", "unknown_wallet", "revoked", "suspended", "expired",
          "symbol_refused", "not_printable", "encoding_refused", "no_status_index", "key_not_found",
          "certificate_mismatch", "key_error", "unfit_identifier")  # fmt: skip
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file; for Google Wallet the save link as text",
        "content": {
            "application/vnd.apple.pkpass": _BINARY,
            "application/pdf": _BINARY,
            "image/png": _BINARY,
            "image/svg+xml": _BINARY,
            "text/plain; charset=us-ascii": {
                "schema": {"type": "string"},
                "examples": {"link": {"value": "https://pay.google.com/gp/v/save/eyJhbGciOiJSUzI1NiIs…"}},
            },
        },
    }
}


def offers_router(counter: Counter) -> APIRouter:
    """Offers."""
    router = APIRouter(prefix="/api/v1/passes/{serial}", tags=["offers"])

    @router.post(
        "/offers",
        summary="Offer a pass to a wallet",
        response_class=Response,
        responses=_FILES | problems(*_CODES),
    )
    async def offer(
        request: Request,
        serial: str,
        body: OfferIn,
        token: Caller,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """The bytes to send on: `.pkpass`, the Google save link, a PDF letter, or the QR code."""
        office = counter.office
        order = office.order(f"token {token.id}")
        attempt = await counter.attempt(request, token, idempotency_key)

        def permit(connection: Connection) -> str:
            counter.permitted(connection, serial, token, "offer")
            if body.wallet not in office.wallets:
                raise WalletUnknown(f"There is no wallet of this name; there are {', '.join(sorted(office.wallets))}.")
            office.wallet(body.wallet, body.form)
            return serial

        await counter.work(once, office.engine, attempt, 200, permit)
        [made] = await counter.work(office.offer, [serial], body.wallet, body.form, order)
        headers = PRIVATE | {"Content-Disposition": f'attachment; filename="{made.file_name}"'}
        return Response(made.body, headers=headers, media_type=made.media_type)

    return router
