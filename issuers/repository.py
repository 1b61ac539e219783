"""Reading and writing passes. Plain SQL through SQLAlchemy Core, in batches; no rule about passes lives here."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, delete, select, update

from issuers.errors import UnknownSerial
from issuers.models import audit, credentials, holders, outbox, passes
from walletpass.entitlement import ClaimValue, Holder
from walletpass.passes import Pass
from walletpass.status import WORDS, Status
from web.many_rows import among, insert_many

BATCH = 500  # serials or numbers in one IN (…)
_HOLDER_FIELDS = tuple(Holder.__dataclass_fields__)
_HOLDER_COLUMNS = [holders.c[name] for name in _HOLDER_FIELDS]


def dump_claims(claims: Mapping[str, ClaimValue]) -> str:
    """Claims as stored: one text for equal claims."""
    return json.dumps(dict(claims), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def load_claims(stored: str) -> dict[str, ClaimValue]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in json.loads(stored).items()}


def pass_row(pass_: Pass, now: int) -> dict[str, Any]:
    """A pass's own row; `now` is a NumericDate."""
    return {
        "serial": pass_.serial,
        "type": pass_.pass_type,
        "external_number": pass_.external_number,
        "status": int(pass_.status),
        "valid_from": pass_.valid_from,
        "valid_until": pass_.valid_until,
        "claims": dump_claims(pass_.claims),
        "created_at": now,
        "changed_at": now,
    }


def holder_rows(pass_: Pass) -> list[dict[str, Any]]:
    return [{"serial": pass_.serial, "position": at} | asdict(holder) for at, holder in enumerate(pass_.holders)]


def add_passes(connection: Connection, new: Sequence[Pass], now: int) -> None:
    """Insert passes with their holders; a taken number raises the database's IntegrityError."""
    insert_many(connection, passes, [pass_row(pass_, now) for pass_ in new])
    insert_many(connection, holders, [row for pass_ in new for row in holder_rows(pass_)])


_UPDATE = (
    update(passes)
    .where(passes.c.serial == bindparam("of_serial"))
    .values(
        {name: bindparam(f"new_{name}") for name in ("status", "valid_from", "valid_until", "claims", "changed_at")}
    )
)


def update_passes(connection: Connection, changed: Sequence[Pass], now: int, *, with_holders: bool) -> None:
    """Write what may change of passes: status, validity, claims and, if asked, holders."""
    if not changed:
        return
    rows = []
    for pass_ in changed:
        row = pass_row(pass_, now)
        fields = ("status", "valid_from", "valid_until", "claims", "changed_at")
        rows.append({"of_serial": pass_.serial} | {f"new_{name}": row[name] for name in fields})
    connection.execute(_UPDATE, rows)
    if with_holders:
        connection.execute(
            delete(holders).where(among(connection, holders.c.serial, [pass_.serial for pass_ in changed]))
        )
        insert_many(connection, holders, [row for pass_ in changed for row in holder_rows(pass_)])


def by_number(connection: Connection, pass_type: str, numbers: Collection[str], *, lock: bool) -> dict[str, Pass]:
    """The current pass of each external number: the one that is not revoked, else the newest revoked one."""
    query = select(passes).where(passes.c.type == pass_type, among(connection, passes.c.external_number, numbers))
    query = query.order_by(passes.c.serial)  # everybody locks in this order, so that nobody waits in a circle
    rows = connection.execute(query.with_for_update() if lock else query).all()
    current = sorted(rows, key=lambda row: (row.status != int(Status.INVALID), row.created_at))
    return {pass_.external_number: pass_ for pass_ in _with_holders(connection, current)}


def by_serial(connection: Connection, serials: Collection[str], *, lock: bool = False) -> dict[str, Pass]:
    """Passes by serial; unknown ones are simply absent. `lock` keeps other writers out until the commit."""
    query = select(passes).where(among(connection, passes.c.serial, serials)).order_by(passes.c.serial)
    return {pass_.serial: pass_ for pass_ in _load(connection, query.with_for_update() if lock else query)}


def one(connection: Connection, serial: str, *, lock: bool = False) -> Pass:
    """The pass of that serial; raises `UnknownSerial`."""
    try:
        return by_serial(connection, [serial], lock=lock)[serial]
    except KeyError:
        raise UnknownSerial("There is no pass with this serial.") from None


