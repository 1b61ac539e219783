"""One pass of every type, a demo certificate, and a reader that opens what the wallet made."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from issuers.wallets import CarriedPass, Offer
from keys.issuing import make_apple_like_chain, new_rsa_key
from keys.local_signer import LocalSigner, key_id
from keys.signer import Role
from walletpass.entitlement import Holder
from walletpass.pass_type import ClaimKind, PassType
from walletpass.pass_types import load_catalogue
from walletpass.passes import Pass, end_instant
from walletpass.status import Status

NOW = datetime(2027, 1, 15, 9, 30, tzinfo=UTC)
TYPES = {pass_type.name: pass_type for pass_type in load_catalogue()}
QR_TEXT = "WP1:6BFOXN*TS0BI$ZD4N9:9S6RCVN5+O30K3/XIV0W23NTDE"
HOLDER = Holder(
    "Jürgen", "Groß", date(1980, 2, 29), "Königsallee 1", "40212", "Düsseldorf", "juergen.gross@example.org"
)
_VALUES: dict[ClaimKind, Any] = {
    ClaimKind.NUMBER: "A-100:7",
    ClaimKind.ZONE: "MÜ",
    ClaimKind.PLATES: ("D-ÄB 1234E", "D-XY 12"),
    ClaimKind.FLAG: True,
    ClaimKind.COUNT: 0,
}


@dataclass(frozen=True)
class Opened:
    """A `.pkpass`, unzipped by the standard library."""

    files: dict[str, bytes]

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.files["pass.json"])

    @property
    def style(self) -> dict[str, list[dict[str, Any]]]:
        return next(self.json[name] for name in ("generic", "storeCard") if name in self.json)

    @property
    def fields(self) -> list[dict[str, Any]]:
        return [field for fields in self.style.values() for field in fields]

    def field(self, key: str) -> dict[str, Any]:
        return next(field for field in self.fields if field["key"] == key)


def opened(offer: Offer) -> Opened:
    with zipfile.ZipFile(io.BytesIO(offer.body)) as archive:
        assert archive.testzip() is None
        return Opened({name: archive.read(name) for name in archive.namelist()})


def carry(pass_type: PassType, status: Status = Status.VALID, holder: Holder = HOLDER, **claims: Any) -> CarriedPass:
    held = {c.name: _VALUES.get(c.kind, "Text") for c in pass_type.claims if not c.holder_field} | claims
    number = held[pass_type.number_claim.name]
    first, last = date(2026, 4, 1), date(2027, 3, 31)
    pass_ = Pass("k3V9xQ", pass_type.name, number, status, first, last, held, (holder,))
    return CarriedPass(pass_, pass_type, QR_TEXT, end_instant(last))


def demo_signer(pass_type_identifier: str, team_identifier: str, now: datetime = NOW) -> LocalSigner:
    key = new_rsa_key()
    chain = make_apple_like_chain(key, now, pass_type_identifier, team_identifier)
    return LocalSigner(Role.APPLE_PASS, key_id(chain[0]), chain, chain[0].subject.rfc4514_string(), key)
