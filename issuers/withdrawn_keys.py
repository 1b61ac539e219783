"""Passes whose code was signed by a key that is withdrawn: no inspector accepts it, so carriers get another one."""

from __future__ import annotations

from sqlalchemy import select

from issuers import lifecycle
from issuers.lifecycle import Order
from issuers.models import credentials
from issuers.office import Office
from issuers.repository import BATCH
from keys.signer import Role
from walletpass.status import Status
from web.database import write_transaction


def tell_carriers(office: Office, order: Order) -> int:
    """Note for each such pass that its carriers show something else now; how many passes. May be repeated."""
    withdrawn = {
        entry.kid for entry in office.ring.entries() if entry.role is Role.CREDENTIAL and entry.is_withdrawn(order.now)
    } - office.trusted_kids()
    if not withdrawn:
        return 0
    live = (credentials.c.status != int(Status.INVALID)) & (credentials.c.valid_until > order.seconds)
    query = select(credentials.c.serial).where(credentials.c.kid.in_(withdrawn), live).distinct()
    count, after = 0, ""
    while True:
        with write_transaction(office.engine) as connection:
            rows = query.where(credentials.c.serial > after).order_by(credentials.c.serial).limit(BATCH)
            serials = list(connection.scalars(rows))
            if not serials:
                return count
            lifecycle.tell_carriers(connection, serials, order)
        count, after = count + len(serials), serials[-1]