def page(
    connection: Connection,
    *,
    pass_type: str = "",
    status: str = "",
    number: str = "",
    today: date,
    after: str = "",
    limit: int,
    departments_types: Collection[str] | None = None,
) -> list[Pass]:
    """Up to `limit` passes in serial order after the serial `after`. `status` is a word of `status.status_word`,
    `number` the department's own.
    """
    query = select(passes).where(passes.c.serial > after).order_by(passes.c.serial).limit(limit)
    if pass_type:
        query = query.where(passes.c.type == pass_type)
    if departments_types is not None:
        query = query.where(passes.c.type.in_(departments_types))
    if status:
        query = query.where(_has_status(status, today))
    if number:
        query = query.where(passes.c.external_number == number)
    return _load(connection, query)


def every(
    connection: Connection, *, pass_type: str = "", status: str = "", number: str = "", today: date
) -> Iterator[Pass]:
    """All passes in serial order, read page by page; see `page`."""
    after = ""
    while found := page(
        connection, pass_type=pass_type, status=status, number=number, today=today, after=after, limit=BATCH
    ):
        yield from found
        after = found[-1].serial


def _has_status(word: str, today: date) -> Any:
    valid, status = passes.c.status == int(Status.VALID), passes.c.status
    running = and_(passes.c.valid_from <= today, passes.c.valid_until >= today)
    return {
        "revoked": status == int(Status.INVALID),
        "suspended": status == int(Status.SUSPENDED),
        "expired": and_(valid, passes.c.valid_until < today),
        "not_yet_valid": and_(valid, passes.c.valid_until >= today, passes.c.valid_from > today),
        "valid": and_(valid, running),
    }[word]


def _load(connection: Connection, query: Select[Any]) -> list[Pass]:
    return _with_holders(connection, connection.execute(query).all())


def _with_holders(connection: Connection, rows: Sequence[Row[Any]]) -> list[Pass]:
    held: dict[str, list[Holder]] = {}
    for start in range(0, len(rows), BATCH):
        serials = [row.serial for row in rows[start : start + BATCH]]
        found = select(holders.c.serial, *_HOLDER_COLUMNS).where(among(connection, holders.c.serial, serials))
        for serial, *fields in connection.execute(found.order_by(holders.c.serial, holders.c.position)).all():
            held.setdefault(serial, []).append(Holder(*fields))
    return [_pass(row, tuple(held.get(row.serial, ()))) for row in rows]


def _pass(row: Sequence[Any], holding: tuple[Holder, ...]) -> Pass:
    serial, pass_type, number, status, valid_from, valid_until, claims, *_ = row  # in the table's order
    return Pass(serial, pass_type, number, Status(status), valid_from, valid_until, load_claims(claims), holding)


def carried(connection: Connection, serial: str) -> list[dict[str, Any]]:
    """A pass's credentials, oldest first: who carries them and how they stand. Not their bytes."""
    columns = (credentials.c.carrier, credentials.c.format, credentials.c.effective_status, credentials.c.issued_at)
    query = select(*columns).where(credentials.c.serial == serial).order_by(credentials.c.id)
    return [
        {"carrier": carrier, "format": made_in, "status": WORDS[Status(status)], "issued_at": issued_at}
        for carrier, made_in, status, issued_at in connection.execute(query)
    ]


def history(connection: Connection, serial: str) -> list[dict[str, Any]]:
    """A pass's audit records, oldest first."""
    query = select(audit).where(audit.c.serial == serial).order_by(audit.c.id)
    names = ("at", "actor", "action", "reason", "detail")
    return [{name: getattr(row, name) for name in names} for row in connection.execute(query)]


def add_audit(connection: Connection, records: Sequence[dict[str, Any]]) -> None:
    """Audit records: at, actor, action, serial, reason, detail. Identifiers only."""
    insert_many(connection, audit, records)


def add_outbox(
    connection: Connection,
    kind: str,
    subjects: Collection[str] | Mapping[str, str],
    now: int,
    campaign: int | None = None,
) -> None:
    """Note what must happen after the commit: for each subject, with its detail where one is given."""
    details = subjects if isinstance(subjects, Mapping) else dict.fromkeys(subjects, "")
    rows = [
        {
            "kind": kind,
            "subject": subject,
            "detail": detail,
            "created_at": now,
            "due_at": now,
            "campaign": campaign,
        }
        for subject, detail in sorted(details.items())
    ]
    insert_many(connection, outbox, rows)
