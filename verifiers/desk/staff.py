"""The staff of the verifying desk, in the verifying service's own database."""

from __future__ import annotations

from verifiers.models import STAFF
from verifiers.settings import VerifierSettings
from web.database import create_engine_for
from web.migrations import upgrade
from web.staff.sealing import read_seal
from web.staff.store import StaffStore


def open_staff(settings: VerifierSettings) -> StaffStore:
    """The store in `verifier/verifier.db`, its seal in `verifier/staff.key`; both are made when they are not there."""
    engine = create_engine_for(settings.database_url)
    upgrade(engine, "verifiers.migrations")
    return StaffStore(engine, STAFF, read_seal(settings.verifier_home / "staff.key"))


def staff_store() -> StaffStore:
    """For `walletpass staff --for verifier`."""
    return open_staff(VerifierSettings())
