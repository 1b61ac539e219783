"""What the desk's pages work with, put together once: devices, what is known, scans and cases, and the pages' frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

from verifiers.desk.texts import ERRORS, NAMES, TEXTS
from verifiers.devices.devices import Devices
from verifiers.known import Known
from verifiers.scans.cases import Cases
from verifiers.scans.store import ScanStore
from verifiers.scans.uses import Uses
from verifiers.settings import VerifierSettings
from web.staff.accounts import Accounts
from web.staff.desk import Desk, Visit
from web.staff.passwords import PasswordHasher
from web.staff.store import StaffStore

LEAD = "lead"  # the role that may change devices and read cases; all others look
MENU = (("devices", "devices"), ("lists", "lists"), ("statistics", "statistics"), ("cases", "cases"))


@dataclass(frozen=True, slots=True)
class DeskOffice:
    """One for the service."""

    desk: Desk
    settings: VerifierSettings
    devices: Devices
    known: Known
    scans: ScanStore
    uses: Uses
    cases: Cases
    accounts: Accounts

    def type_labels(self, language: str) -> dict[str, str]:
        """The types that are known, by name, in their published order."""
        types = (known.pass_type for known in self.known.current.known_types.values())
        return {found.name: found.labels[language] for found in types}

    def device_names(self) -> Mapping[str, str]:
        """What each device is called, by id."""
        return {device.id: device.name for device in self.devices.all()}

    async def lead(self, request: Request) -> Visit:
        """A visit by somebody who may change things; raises `RoleMissing`."""
        visit = await self.desk.entered(request)
        visit.open.account.require(LEAD)
        return visit


def may_change(visit: Visit) -> bool:
    """Whether the person visiting leads the team."""
    return LEAD in visit.open.account.roles


def make_desk(store: StaffStore, settings: VerifierSettings, hasher: PasswordHasher | None = None) -> Desk:
    """The verifying service's desk: sign-in, menu, texts."""
    return Desk(
        store, "verifier", settings.desk_origin, NAMES, "verifiers", TEXTS, errors=ERRORS, menu=MENU, hasher=hasher
    )
