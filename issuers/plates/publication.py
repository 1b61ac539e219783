"""Writing plate lists and their keys below `published/plates/`: today's and tomorrow's, and nothing older.

The database is the truth and is looked at every few minutes; there is no note of a change that could be lost. Making
the slow digests of a new day takes a large city a minute or two, so this has a lock of its own: no status list waits.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, func, select, update

from issuers.models import plate_days
from issuers.one_publisher import one_publisher, publishing_disk
from issuers.plates.days import PlateDay, ensure_days, replace_keys, stored_days, stretched_plates
from issuers.plates.permits import Permit, PermitsOfDay, of_day, permits
from issuers.plates.recipients import every_recipient
from issuers.settings import IssuerSettings
from keys.atomic_file import write_public
from keys.key_ring import KeyRing
from keys.signer import Role
from walletpass.pass_type import Catalogue
from walletpass.passes import end_second, local_day
from walletpass.plate_entries import NONCE_BYTES, TagsCollide, key_check, pack_entries, tag
from walletpass.plate_keys import PlateKeys, keys_path, pack_keys, sign_plate_keys
from walletpass.plate_list import PlateList, ZoneEntries, list_path, sign_plate_list
from web.database import read_transaction, write_transaction

PLATES_LOCK = 0x91A7E  # the advisory lock's number on PostgreSQL
_PATIENCE = 3  # seconds to wait for a free `iat`


class PlatePublication:
    """The publisher of one installation's plate lists. `passphrase` opens the days' keys."""

    def __init__(
        self,
        settings: IssuerSettings,
        engine: Engine,
        catalogue: Catalogue,
        ring: KeyRing,
        passphrase: Callable[[], bytes],
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings, self._engine, self._catalogue, self._ring = settings, engine, catalogue, ring
        self._passphrase, self._now, self._sleep = passphrase, now, sleep
        self._looked_at = 0.0
        self._opened: dict[bytes, bytes] = {}  # the days' keys by what is sealed

    def publish(self) -> None:
        """Both lists and everybody's keys afresh."""
        with publishing_disk(), self._alone():
            self._publish(afresh=True)

    def publish_if_due(self) -> bool:
        """Look, at most every `plate_list_interval`, whether permits, day or time ask for a new list; write it."""
        if 0 <= self._now() - self._looked_at < self._settings.plate_list_interval:
            return False
        begun = self._now()
        with publishing_disk(), self._alone():
            published = self._publish(afresh=False)
        self._looked_at = begun
        return published

    def publish_keys(self) -> None:
        """Everybody's keys afresh: a recipient was added."""
        with publishing_disk(), self._alone():
            self._publish_keys(self._days())

    def replace_keys(self) -> None:
        """New keys for today and tomorrow, and lists under them: a recipient was removed or a key lost."""
        with publishing_disk(), self._alone():
            replace_keys(self._engine, self._passphrase())
            self._publish(afresh=True)

    @property
    def _folder(self) -> Path:
        return self._settings.published

    def _alone(self) -> AbstractContextManager[None]:
        (self._folder / "plates" / "keys").mkdir(parents=True, exist_ok=True)
        return one_publisher(self._engine, self._folder / "plates", PLATES_LOCK)

    def _days(self) -> list[PlateDay]:
        """Today and tomorrow, each with its key; older files and keys are gone."""
        today = local_day(datetime.fromtimestamp(self._now(), UTC))
        wanted = (today, today + timedelta(days=1))
        for file in (self._folder / "plates").glob("*.cwt"):
            if file.name not in [Path(list_path(day)).name for day in wanted]:
                file.unlink(missing_ok=True)
        passphrase = self._passphrase()
        days = ensure_days(self._engine, wanted, self._settings.plate_list_iterations, passphrase)
        self._opened = {day.sealed_key: day.key(passphrase) for day in days}
        return days

    def _publish(self, *, afresh: bool) -> bool:
        days = self._days()
        with read_transaction(self._engine) as connection:
            found = permits(connection, self._catalogue, days[0].day, days[-1].day)
        due = [day for day in days if afresh or self._is_due(day, self._content(found, day), urgent=day is days[0])]
        for day in due:
            self._publish_day(day, self._content(found, day))
        if due:
            self._publish_keys(days)
        return bool(due)

    def _content(self, found: Collection[Permit], day: PlateDay) -> PermitsOfDay:
        return of_day(found, day.day, self._settings.parking_zones)

    def _is_due(self, day: PlateDay, content: PermitsOfDay, *, urgent: bool) -> bool:
        """Tomorrow's list waits for the hour: nobody reads it yet."""
        age = self._now() - day.issued_at
        if age >= self._settings.resign_interval or not (self._folder / list_path(day.day)).exists():
            return True
        return urgent and content.fingerprint() != day.fingerprint

    def _publish_day(self, day: PlateDay, content: PermitsOfDay) -> None:
        key, digests = self._opened[day.sealed_key], stretched_plates(self._engine, day, content.keys())
        issued_at = self._next_time(day)
        expires_at = min(end_second(day.day), issued_at + self._settings.plate_list_lifetime)
        if expires_at <= issued_at:
            return  # midnight came while the digests were made
        nonce, zones = _zones(content, day, key, digests)
        check = key_check(key, nonce)
        issuer = self._settings.public_url
        plates = PlateList(issuer, day.day, issued_at, expires_at, day.salt, nonce, check, day.iterations, zones)
        signer = self._ring.signer(Role.PLATE_LIST, datetime.fromtimestamp(issued_at, UTC))
        write_public(self._folder / list_path(day.day), sign_plate_list(plates, signer), issued_at)
        with write_transaction(self._engine) as connection:
            row = update(plate_days).where(plate_days.c.day == day.day)
            connection.execute(row.values(fingerprint=content.fingerprint()))

    def _next_time(self, day: PlateDay) -> int:
        """An `iat` later than any before, taken in the database first; see `Publication._next_time`."""
        with write_transaction(self._engine) as connection:
            last = connection.scalar(select(func.max(plate_days.c.issued_at))) or 0
            issued_at = max(int(self._now()), last + 1)
            connection.execute(update(plate_days).where(plate_days.c.day == day.day).values(issued_at=issued_at))
        ahead = issued_at - self._now()
        if 0 < ahead <= _PATIENCE:
            self._sleep(ahead)
        return issued_at

    def _publish_keys(self, days: Collection[PlateDay]) -> None:
        """One file for each recipient; those of others, and what a killed writer left, are removed."""
        with read_transaction(self._engine) as connection:
            recipients = every_recipient(connection)
        paths = {self._folder / keys_path(recipient.id): recipient for recipient in recipients}
        for file in (self._folder / "plates" / "keys").iterdir():
            if file not in paths:
                file.unlink(missing_ok=True)
        if not paths:
            return
        plaintext = pack_keys({day.day: self._opened[day.sealed_key] for day in days})
        issued_at = max(int(self._now()), *(day.issued_at for day in stored_days(self._engine)))
        expires_at = max(end_second(day.day) for day in days)
        signer = self._ring.signer(Role.PLATE_LIST, datetime.fromtimestamp(issued_at, UTC))
        for path, recipient in paths.items():
            encrypted = recipient.encrypt(plaintext)
            keys = PlateKeys(self._settings.public_url, recipient.id, issued_at, expires_at, encrypted)
            write_public(path, sign_plate_keys(keys, signer))


def _zones(
    content: PermitsOfDay, day: PlateDay, key: bytes, digests: dict[str, bytes]
) -> tuple[bytes, dict[str, ZoneEntries]]:
    """The list's nonce and its zones. Two cars with one prefix (once in 10¹⁰ lists) are told apart by another nonce."""
    while True:
        nonce = secrets.token_bytes(NONCE_BYTES)
        try:
            return nonce, {
                zone: ZoneEntries(
                    pack_entries(
                        (tag(key, nonce, zone, digests[plate]), (last - day.day).days) for plate, last in listed.items()
                    ),
                    zone in content.unlisted,
                )
                for zone, listed in content.plates.items()
            }
        except TagsCollide:
            continue
