"""A whole city for tests: a real issuing office and a real verifying side, with a clock that the test moves.

    city = City(home)
    permit = city.grants("resident_parking_permit", zone="MÜ")
    text = city.qr(permit)
    city.revokes(permit)
    assert city.inspector_sees(text).reason == "revoked"

Everything is the product's own code over real parts: a database, key files, published documents on disk. Only time is
the test's.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

from issuers import lifecycle, repository
from issuers.installing import initialise
from issuers.lifecycle import Action, Order
from issuers.office import Office
from issuers.plates.recipients import add_recipient, read_recipient
from issuers.residents import links
from issuers.residents.live_codes import LiveCodes
from issuers.settings import IssuerSettings
from issuers.wallets import Offer
from keys.rotation import new_key
from keys.signer import Role
from tests.phone import Phone
from verifiers.documents import Folder
from verifiers.plate_documents import PlateDocuments
from verifiers.plates import PlateAnswer, PlateLookup
from verifiers.published import PublishedDocuments, read_anchor
from verifiers.receiving import ReceivingKey
from verifiers.verification import verify
from walletpass.entitlement import ClaimValue, Entitlement, Holder
from walletpass.pass_type import ClaimKind, PassType
from walletpass.passes import Pass, local_day
from walletpass.verdict import Verdict
from web.database import read_transaction, write_transaction

START = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ANNA = Holder("Anna", "Müller", date(1980, 2, 29), "Bilker Allee 5", "40215", "Düsseldorf", "anna@example.org", "de")
_SAMPLES: dict[ClaimKind, ClaimValue] = {
    ClaimKind.TEXT: "Text",
    ClaimKind.ZONE: "MÜ",
    ClaimKind.PLATES: ("D-AB 1234E",),
    ClaimKind.FLAG: True,
    ClaimKind.COUNT: 2,
}


class Clock:
    """Seconds since 1970 that pass only when the test says so; waiting passes them at once."""

    def __init__(self, start: datetime = START) -> None:
        self.seconds = start.timestamp()

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class City:
    """One installation. `home` is a fresh folder; `keys` one with keys made before, to save making RSA keys again.

    `like` is a city that was only set up: this one begins as its copy, and a `database_url` names
    a copy of its database.
    """

    def __init__(
        self,
        home: Path,
        *,
        keys: Path | None = None,
        like: City | None = None,
        database_url: str = "",
        start: datetime = START,
        **settings: Any,
    ) -> None:
        self.clock = Clock(start)
        self._numbers = count(1)
        if keys is not None:
            shutil.copytree(keys, home / "issuer", dirs_exist_ok=True)
        self.settings = IssuerSettings(
            home=home, database_url=database_url, **{"status_list_size": 1024, "status_lists_open": 1} | settings
        )
        self.office = Office(self.settings, self.clock, self.clock.sleep)
        if like is None:
            self.warnings = initialise(self.office)
        else:
            shutil.copytree(like.settings.home, home, dirs_exist_ok=True)
            self.clock.seconds = like.clock.seconds + 2  # what it publishes next needs a second of its own

    @property
    def today(self) -> date:
        return local_day(self.office.now())

    def later(self, **span: float) -> None:
        """Let time pass: `city.later(days=3)`."""
        self.clock.sleep(timedelta(**span).total_seconds())

    def order(self, reason: str = "a test") -> Order:
        return self.office.order("test", reason)

    def entitles(self, pass_type: str, *, holder: Holder = ANNA, **claims: Any) -> Entitlement:
        """An entitlement of that type with sample claims; `number`, `valid_from`, `valid_until` may be given."""
        declared = self.office.catalogue.named(pass_type)
        number = claims.pop("number", None) or f"T-{next(self._numbers):06d}"
        valid_from = claims.pop("valid_from", self.today - timedelta(days=10))
        valid_until = claims.pop("valid_until", self.today + timedelta(days=200))
        values = _sample_claims(declared) | {declared.number_claim.name: number} | claims
        return Entitlement(pass_type, number, valid_from, valid_until, values, (holder,))

    def grants(self, pass_type: str, **claims: Any) -> Pass:
        """A new pass."""
        with write_transaction(self.office.engine) as connection:
            [pass_] = lifecycle.issue(connection, [self.entitles(pass_type, **claims)], self.order())
        return pass_

    def offers(self, pass_: Pass, wallet: str, form: str = "") -> Offer:
        [offer] = self.office.offer([pass_.serial], wallet, form, self.order())
        return offer

    def qr(self, pass_: Pass) -> str:
        """The QR credential's text."""
        return self.offers(pass_, "qr", "txt").body.decode().strip()

    def link(self, pass_: Pass) -> str:
        """A new secret of the pass's page."""
        with write_transaction(self.office.engine) as connection:
            secret = links.create(connection, pass_.serial, self.order())
        self.office.publication.publish_changes()
        return secret

    def binds(self, secret: str, phone: Phone, *, take_over: bool = False) -> str:
        """The credential that the page behind a link gives to a phone."""
        credential = LiveCodes(self.office).enrol(secret, phone.jwk(), take_over=take_over)
        self.office.publication.publish_changes()
        return credential

    def presents(self, pass_: Pass, made_in: str) -> Callable[[], str]:
        """What its holder shows of a pass in a format: one text for good, or a live code of each moment."""
        if made_in == "bound_cwt":
            phone = Phone()
            credential = self.binds(self.link(pass_), phone)
            return lambda: phone.shows(credential, self.clock())
        text = self.qr(pass_)
        return lambda: text

    def suspends(self, pass_: Pass) -> None:
        self._status(pass_, Action.SUSPEND)

    def reinstates(self, pass_: Pass) -> None:
        self._status(pass_, Action.REINSTATE)

    def revokes(self, pass_: Pass) -> None:
        self._status(pass_, Action.REVOKE)

    def renews(self, pass_: Pass, until: date) -> Pass:
        return self._change(pass_, renewing=True, valid_until=until)

    def amends(self, pass_: Pass, **claims: ClaimValue) -> Pass:
        """Change claims of a pass (a plate)."""
        return self._change(pass_, renewing=False, claims=dict(self.stored(pass_).claims) | claims)

    def withdraws(self, pass_: Pass, carrier: str) -> None:
        with write_transaction(self.office.engine) as connection:
            lifecycle.withdraw(connection, pass_.serial, carrier, self.order())
        self.office.publication.publish_changes()

    def stored(self, pass_: Pass) -> Pass:
        with read_transaction(self.office.engine) as connection:
            return repository.one(connection, pass_.serial)

    def publishes(self) -> None:
        self.office.publication.publish_all()

    def adds_key(self, role: Role, **options: Any) -> bytes:
        """A further key; it is listed once the city publishes. Returns its kid."""
        return new_key(self.office.ring, role, self.office.now(), **options).kid

    def inspector_sees(self, text: str, published: Path | None = None) -> Verdict:
        """The verdict of an inspector who has just fetched the published documents."""
        documents = PublishedDocuments(Folder(published or self.settings.published), read_anchor(self.settings.anchor))
        now = int(self.clock())
        return verify(text, documents.refresh(now), now)

    @cached_property
    def plate_documents(self) -> PlateDocuments:
        """The verifying side of the plate lists, whose receiving key the issuing side was given by hand."""
        receiver = ReceivingKey.open(self.settings.home / "verifier")
        found = read_recipient(receiver.public_jwk().encode(), "tests", int(self.clock()))
        with write_transaction(self.office.engine) as connection:
            add_recipient(connection, found)
        return PlateDocuments(Folder(self.settings.published), receiver)

    def plate_lookup(self) -> PlateLookup:
        """What an inspector's service knows who has just fetched the published documents."""
        now, anchor = int(self.clock()), read_anchor(self.settings.anchor)
        trust = PublishedDocuments(Folder(self.settings.published), anchor).refresh(now).trust_list
        return self.plate_documents.refresh(trust, now)

    def finds(self, plate: str, *zones: str) -> PlateAnswer:
        """The answer about a car, right after a publication."""
        _ = self.plate_documents
        self.office.publication.resign_if_due()
        self.office.plates.publish()
        return self.plate_lookup().find(plate, zones, int(self.clock()))

    def _status(self, pass_: Pass, action: Action) -> None:
        with write_transaction(self.office.engine) as connection:
            lifecycle.set_status(connection, [pass_.serial], action, self.order())
        self.office.publication.publish_changes()

    def _change(self, pass_: Pass, *, renewing: bool, **fields: Any) -> Pass:
        with write_transaction(self.office.engine) as connection:
            found = repository.one(connection, pass_.serial, lock=True)
            wanted = replace(found, **fields)
            declared = self.office.catalogue.named(found.pass_type)
            lifecycle.amend(connection, found, wanted, declared, self.order(), renewing=renewing)
        self.office.publication.publish_changes()
        return wanted


def _sample_claims(pass_type: PassType) -> Mapping[str, ClaimValue]:
    own = (claim for claim in pass_type.claims if not claim.holder_field and claim.kind is not ClaimKind.NUMBER)
    return {claim.name: _SAMPLES[claim.kind] for claim in own}
