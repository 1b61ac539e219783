"""Telling holders of what has become of their passes: who is reached by mail, who by a letter, who not at all.

Only rows of the outbox are written here, in the caller's transaction; the tasks `mail` and `letter` do the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from sqlalchemy import Connection, select

from issuers.lifecycle import Order
from issuers.mail_address import mail_address
from issuers.models import holders, outbox
from web.many_rows import among, insert_many

MAIL, LETTER = "mail", "letter"  # the outbox's kinds; subject: a pass's serial, detail: the occasion
NOBODY = "nobody"
RENEWED = "renewed"
REMINDER = "reminder-"  # with the days: reminder-60
_AT_ONCE = 5000  # SQLite takes 32,766 parameters


class Inform(StrEnum):
    """How holders are told."""

    NONE = "none"
    MAIL = "mail"  # those with an e-mail address
    LETTER = "letter"  # everyone with a postal address
    MAIL_OR_LETTER = "mail_or_letter"  # by mail where there is an address for it, else by letter


def tell_holders(
    connection: Connection,
    serials: Collection[str],
    occasion: str,
    inform: Inform,
    order: Order,
    *,
    mail_possible: bool,
) -> Counter[str]:
    """Note that each pass's first holder is told, once; how many are: `mail`, `letter` and `nobody`.

    `mail_possible` is `IssuerSettings.sends_mail`: without a mail server nobody is reached by mail.
    """
    told = Counter[str]()
    wanted = list(dict.fromkeys(serials))
    for start in range(0, len(wanted), _AT_ONCE):
        batch = wanted[start : start + _AT_ONCE]
        ways = ways_to(connection, batch, inform, mail_possible=mail_possible)
        told.update(ways.values())
        note_messages(connection, ways, occasion, order.campaign, order.seconds)
    return told


def ways_to(connection: Connection, serials: Sequence[str], inform: Inform, *, mail_possible: bool) -> dict[str, str]:
    """By serial: `mail`, `letter` or `nobody`. A preview asks this, and writes nothing."""
    ways = dict.fromkeys(serials, NOBODY)
    if inform is Inform.NONE:
        return ways
    columns = (holders.c.serial, holders.c.email, holders.c.street, holders.c.city)
    query = select(*columns).where(among(connection, holders.c.serial, serials), holders.c.position == 0)
    for serial, email, street, city in connection.execute(query):
        ways[serial] = way_to(email, street, city, inform, mail_possible=mail_possible)
    return ways


def way_to(email: str, street: str, city: str, inform: Inform, *, mail_possible: bool) -> str:
    """How a holder with these addresses is told: `mail`, `letter` or `nobody`."""
    if inform is Inform.NONE:
        return NOBODY
    if mail_possible and inform is not Inform.LETTER and mail_address(email) is not None:
        return MAIL
    return LETTER if inform is not Inform.MAIL and street and city else NOBODY


def note_messages(
    connection: Connection, ways: Mapping[str, str], occasion: str, campaign: int | None, now: int
) -> None:
    """What is to be sent, by serial: `mail`, `letter` or `nobody`. `now` in seconds since 1970."""
    rows = [
        {
            "kind": way,
            "subject": serial,
            "detail": occasion,
            "created_at": now,
            "due_at": now,
            "campaign": campaign,
        }
        for serial, way in ways.items()
        if way != NOBODY
    ]
    insert_many(connection, outbox, rows)
