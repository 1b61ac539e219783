"""`/api/v1/device`: how a device is enrolled, and what it says and hears every twenty seconds (ADR 0012).

Only our own app can prove itself here, so the addresses are not in the API's description.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from verifiers.devices.access import DeviceAccess
from verifiers.devices.briefing import Briefing
from verifiers.devices.devices import Devices
from web.dpop import Proofs
from web.jwk import read_public_jwk
from web.limits import RateLimit, caller_address

PREFIX = "/api/v1/device"
AT_ONCE = 8  # contacts that wait for a writer, each with a database connection of its own
_ENROLMENTS_PER_MINUTE = 60  # of one address, two for each device: an office may share one
_NOT_STORED = {"Cache-Control": "no-store"}

Time = Annotated[int, Field(ge=0, lt=1 << 40)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Kind = Annotated[str, Field(pattern=r"^(plate|use)$")]
Kid = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9.+-]{1,40}$")]
Uri = Annotated[str, Field(pattern=r"^[!-~]{1,300}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class EnrolmentIn(_Strict):
    """The code of an invitation and the device's key for agreeing on others; its signing key is in the proof."""

    code: str = Field(min_length=1, max_length=64)
    agreement_key: dict[str, str] = Field(max_length=8)
    app_version: Version


class ContactIn(_Strict):
    """What a device says of itself: of a list its `iat`, of a key its kid. Days are ISO."""

    app_version: Version
    now: Time
    waiting: Count
    quarantined: Count
    cases: Count
    lookups: dict[Day, Count] = Field(max_length=16)
    trust_list_version: Time | None
    status_lists: dict[Uri, Time] = Field(max_length=256)
    plate_lists: dict[Day, Time] = Field(max_length=8)
    keys: dict[Kind, Annotated[dict[Day, Kid], Field(max_length=8)]]

    def reported(self, server_time: int) -> dict[str, Any]:
        """What is kept of it until the next contact."""
        return self.model_dump(exclude={"now", "keys"}) | {"clock_difference": self.now - server_time}


def devices_router(devices: Devices, access: DeviceAccess, proofs: Proofs, briefing: Briefing) -> APIRouter:
    """`POST /enrolment` and `POST /contact`."""
    router = APIRouter(prefix=PREFIX, include_in_schema=False)
    limit, few = RateLimit(_ENROLMENTS_PER_MINUTE), CapacityLimiter(AT_ONCE)

    async def seldom(request: Request) -> None:
        limit.take(caller_address(request))

    @router.post("/enrolment", dependencies=[Depends(seldom)])
    async def enrolment(request: Request, sent: EnrolmentIn) -> JSONResponse:
        proof = proofs.read(request.headers.getlist("dpop"), request.method, access.proof_address(request))
        agreement_key = read_public_jwk(sent.agreement_key)
        once = partial(proofs.take_with, proof=proof)
        device, token = await run_in_threadpool(devices.enrol, sent.code, proof.jwk, agreement_key, once)
        return JSONResponse({"token": token, **briefing.at_enrolment(device)}, 201, _NOT_STORED)

    async def proved(request: Request) -> None:
        request.state.device = await access(request, suspended_may=True)

    @router.post("/contact", dependencies=[Depends(proved)])
    async def contact(request: Request, sent: ContactIn) -> JSONResponse:
        device, now = request.state.device, devices.store.now()
        await to_thread.run_sync(devices.heard_from, device.id, sent.reported(now), limiter=few)
        return JSONResponse(
            await to_thread.run_sync(briefing.at_contact, device, sent.keys, limiter=few), headers=_NOT_STORED
        )

    return router
