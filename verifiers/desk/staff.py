"""The staff of the verifying desk, in the verifying service's own database."""

from __future__ import annotations

from sqlalchemy import Engine

from verifiers.database import open_database
from verifiers.models import STAFF
from verifiers.settings import VerifierSettings
from web.staff.sealing import read_seal
from web.staff.store import StaffStore


def open_staff(settings: VerifierSettings, engine: Engine | None = None) -> StaffStore:
    """The store in the service's database, which is opened unless `engine` has it open already."""
    return StaffStore(engine or open_database(settings), STAFF, read_seal(settings.seal_path))


def staff_store() -> StaffStore:
    """For `walletpass staff --for verifier`."""
    return open_staff(VerifierSettings())
