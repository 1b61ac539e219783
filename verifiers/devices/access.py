"""Who may speak as a device: whoever has its token and proves its key with this very request (ADR 0012)."""

from __future__ import annotations

import re

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from verifiers.devices.device import Device, DeviceState
from verifiers.devices.devices import PREFIX, Devices
from verifiers.devices.errors import DeviceRevoked, DeviceSuspended, DeviceUnknown, DeviceWiped
from web.dpop import DpopProofInvalid, Proof, Proofs
from web.limits import RateLimit, caller_address

_AUTHORIZATION = re.compile(rf"(?i:DPoP) ({PREFIX}[A-Za-z0-9_-]{{43}})")  # RFC 9449 section 7.1
_REQUESTS, _FAILURES = 600, 30  # a minute
AT_ONCE = 8  # proofs that are being written down, each with a connection of its own


class DeviceAccess:
    """Called with a request, gives its device. `origin`: scheme, host and port that devices reach us by.

    Each device has so many requests a minute; failed attempts are counted per address. The state is told only to who
    has proved the key: whoever found a token learns nothing with it.
    """

    def __init__(self, devices: Devices, proofs: Proofs, origin: str) -> None:
        self._devices, self._proofs, self._origin = devices, proofs, origin
        self._rate, self._failures = RateLimit(_REQUESTS), RateLimit(_FAILURES)
        self._few = CapacityLimiter(AT_ONCE)

    async def __call__(self, request: Request, suspended_may: bool = False) -> Device:
        """The device that sent this request.

        Raises `DeviceUnknown`, `DeviceRevoked`, `DeviceWiped`, `DeviceSuspended` unless `suspended_may`,
        `DpopProofInvalid`, `UseDpopNonce` or `TooManyRequests`.
        """
        try:
            device, proof = await self._proved(request)
            self._rate.take(device.id)
            _require_rights(device, suspended_may)
            # Last: what is refused leaves no row. Few at once: who waits for a writer keeps a thread of everybody's.
            await to_thread.run_sync(self._proofs.take, proof, limiter=self._few)
        except (DeviceUnknown, DpopProofInvalid):
            self._failures.take(caller_address(request))
            raise
        return device

    def proof_address(self, request: Request) -> str:
        """What a proof names as `htu`: our own address, never the Host header, which is the caller's word."""
        return self._origin + str(request.scope["path"])

    async def _proved(self, request: Request) -> tuple[Device, Proof]:
        sent = request.headers.getlist("authorization")
        found = _AUTHORIZATION.fullmatch(sent[0]) if len(sent) == 1 else None
        device = await run_in_threadpool(self._devices.with_token, found[1]) if found else None
        if found is None or device is None:
            raise DeviceUnknown("No device has this token; ask the desk for a new enrolment.")
        proof = self._proofs.check(
            request.headers.getlist("dpop"), request.method, self.proof_address(request), found[1], device.thumbprint
        )
        return device, proof


def _require_rights(device: Device, suspended_may: bool) -> None:
    if device.state is DeviceState.WIPED:
        raise DeviceWiped("This device was wiped: it has no rights and is to delete everything.")
    if device.state is DeviceState.REVOKED:
        raise DeviceRevoked("This device was revoked; ask the desk for a new enrolment.")
    if device.state is DeviceState.SUSPENDED and not suspended_may:
        raise DeviceSuspended("This device is suspended; ask the desk.")
