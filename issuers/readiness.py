"""Whether the issuing service can do its work: its database, its keys, and published documents that are fresh."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from issuers.models import installation
from issuers.office import Office
from issuers.publication import AGGREGATION
from issuers.published_times import TRUST_LIST
from keys.signer import Role
from walletpass.errors import WalletPassError
from web.database import read_transaction

_ROLES = (Role.CREDENTIAL, Role.STATUS_LIST, Role.TRUST_LIST)


class Readiness:
    """Looks at the real things at every call. `clock` gives seconds since 1970, as file times do."""

    def __init__(self, office: Office, clock: Callable[[], float] = time.time) -> None:
        self._office, self._clock = office, clock

    def missing(self) -> list[str]:
        """What is missing: `database`, `keys`, `published_documents` or `published_documents_old`."""
        checks = {"database": self._database, "keys": self._keys}
        lacking = [name for name, check in checks.items() if not _succeeds(check)]
        return lacking + self._published()

    def _database(self) -> None:
        with read_transaction(self._office.engine) as connection:
            connection.execute(select(installation.c.name).limit(1))

    def _keys(self) -> None:
        for role in _ROLES:
            self._office.signer(role)

    def _published(self) -> list[str]:
        signed_at = last_signed(self._office.settings.published)
        if signed_at is None:
            return ["published_documents"]
        old = self._clock() - signed_at > 2 * self._office.settings.resign_interval
        return ["published_documents_old"] if old else []


def last_signed(published: Path) -> float | None:
    """When all documents were signed last, in seconds since 1970; None when some are missing."""
    try:
        return min((published / name).stat().st_mtime for name in (TRUST_LIST, AGGREGATION))
    except OSError:
        return None


def _succeeds(check: Callable[[], None]) -> bool:
    try:
        check()
    except WalletPassError:
        return False
    return True
