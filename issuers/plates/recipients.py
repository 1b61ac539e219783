"""The verifying services that are given the plate lists' keys: their receiving keys, handed over out of band."""

from __future__ import annotations

import json
from dataclasses import dataclass

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from sqlalchemy import Connection, delete, insert, select

from issuers.errors import RecipientInvalid
from issuers.models import plate_recipients
from walletpass.plate_keys import JWE_ALGORITHMS

MAX_JWK = 4096  # bytes
MAX_NAME = 80


@dataclass(frozen=True, slots=True)
class Recipient:
    """`id` is the thumbprint (RFC 7638) of the public key `jwk`."""

    id: str
    name: str
    jwk: str
    added_at: int

    def encrypt(self, plaintext: bytes) -> str:
        """A compact JWE that only the owner of the receiving key opens."""
        algorithm, content = JWE_ALGORITHMS
        header = {"alg": algorithm, "enc": content, "kid": self.id}
        return jwe.encrypt_compact(
            header, plaintext, ECKey.import_key(json.loads(self.jwk)), algorithms=list(JWE_ALGORITHMS)
        )


def read_recipient(raw: bytes, name: str, now: int) -> Recipient:
    """A recipient from the public JWK that `walletpass plates receiver` writes; raises `RecipientInvalid`."""
    try:
        found = json.loads(raw) if len(raw) <= MAX_JWK else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise RecipientInvalid("This is no receiving key; give the file that walletpass plates receiver writes.")
    if "d" in found:
        raise RecipientInvalid("This is the private key: it must not leave its service. Give the public one.")
    try:
        public: dict[str, str | list[str]] = {member: str(found[member]) for member in ("kty", "crv", "x", "y")}
        if (public["kty"], public["crv"]) != ("EC", "P-256"):
            raise RecipientInvalid("A receiving key is an EC key on the curve P-256.")
        key = ECKey.import_key(public)
        assert key.public_key is not None  # made when it is asked for, and checked to be a point on the curve
        return Recipient(key.thumbprint(), (name or "verifier")[:MAX_NAME], json.dumps(public), now)
    except (KeyError, ValueError, TypeError, JoseError):
        raise RecipientInvalid("The receiving key cannot be used: it is not a whole P-256 key.") from None


def every_recipient(connection: Connection) -> list[Recipient]:
    """All recipients, the oldest first."""
    rows = connection.execute(select(plate_recipients).order_by(plate_recipients.c.added_at, plate_recipients.c.id))
    return [Recipient(*row) for row in rows]


def add_recipient(connection: Connection, recipient: Recipient) -> bool:
    """Keep it; False when it was there already."""
    if connection.scalar(select(plate_recipients.c.id).where(plate_recipients.c.id == recipient.id)):
        return False
    row = {"id": recipient.id, "name": recipient.name, "jwk": recipient.jwk, "added_at": recipient.added_at}
    connection.execute(insert(plate_recipients), [row])
    return True


def remove_recipient(connection: Connection, recipient_id: str) -> None:
    """It is given no further key; raises `RecipientInvalid` for an unknown one."""
    gone = connection.execute(delete(plate_recipients).where(plate_recipients.c.id == recipient_id))
    if gone.rowcount == 0:
        raise RecipientInvalid("There is no recipient with this id; see walletpass plates recipient list.")
