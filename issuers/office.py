"""The issuing office: everything one process needs to issue, put together once from the settings.

The command line, the API and the benchmarks all use this one object. What is costly is made at its first use, so that
listing passes opens no key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Engine, select

from issuers import copies, repository
from issuers.copies import Copy
from issuers.errors import NotInitialised, PublicUrlFixed, WalletUnknown
from issuers.lifecycle import Order
from issuers.models import installation
from issuers.offers import PAGE, CredentialDesk, Holding, is_offerable
from issuers.outbox import Outbox
from issuers.plates.publication import PlatePublication
from issuers.publication import Publication
from issuers.published_times import told_by
from issuers.reminder_days import reminder_days, reminder_of
from issuers.settings import IssuerSettings
from issuers.versions import NOTHING_HERE, require_fitting_schema
from issuers.wallets import CarriedPass, CreatesRemotely, HasUpdates, Offer, Wallet, load_wallets
from keys.key_ring import KeyRing
from keys.passphrase import KEYS_FOLDER, read_passphrase
from keys.signer import Role, Signer
from walletpass.formats import load_formats
from walletpass.pass_types import load_catalogue
from walletpass.passes import Pass, all_claims, end_instant, local_day
from web.database import create_engine_for, read_transaction, write_transaction

QR_FORMAT = "cwt"
UPDATE = "update"  # who asks when a carrier fetches what has changed


class Office:
    """One installation's issuing side. `now` gives seconds since 1970, `sleep` waits for a later one."""

    def __init__(
        self,
        settings: IssuerSettings,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self.seconds, self._sleep = now, sleep
        self.catalogue = load_catalogue(settings.pass_types)
        self.reminder_days = reminder_days(self.catalogue, settings.reminder_days)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds(), UTC)

    def order(self, actor: str, reason: str = "") -> Order:
        """An order placed now; `actor` names a role or token."""
        return Order(actor, self.now(), reason.strip())

    @cached_property
    def engine(self) -> Engine:
        """The database, checked: set up, of a fitting version and this public URL, not older than what is published."""
        engine = self.connect()
        told = told_by(self.settings.published)
        with read_transaction(engine) as connection:
            require_fitting_schema(connection)
            told.require_known(connection)
            self.check_url(connection.scalar(select(installation.c.value).where(IS_URL)))
        return engine

    @cached_property
    def ring(self) -> KeyRing:
        return KeyRing.open(self.settings.issuer_home / KEYS_FOLDER, self.passphrase()[0])

    @cached_property
    def publication(self) -> Publication:
        return Publication(self.settings, self.engine, self.catalogue, self.ring, self.seconds, self._sleep)

    @cached_property
    def plates(self) -> PlatePublication:
        def opens() -> bytes:
            return self.passphrase()[0]

        return PlatePublication(self.settings, self.engine, self.catalogue, self.ring, opens, self.seconds, self._sleep)

    @cached_property
    def credentials(self) -> CredentialDesk:
        return CredentialDesk(self.settings, self.catalogue, load_formats(), self.signer, self.trusted_kids)

    @cached_property
    def wallets(self) -> dict[str, Wallet]:
        return load_wallets(self.settings, self.signer)

    @cached_property
    def told(self) -> frozenset[str]:
        """The wallets that are told of changes."""
        return frozenset(name for name, wallet in self.wallets.items() if isinstance(wallet, HasUpdates))

    @cached_property
    def remote(self) -> frozenset[str]:
        """The wallets whose new copies are put at their makers'."""
        wallets = self.wallets.items()
        return frozenset(name for name, each in wallets if isinstance(each, CreatesRemotely) and each.creates_remotely)

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(self.engine, self.seconds)

    @property
    def carriers(self) -> list[str]:
        """Everything that can carry a credential."""
        return sorted((*self.wallets, PAGE))

    def signer(self, role: Role) -> Signer:
        return self.ring.signer(role, self.now())

    def trusted_kids(self) -> frozenset[bytes]:
        """The credential keys in the next trust list: what another key has signed is worth nothing."""
        entries, now = self.ring.entries(), self.now()
        return frozenset(e.kid for e in entries if e.role is Role.CREDENTIAL and not e.is_withdrawn(now))

    def document(self, pass_: Pass) -> dict[str, Any]:
        """A pass as the command line and the API show it. Dates are ISO, the last day included."""
        return {
            "serial": pass_.serial,
            "type": pass_.pass_type,
            "external_number": pass_.external_number,
            "status": pass_.status_word(local_day(self.now())),
            "valid_from": pass_.valid_from.isoformat(),
            "valid_until": pass_.valid_until.isoformat(),
            "claims": all_claims(pass_, self.catalogue.named(pass_.pass_type)),
        }

    def offer(self, serials: Sequence[str], wallet_name: str, form: str, order: Order) -> list[Offer]:
        """Package passes for a wallet, all or none. Raises `WalletUnknown`, `UnknownSerial`, `NotOfferable`."""
        wallet = self.wallet(wallet_name, form)
        carried = self.carry(serials, wallet_name, order)
        return [wallet.offer(item, form or wallet.forms[0], order.now) for item in carried]

    def wallet(self, name: str, form: str) -> Wallet:
        """The wallet of that name, if it can write that form (empty: its default)."""
        wallet = self.wallets.get(name)
        if wallet is None:
            raise WalletUnknown(f"There is no wallet {name[:20]!r}; there are {', '.join(sorted(self.wallets))}.")
        if form and form not in wallet.forms:
            forms = ", ".join("." + known for known in wallet.forms)
            raise WalletUnknown(f"The {name} wallet writes {forms} files; name the file accordingly.")
        return wallet

    def carry(self, serials: Sequence[str], carrier: str, order: Order) -> list[CarriedPass]:
        """The passes with the credentials that this carrier holds, made where missing, in the order asked for."""
        with write_transaction(self.engine) as connection:
            found = repository.by_serial(connection, serials, lock=True)
            for serial in serials:
                found.get(serial) or repository.one(connection, serial)
            passes = [found[serial] for serial in serials]
            texts = self.credentials.texts(connection, passes, Holding(carrier, QR_FORMAT), order)
            held = self._copies(connection, serials, carrier, order) if carrier in self.told else {}
        self.publication.publish_changes()  # only when a full list made a new one necessary
        pairs = zip(passes, texts, strict=True)
        return [self._carried(pass_, text, held.get(pass_.serial)) for pass_, text in pairs]

    def _copies(self, connection: Connection, serials: Sequence[str], carrier: str, order: Order) -> dict[str, Copy]:
        """The living copies; new ones are noted to be put at the wallet's maker, where they must exist."""
        found = copies.live(connection, serials, carrier)
        missing = [serial for serial in serials if serial not in found]
        if missing:
            found |= copies.ensure(connection, missing, carrier, order.seconds)
            if carrier in self.remote:
                repository.add_outbox(connection, f"update-{carrier}", missing, order.seconds)
        return found

    def current(self, held: Collection[Copy]) -> dict[int, CarriedPass]:
        """What copies have to show now, by their id; credentials are made where a change needs new ones.

        A copy that has ended, and a pass that is not valid, come without a credential. One of a type that is switched
        off does not come at all: it must not keep the others from being told.
        """
        order, shown = self.order(UPDATE), {}
        with write_transaction(self.engine) as connection:
            found = repository.by_serial(connection, {copy.serial for copy in held}, lock=True)
            found = {serial: pass_ for serial, pass_ in found.items() if self.catalogue.knows(pass_.pass_type)}
            held = copies.by_id(connection, [copy.id for copy in held])  # one may have ended since the caller looked
            valid = {serial for serial, pass_ in found.items() if is_offerable(pass_, order)}
            texts: dict[tuple[str, str], str] = {}
            for carrier in {copy.carrier for copy in held}:
                passes = [
                    found[copy.serial]
                    for copy in held
                    if copy.carrier == carrier and copy.ended_at is None and copy.serial in valid
                ]
                made = self.credentials.texts(connection, passes, Holding(carrier, QR_FORMAT), order)
                texts |= {(pass_.serial, carrier): text for pass_, text in zip(passes, made, strict=True)}
            for copy in held:
                if copy.serial in found:
                    text = "" if copy.ended_at else texts.get((copy.serial, copy.carrier), "")
                    shown[copy.id] = self._carried(found[copy.serial], text, copy)
        self.publication.publish_changes()
        return shown

    def _carried(self, pass_: Pass, text: str, copy: Copy | None) -> CarriedPass:
        pass_type = self.catalogue.named(pass_.pass_type)
        reminder = reminder_of(pass_, local_day(self.now()), self.reminder_days[pass_type.name])
        return CarriedPass(pass_, pass_type, text, end_instant(pass_.valid_until), copy, reminder)

    def connect(self, *, create: bool = False) -> Engine:
        """The database as it is; `create` makes a missing file, else that raises `NotInitialised`."""
        settings = self.settings
        file = settings.issuer_home / "issuer.db"
        if not (settings.database_url or create or file.exists()):
            raise NotInitialised(NOTHING_HERE)
        return create_engine_for(settings.database_url or f"sqlite:///{file}")

    def check_url(self, fixed: str | None) -> None:
        """Raise `PublicUrlFixed` when the database belongs to another public URL."""
        if fixed is not None and fixed != self.settings.public_url:
            raise PublicUrlFixed(
                f"WALLETPASS_PUBLIC_URL is {self.settings.public_url}, but credentials are signed with {fixed}; "
                "set it back, or use another WALLETPASS_HOME."
            )

    def passphrase(self) -> tuple[bytes, str]:
        """What opens the keys, and a warning when it was made up just now."""
        given = self.settings.key_passphrase
        return read_passphrase(given.get_secret_value() if given else None, self.settings.issuer_home)


IS_URL = installation.c.name == "public_url"
