"""What devices send in: `POST /api/v1/device/scans` and `/cases`. Both may be repeated: nothing is stored twice.

A suspended device may hand in what it has. A body that cannot be read is refused as a whole, each scan of one that can
is judged alone.
"""

from __future__ import annotations

import json
from typing import Protocol

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from keys.errors import WalletPassError
from verifiers.scans.cases import MAX_CASE, Cases
from verifiers.scans.scan_log import ScanLog
from verifiers.scans.uses import Uses
from walletpass.errors import Malformed
from web.limits import RateLimit

PREFIX = "/api/v1/device"
MAX_SCANS = 500  # in one upload
BODY_LIMITS = {f"{PREFIX}/scans": 512 << 10, f"{PREFIX}/cases": MAX_CASE}  # bytes; a scan has some 300
STATUSES = {
    "too_many_scans": 413,
    "types_not_known": 503,
    "case_malformed": 422,
    "too_many_cases": 429,
    "case_taken": 409,
    "case_not_found": 404,
}
AT_ONCE = 8  # uploads that wait for the one that writes, each with a connection of its own
_CASES_PER_MINUTE = 20  # of one device, with 4 MB each: nobody files more, and a disk is not endless


class TooManyScans(WalletPassError):
    """More scans than an upload may have."""

    code = "too_many_scans"


class KnownDevice(Protocol):
    """A device whose request was proved."""

    @property
    def id(self) -> str: ...


class Access(Protocol):
    """Who asks? Raises what refuses a device."""

    async def __call__(self, request: Request, suspended_may: bool = False) -> KnownDevice: ...


def scans_router(access: Access, log: ScanLog, uses: Uses, cases: Cases) -> APIRouter:
    """The router; not in the API's description, because only our own devices can prove themselves."""
    router = APIRouter(prefix=PREFIX, include_in_schema=False)
    rate, few = RateLimit(_CASES_PER_MINUTE), CapacityLimiter(AT_ONCE)

    @router.post("/scans")
    async def take_scans(request: Request) -> JSONResponse:
        device = await access(request, suspended_may=True)
        body = await request.body()
        return JSONResponse(await to_thread.run_sync(_scans_taken, log, uses, device.id, body, limiter=few))

    @router.post("/cases")
    async def take_case(request: Request) -> JSONResponse:
        device = await access(request, suspended_may=True)
        rate.take(device.id)
        body = await request.body()
        new = await to_thread.run_sync(lambda: cases.take(device.id, _json(body)), limiter=few)
        return JSONResponse({}, 201 if new else 200)

    return router


def _scans_taken(log: ScanLog, uses: Uses, device_id: str, body: bytes) -> dict[str, object]:
    upload = log.take(device_id, _scans(body))
    return {
        "received": upload.received,
        "rejected": [{"nonce": nonce, "code": code.value} for nonce, code in upload.rejected],
        "warnings": uses.told(device_id),
    }


def _scans(body: bytes) -> list[object]:
    sent = _json(body)
    if not isinstance(sent, dict) or sent.keys() != {"scans"} or not isinstance(sent["scans"], list):
        raise Malformed("The upload is not an object with a list of scans.")
    if len(sent["scans"]) > MAX_SCANS:
        raise TooManyScans(f"An upload has at most {MAX_SCANS} scans; send the others in another one.")
    return sent["scans"]


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("The upload is not JSON.") from None
