"""Offering a pass to a wallet: the credential it carries is found or made, then the wallet packages it.

A credential comes at the first offer and is stored with its signed bytes, so an unchanged pass offers the same bytes
again. Offers are made in batches inside one transaction: either every credential of a batch exists, or none.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, select

from issuers import repository, status_lists
from issuers.errors import NotOfferable
from issuers.lifecycle import PUBLISH_LIST, Order
from issuers.models import credentials
from issuers.settings import IssuerSettings
from issuers.wallets import SignerSource
from keys.signer import Role, Signer
from walletpass.credential import CredentialFormat, Evidence, StatusReference
from walletpass.entitlement import ClaimValue
from walletpass.pass_type import Catalogue, PassType
from walletpass.passes import Pass, claim_value, end_second, first_second, local_day
from walletpass.status import Status
from web.many_rows import among, insert_many

PAGE = "page"  # the carrier that is no wallet: the pass page of issuers/residents/
_HOUR = 3600
_CREDENTIAL_ID_BYTES = 8
_REFUSALS = {
    "revoked": "The pass is revoked; it cannot be offered to a wallet.",
    "suspended": "The pass is suspended; reinstate it before it is offered to a wallet.",
    "expired": "The pass has expired; renew it before it is offered to a wallet.",
}


def is_offerable(pass_: Pass, order: Order) -> bool:
    """Whether a credential may be made of it now."""
    return pass_.status_word(local_day(order.now)) not in _REFUSALS


def require_offerable(pass_: Pass, order: Order) -> None:
    """Raise `NotOfferable` with the code `revoked`, `suspended` or `expired`."""
    word = pass_.status_word(local_day(order.now))
    if word in _REFUSALS:
        raise NotOfferable(word, _REFUSALS[word])


class Holding(NamedTuple):
    """What a carrier is to hold: a credential of which format, bound to which key (an uncompressed point, or None)."""

    carrier: str
    format: str
    holder_key: bytes | None = None

    def where(self) -> ColumnElement[bool]:
        """The credentials of this kind."""
        columns = credentials.c
        kind = (columns.carrier == self.carrier) & (columns.format == self.format)
        return kind & (columns.holder_key == self.holder_key)  # None becomes IS NULL


class _Asked(NamedTuple):
    """A pass that is asked for, what its credential says of it, and a fingerprint of all of that."""

    pass_: Pass
    pass_type: PassType
    claims: dict[str, ClaimValue]
    fingerprint: str


class CredentialDesk:
    """Finds or makes the credentials that carriers hold."""

    def __init__(
        self,
        settings: IssuerSettings,
        catalogue: Catalogue,
        formats: Mapping[str, CredentialFormat],
        signer_for: SignerSource,
        trusted_kids: Callable[[], frozenset[bytes]],
    ) -> None:
        self._settings, self._catalogue, self._formats = settings, catalogue, formats
        self._signer_for, self._trusted_kids = signer_for, trusted_kids

    def texts(self, connection: Connection, passes: Sequence[Pass], holding: Holding, order: Order) -> list[str]:
        """The signed text for each pass, in order, as its format keeps it; the caller's transaction locks the passes.

        Raises `NotOfferable` for the first pass that cannot be offered: then nothing is made.
        """
        for pass_ in passes:
            require_offerable(pass_, order)
        asked = [self._asked(pass_) for pass_ in passes]
        found = self._existing(connection, asked, holding, order)
        missing = [one for one in asked if one.pass_.serial not in found]
        if missing:
            found |= self._make(connection, missing, holding, order)
        return [found[pass_.serial] for pass_ in passes]

    def _asked(self, pass_: Pass) -> _Asked:
        pass_type = self._catalogue.named(pass_.pass_type)
        pairs = ((claim.name, claim_value(pass_, claim)) for claim in pass_type.qr_claims)
        claims = {name: value for name, value in pairs if value is not None}
        until = str(pass_.valid_until)
        says = (pass_type.number, pass_type.version, str(pass_.valid_from), until, sorted(claims.items()))
        # ASCII is a text that no version of Unicode changes.
        fingerprint = hashlib.blake2b(ascii(says).encode("ascii"), digest_size=16).hexdigest()
        return _Asked(pass_, pass_type, claims, fingerprint)

    def _existing(
        self, connection: Connection, asked: Sequence[_Asked], holding: Holding, order: Order
    ) -> dict[str, str]:
        prints = {one.pass_.serial: one.fingerprint for one in asked}
        query = select(credentials.c.serial, credentials.c.fingerprint, credentials.c.encoded).where(
            among(connection, credentials.c.serial, prints),
            holding.where(),
            credentials.c.status == int(Status.VALID),
            credentials.c.valid_until > order.seconds,
            credentials.c.kid.in_(self._trusted_kids()),
        )
        return {row.serial: row.encoded for row in connection.execute(query) if prints[row.serial] == row.fingerprint}

    def _make(
        self, connection: Connection, missing: Sequence[_Asked], holding: Holding, order: Order
    ) -> dict[str, str]:
        settings, signer = self._settings, self._signer_for(Role.CREDENTIAL)
        added = status_lists.ensure_room(
            connection, len(missing), settings.status_lists_open, settings.status_list_size
        )
        repository.add_outbox(connection, PUBLISH_LIST, added, order.seconds)
        entries = status_lists.reserve(connection, len(missing))
        rows = [
            self._credential_row(one, holding, entry, signer, order)
            for one, entry in zip(missing, entries, strict=True)
        ]
        insert_many(connection, credentials, rows)
        return {row["serial"]: row["encoded"] for row in rows}

    def _credential_row(
        self, asked: _Asked, holding: Holding, entry: tuple[str, int], signer: Signer, order: Order
    ) -> dict[str, Any]:
        (pass_, pass_type, claims, fingerprint), (list_id, index) = asked, entry
        issued_at = order.seconds // _HOUR * _HOUR  # no fingerprint in the seconds
        valid_from = max(first_second(pass_.valid_from), issued_at)  # nor in a first day of long ago
        evidence = Evidence(
            issuer=self._settings.public_url,
            pass_type=pass_type,
            claims=claims,
            issued_at=issued_at,
            valid_from=valid_from,
            valid_until=end_second(pass_.valid_until),
            credential_id=secrets.token_bytes(_CREDENTIAL_ID_BYTES),
            status=StatusReference(self._settings.status_uri(list_id), index),
            holder_key=holding.holder_key,
        )
        return {
            "serial": pass_.serial,
            "carrier": holding.carrier,
            "holder_position": 0 if pass_.holders else None,
            "holder_key": holding.holder_key,
            "format": holding.format,
            "type_version": pass_type.version,
            "list_id": list_id,
            "status_index": index,
            "status": int(Status.VALID),
            "effective_status": int(Status.VALID),
            "fingerprint": fingerprint,
            "kid": signer.kid,
            "issued_at": issued_at,
            "valid_from": valid_from,
            "valid_until": evidence.valid_until,
            "encoded": self._formats[holding.format].encode(evidence, signer),
        }
