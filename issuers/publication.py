"""Writing the signed public documents to `published/`: the trust list, the status lists, the pass types.

Any static web server or CDN can serve the folder. One publisher at a time; `iat` strictly rises, so a verifier can
refuse what is older than what it has seen. Documents are written beside, synced and renamed: a full disk leaves the
old ones whole, and what was not published stays noted in the outbox.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, func, insert, select, update

from issuers.errors import PublishFailed
from issuers.lifecycle import PUBLISH_LIST
from issuers.models import outbox, publications, status_lists
from issuers.one_publisher import one_publisher, publishing_disk
from issuers.published_times import TRUST_LIST, told_by
from issuers.repository import BATCH, add_outbox
from issuers.settings import IssuerSettings
from issuers.status_lists import changed_entries, current_array
from keys.atomic_file import write_public
from keys.errors import KeyNotFound
from keys.issuing import REVOCATION_LIST
from keys.key_ring import KeyRing
from keys.revocation_list import make_revocation_list
from keys.signer import Role, Signer
from keys.trust_list import ListedType, TrustList, sign_trust_list
from walletpass.pass_type import Catalogue
from walletpass.status_list import StatusArray, compress
from walletpass.status_token import TokenTimes, TokenWriter
from walletpass.type_metadata import to_document
from web.database import read_transaction, write_transaction

AGGREGATION = "status-lists.json"
PUBLISH_LOCK = 0x9B11C  # the advisory lock's number on PostgreSQL
_PATIENCE = 3  # seconds to wait for a free `iat`; further off, the clock went back and we go on past it


class Publication:
    """The publisher of one installation. `now` gives seconds since 1970; `sleep` waits for the next one."""

    def __init__(
        self,
        settings: IssuerSettings,
        engine: Engine,
        catalogue: Catalogue,
        ring: KeyRing,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings, self._engine, self._catalogue, self._ring = settings, engine, catalogue, ring
        self._now, self._sleep = now, sleep
        self._writers: dict[tuple[str, bytes], TokenWriter] = {}
        self._arrays: dict[str, tuple[int, StatusArray]] = {}  # as last published by us, and when
        self._documents = {t.path() + ".json": to_document(t, settings.public_url) for t in catalogue}

    @property
    def folder(self) -> Path:
        return self._settings.published

    def publish_all(self) -> None:
        """Everything afresh: types, status lists, their aggregation, and the trust list last."""
        with publishing_disk(), self._alone():
            for path, document in self._documents.items():
                (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                write_public(self.folder / path, document)
            with read_transaction(self._engine) as connection:
                ids = list(connection.scalars(select(status_lists.c.id).order_by(func.length(status_lists.c.id), "id")))
            self._arrays.clear()  # once an hour everything is read anew
            self._publish_lists(ids)
            self._publish_aggregation(ids)
            self._publish_trust_list()

    def publish_keys(self) -> None:
        """The trust list afresh, and the withdrawn certificates where the anchor's key is: keys have changed."""
        with publishing_disk(), self._alone():
            self._publish_trust_list()
            with suppress(KeyNotFound):  # the anchor may be offline; its list is made to last
                made = make_revocation_list(self._ring, _aware(int(self._now())))
                write_public(self.folder / REVOCATION_LIST, made)

    def publish_changes(self) -> None:
        """Sign the lists that the outbox names. When this returns, every change committed before is published."""
        if not self._pending_lists():
            return
        with publishing_disk(), self._alone():
            ids = self._pending_lists()  # those who waited for the lock often find their change published already
            if ids:
                self._publish_lists(ids)
            aggregation = self.folder / AGGREGATION
            if any(self._settings.status_uri(list_id) not in aggregation.read_text() for list_id in ids):
                with read_transaction(self._engine) as connection:
                    self._publish_aggregation(list(connection.scalars(select(status_lists.c.id))))

    def resign_if_due(self) -> bool:
        """Publish everything when the last time is `resign_interval` ago; True when it was due."""
        with read_transaction(self._engine) as connection:
            last = connection.scalar(select(publications.c.issued_at).where(publications.c.name == TRUST_LIST)) or 0
        if self._now() - last < self._settings.resign_interval:
            return False
        self.publish_all()
        return True

    def token_writer(self, list_id: str, signer: Signer) -> TokenWriter:
        """The writer of a list's tokens, prepared once per list and key."""
        key = (list_id, signer.kid)
        if key not in self._writers:
            aggregation_uri = f"{self._settings.public_url}/{AGGREGATION}"
            self._writers[key] = TokenWriter(self._settings.status_uri(list_id), aggregation_uri, signer)
        return self._writers[key]

    def _alone(self) -> AbstractContextManager[None]:
        (self.folder / "status").mkdir(parents=True, exist_ok=True)
        return one_publisher(self._engine, self.folder, PUBLISH_LOCK)

    def _pending_lists(self) -> list[str]:
        with read_transaction(self._engine) as connection:
            pending = select(outbox.c.subject).where(outbox.c.kind == PUBLISH_LIST, outbox.c.done_at.is_(None))
            return sorted(connection.scalars(pending.distinct()))

    def _publish_lists(self, ids: list[str]) -> None:
        before, issued_at = self._next_time(ids)
        signer = self._ring.signer(Role.STATUS_LIST, _aware(issued_at))
        settings = self._settings
        times = TokenTimes(issued_at, issued_at + settings.status_list_lifetime, settings.status_list_ttl)
        for list_id in ids:
            array, covered = self._read_list(list_id, before[list_id])
            packed = compress(array.raw)
            writer = self.token_writer(list_id, signer)
            path = self.folder / "status" / list_id
            jwt = writer.jwt(packed, times)
            write_public(path.with_name(f"{list_id}.cwt"), writer.cwt(packed, times), issued_at)
            write_public(path.with_name(f"{list_id}.jwt"), jwt, issued_at)
            write_public(path, jwt, issued_at)
            if not self._mark_done(list_id, issued_at, covered):
                raise PublishFailed(
                    "Another process published at the same moment, because the database was gone for a while; the "
                    "change is kept and is published again within seconds."
                )
            self._arrays[list_id] = (issued_at, array)

    def _read_list(self, list_id: str, published_at: int) -> tuple[StatusArray, list[int]]:
        """A list as it stands, and the outbox rows it covers. The rows are read first: a later one is not covered yet.

        What we published last needs only the entries that changed since; when another process published in between,
        or anything failed, the list is read anew.
        """
        known_at, array = self._arrays.pop(list_id, (0, None))
        with read_transaction(self._engine) as connection:
            pending = select(outbox.c.id, outbox.c.detail).where(
                outbox.c.kind == PUBLISH_LIST, outbox.c.subject == list_id, outbox.c.done_at.is_(None)
            )
            rows = connection.execute(pending.order_by(outbox.c.id)).all()
            if array is None or known_at != published_at:
                array = current_array(connection, list_id)
            else:
                array.update(changed_entries(detail for _, detail in rows))
        return array, [row_id for row_id, _ in rows]

    def _next_time(self, ids: list[str]) -> tuple[dict[str, int], int]:
        """When each list was signed last, and an `iat` later than any of these.

        It is taken in the database first: a crash loses a number, never repeats one.
        """
        told = told_by(self.folder, ids)
        with write_transaction(self._engine) as connection:
            told.require_known(connection)
            query = select(status_lists.c.id, status_lists.c.issued_at).where(status_lists.c.id.in_(ids))
            before = {row.id: row.issued_at for row in connection.execute(query)}
            issued_at = max(int(self._now()), *(last + 1 for last in before.values()))
            changed = update(status_lists).where(status_lists.c.id.in_(ids)).values(issued_at=issued_at)
            connection.execute(changed)
        self._wait_until(issued_at)
        return before, issued_at

    def _wait_until(self, issued_at: int) -> None:
        """A token from the future would be refused; a second change within one second waits for the next."""
        ahead = issued_at - self._now()
        if 0 < ahead <= _PATIENCE:
            self._sleep(ahead)

    def _mark_done(self, list_id: str, issued_at: int, covered: list[int]) -> bool:
        """Unless another process has published the list meanwhile, because our lock went with a lost connection.

        Which of the two documents lies there now is not known then: it is noted to be published again.
        """
        with write_transaction(self._engine) as connection:
            last = connection.scalar(select(status_lists.c.issued_at).where(status_lists.c.id == list_id))
            if last != issued_at:
                add_outbox(connection, PUBLISH_LIST, [list_id], int(self._now()))
                return False
            for start in range(0, len(covered), BATCH):
                rows = outbox.c.id.in_(covered[start : start + BATCH])
                connection.execute(update(outbox).where(rows).values(done_at=int(self._now())))
        return True

    def _publish_aggregation(self, ids: list[str]) -> None:
        uris = [self._settings.status_uri(list_id) for list_id in sorted(ids, key=int)]
        write_public(self.folder / AGGREGATION, json.dumps({"status_lists": uris}).encode())

    def _publish_trust_list(self) -> None:
        told = told_by(self.folder, ())
        with write_transaction(self._engine) as connection:
            told.require_known(connection)
            version, issued_at = self._next_version(connection)
        self._wait_until(issued_at)
        now = _aware(issued_at)
        trust_list = TrustList(
            issuer=self._settings.public_url,
            version=version,
            issued_at=issued_at,
            expires_at=issued_at + self._settings.trust_list_lifetime,
            keys=tuple(self._ring.listed_keys(now)),
            types=tuple(
                ListedType(t.name, t.number, t.version, _sha256(self._documents[t.path() + ".json"]), t.max_status_age)
                for t in self._catalogue
            ),
        )
        token = sign_trust_list(trust_list, self._ring.signer(Role.TRUST_LIST, now))
        write_public(self.folder / TRUST_LIST, token)

    def _next_version(self, connection: Connection) -> tuple[int, int]:
        row = connection.execute(
            select(publications).where(publications.c.name == TRUST_LIST).with_for_update()
        ).one_or_none()
        last, issued_before = (row.version, row.issued_at) if row else (0, 0)
        issued_at = max(int(self._now()), issued_before + 1)
        version = max(issued_at, last + 1)  # rises also past versions that a restored database has forgotten
        values = {"version": version, "issued_at": issued_at}
        if row:
            connection.execute(update(publications).where(publications.c.name == TRUST_LIST).values(**values))
        else:
            connection.execute(insert(publications).values(name=TRUST_LIST, **values))
        return version, issued_at


def _aware(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
