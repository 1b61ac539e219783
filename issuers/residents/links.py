"""Links to pass pages. A link's secret has 128 random bits and is shown once; only its SHA-256 is stored.

A value of that entropy needs no slow hash (NIST SP 800-63B section 5.1.4.2). A pass has one link at a time. What its
page showed ends with it: whoever had the link had the code. Links of a pass change under the pass's lock.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import Connection, insert, select, update

from issuers import lifecycle, repository
from issuers.lifecycle import Action, Order
from issuers.models import pass_links
from issuers.offers import PAGE

_SECRET_BYTES = 16
PATH = "/p/"


def address(public_url: str, secret: str) -> str:
    """The link itself."""
    return f"{public_url}{PATH}{secret}"


def create(connection: Connection, serial: str, order: Order) -> str:
    """A new link's secret; the one before ends. Raises `UnknownSerial`."""
    end(connection, serial, order)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    row = {"sha256": _digest(secret), "serial": serial, "created_at": order.seconds}
    connection.execute(insert(pass_links).values(row))
    repository.add_audit(connection, [order.record(Action.LINK, serial)])
    return secret


def end(connection: Connection, serial: str, order: Order) -> bool:
    """End the pass's link, if it has one, and withdraw what its page showed. Raises `UnknownSerial`."""
    repository.one(connection, serial, lock=True)
    live = (pass_links.c.serial == serial) & pass_links.c.ended_at.is_(None)
    if connection.execute(update(pass_links).where(live).values(ended_at=order.seconds)).rowcount == 0:
        return False
    repository.add_audit(connection, [order.record(Action.UNLINK, serial)])
    lifecycle.withdraw(connection, serial, PAGE, order)
    return True


def find(connection: Connection, secret: str) -> str | None:
    """The serial that the secret opens; None for one that is unknown or has ended.

    The database looks for the digest: how far a guess agrees with a stored one says nothing about any secret.
    """
    digest = _digest(secret)
    query = select(pass_links.c.sha256, pass_links.c.serial).where(
        pass_links.c.sha256 == digest, pass_links.c.ended_at.is_(None)
    )
    row = connection.execute(query).first()
    return row.serial if row is not None and hmac.compare_digest(row.sha256, digest) else None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
