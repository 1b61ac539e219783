"""After a restore from an older copy: what the published documents know, the database learns from them.

It takes back revocations and suspensions, keeps what was published about credentials that it does not know, and closes
the status lists, because nobody can tell which of their entries were given out since. A pass whose credential was
withdrawn since is suspended: why it was withdrawn is not known, and the department decides. A phone may have been lost,
so what carried the credential ends: else the next one would come to that phone. And nobody knows which messages were
sent since, so none is sent again by itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import Connection, insert, select, update

from issuers import campaigns, copies, lifecycle, repository, status_lists
from issuers.carrier_models import campaigns as campaigns_table
from issuers.lifecycle import Action, Order
from issuers.models import credentials, outbox, publications
from issuers.models import status_lists as lists_table
from issuers.offers import PAGE
from issuers.office import Office
from issuers.published_times import TRUST_LIST, told_by
from issuers.reminders import take_for_given
from issuers.residents import links
from issuers.versions import require_fitting_schema
from keys.signer import Role
from keys.trust_list import ListedKey
from walletpass.errors import StatusListInvalid
from walletpass.status import Status
from walletpass.status_list import BITS, StatusArray, StatusList, compress
from walletpass.status_token import read_token
from web.database import write_transaction

REASON = "Restored from a backup: withdrawn or suspended since, as the published list says"
CODE = "restored"  # of messages in the quarantine
_ALL_INVALID = 0b01010101


class _Known(NamedTuple):
    """A credential that is here."""

    serial: str
    carrier: str
    status: int  # the effective one


@dataclass
class Restored:
    """`suspended`: serials of passes to look at. `unknown`: entries not VALID of credentials that are not here.

    `held`: messages that were not sent when the copy was made, now in the quarantine; `paused`: campaigns; `reminders`:
    those that are taken for given.
    """

    lists: int = 0
    withdrawn: int = 0
    unknown: int = 0
    held: int = 0
    paused: int = 0
    reminders: int = 0
    suspended: list[str] = field(default_factory=list)


def restored(office: Office, order: Order, *, refuse_unknown: bool = False) -> Restored:
    """Bring a restored database up to what is published, then publish. Nothing else may run meanwhile.

    `refuse_unknown`: also refuse credentials that were made since the copy, which nobody could revoke otherwise.
    Raises `StatusListInvalid` for a list that none of our keys has signed.
    """
    found, settings = Restored(), office.settings
    engine = office.connect()
    with write_transaction(engine) as connection:
        require_fitting_schema(connection)
        _hold_messages(connection, office, order, found)
        copies.number_anew(connection, order.seconds)
        keys = [key for key in office.ring.listed_keys(order.now) if key.role is Role.STATUS_LIST]
        for path in sorted((settings.published / "status").glob("[0-9]*.[cj]wt")):  # a verifier keeps one form only
            _take_over(connection, path.stem, _read(path, settings.status_uri(path.stem), keys), order, found)
        for list_id in connection.scalars(select(lists_table.c.id)).all():
            _close(connection, list_id, refuse_unknown)
        _raise_version(connection, settings.published)
        status_lists.ensure_room(connection, 0, settings.status_lists_open, settings.status_list_size)
    engine.dispose()
    office.publication.publish_all()
    office.publication.publish_keys()
    office.plates.publish()
    return found


def _hold_messages(connection: Connection, office: Office, order: Order, found: Restored) -> None:
    """What was still to be sent may have been sent since the copy: a person decides about it."""
    running = select(campaigns_table.c.id).where(campaigns_table.c.state == campaigns.State.RUNNING.value)
    for number in connection.scalars(running.order_by(campaigns_table.c.id)).all():
        with suppress(campaigns.CampaignOver):  # it is done
            campaigns.pause(connection, number, order.seconds)
            found.paused += 1
    unsent = outbox.c.kind.in_(campaigns.MESSAGES) & outbox.c.done_at.is_(None) & outbox.c.failed_at.is_(None)
    held = {"failed_at": order.seconds, "code": CODE, "claim": None}
    found.held = connection.execute(update(outbox).where(unsent).values(held)).rowcount
    found.reminders = take_for_given(connection, office, order)


def _read(path: Path, uri: str, keys: Collection[ListedKey]) -> StatusList:
    def signed_by_us(kid: bytes, message: bytes, signature: bytes) -> None:
        half = len(signature) // 2
        der = encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
        for key in keys:
            try:
                if key.kid == kid:
                    return key.public_key.verify(der, message, ECDSA(SHA256()))
            except InvalidSignature:
                continue
        raise StatusListInvalid(
            f"published/status/{path.name} is signed by no key that is here: restore the newest copy of the keys."
        )

    found = read_token(path.read_bytes(), signed_by_us)
    if found.uri != uri or found.bits != BITS:
        raise StatusListInvalid(f"published/status/{path.name} belongs to another list: take the file away.")
    return found


def _take_over(connection: Connection, list_id: str, published: StatusList, order: Order, found: Restored) -> None:
    """One list: what was published about known credentials is applied to them, the rest is kept as it is."""
    row = connection.execute(select(lists_table).where(lists_table.c.id == list_id)).one_or_none()
    if row is None:  # opened since the copy: all its credentials are unknown
        values = {"id": list_id, "size": len(published), "seed": secrets.token_bytes(16)}
        connection.execute(insert(lists_table).values(**values, allocated=len(published), issued_at=0))
    elif row.issued_at >= published.issued_at:
        return
    found.lists += 1
    known, kept = _known(connection, list_id), StatusArray.empty(len(published))
    withdrawn: dict[int, tuple[str, str]] = {}  # with serial and carrier
    serials: set[str] = set()
    for index, value in _not_valid(published):
        if index not in known:
            kept.set(index, value)
            found.unknown += 1
            continue
        serial, carrier, status = known[index]
        if value == Status.INVALID and status != Status.INVALID:
            withdrawn[index] = serial, carrier
        if status == Status.VALID:
            serials.add(serial)
    found.withdrawn += lifecycle.withdraw_entries(connection, list_id, withdrawn, order)
    _end(connection, set(withdrawn.values()), order)
    _suspend(connection, serials, order, found)
    values = {"issued_at": published.issued_at, "kept": compress(kept.raw)}
    connection.execute(update(lists_table).where(lists_table.c.id == list_id).values(values))


def _end(connection: Connection, carried: Collection[tuple[str, str]], order: Order) -> None:
    """End the copies, or the links of pages, that carried withdrawn credentials: (serial, carrier)."""
    for serial, carrier in sorted(carried):
        if carrier == PAGE:
            links.end(connection, serial, order)
        else:
            copies.end(connection, serial, carrier, order.seconds)
    serials = sorted({serial for serial, _ in carried})
    for start in range(0, len(serials), repository.BATCH):
        lifecycle.tell_carriers(connection, serials[start : start + repository.BATCH], order)


def _suspend(connection: Connection, serials: Collection[str], order: Order, found: Restored) -> None:
    passes = repository.by_serial(connection, serials)
    valid = sorted(serial for serial, pass_ in passes.items() if pass_.status is Status.VALID)
    lifecycle.set_status(connection, valid, Action.SUSPEND, order)
    found.suspended += valid


def _close(connection: Connection, list_id: str, refuse_unknown: bool) -> None:
    """No entry of this list is given out again."""
    which = lists_table.c.id == list_id
    connection.execute(update(lists_table).where(which).values(allocated=lists_table.c.size))
    if not refuse_unknown:
        return
    size = connection.scalars(select(lists_table.c.size).where(which)).one()
    refused = StatusArray(bytes([_ALL_INVALID]) * (size * BITS // 8))
    refused.update((index, Status.VALID) for index in _known(connection, list_id))
    connection.execute(update(lists_table).where(which).values(kept=compress(refused.raw)))


def _raise_version(connection: Connection, folder: Path) -> None:
    version = told_by(folder, ()).version
    which = (publications.c.name == TRUST_LIST) & (publications.c.version < version)
    connection.execute(update(publications).where(which).values(version=version))


def _known(connection: Connection, list_id: str) -> dict[int, _Known]:
    """By status index."""
    columns = credentials.c
    query = select(columns.status_index, columns.serial, columns.carrier, columns.effective_status)
    return {index: _Known(*row) for index, *row in connection.execute(query.where(columns.list_id == list_id))}


def _not_valid(published: StatusList) -> list[tuple[int, int]]:
    """(index, value) of the entries that are not VALID."""
    per_byte = 8 // BITS
    bytes_set = (place for place, byte in enumerate(published.raw) if byte)
    entries = (place * per_byte + step for place in bytes_set for step in range(per_byte))
    return [(index, value) for index in entries if (value := published.value(index))]
