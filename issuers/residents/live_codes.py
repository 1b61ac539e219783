"""Codes for the pass page: a credential bound to the key of the phone that shows it, and the plain one.

One phone at a time: another key gets the credential when its holder says so, and then the first one's is withdrawn.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection, func, select

from issuers import lifecycle, repository
from issuers.errors import NotOfferable
from issuers.lifecycle import Order
from issuers.models import credentials
from issuers.offers import PAGE, Holding, require_offerable
from issuers.office import Office
from issuers.residents import links
from walletpass.errors import UnknownPassType, WalletPassError
from walletpass.pass_type import LiveCode, PassType
from walletpass.passes import Pass
from walletpass.status import Status
from web.database import read_transaction, write_transaction
from web.jwk import read_public_jwk
from web.limits import TooManyRequests

BOUND_FORMAT = "bound_cwt"
KEYS_AT_MOST, _HOURS = 20, 24  # phones and browsers that one pass goes over to within so many hours
ACTOR = "pass page"


class LinkUnknown(WalletPassError):
    """No pass page has this address: the link is unknown or has ended, or its type of pass is switched off."""

    code = "not_found"


class BoundElsewhere(WalletPassError):
    """Another phone shows this pass's live code; it is taken over only on purpose."""

    code = "bound_elsewhere"


@dataclass(frozen=True, slots=True)
class Shown:
    """The pass that a link opens."""

    pass_: Pass
    pass_type: PassType

    @property
    def demands_live_code(self) -> bool:
        return self.pass_type.live_code is LiveCode.DEMANDED


class LiveCodes:
    """What the pages of one office hand out."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def open(self, secret: str) -> Shown:
        """The pass behind a link; raises `LinkUnknown`."""
        with read_transaction(self._office.engine) as connection:
            return self._open(connection, secret)

    def enrol(self, secret: str, jwk: object, *, take_over: bool) -> str:
        """The credential bound to that key, as its format keeps it; an unchanged pass and key gets the same bytes.

        Raises `LinkUnknown`, `JwkInvalid`, `NotOfferable`, `BoundElsewhere` unless `take_over`, and
        `TooManyRequests` when too many phones have had it within a day.
        """
        key = read_public_jwk(jwk).key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        order = self._office.order(ACTOR)
        with write_transaction(self._office.engine) as connection:
            shown = self._open(connection, secret, lock=True)
            require_offerable(shown.pass_, order)
            serial = shown.pass_.serial
            if not take_over and _bound_to_another(connection, serial, key, order):
                raise BoundElsewhere("Another phone or browser shows this pass's live code; take it over on purpose.")
            _require_not_too_often(connection, serial, key, order)
            lifecycle.withdraw_other_keys(connection, serial, PAGE, key, order, unbound_too=shown.demands_live_code)
            holding = Holding(PAGE, BOUND_FORMAT, key)
            return self._office.credentials.texts(connection, [shown.pass_], holding, order)[0]

    def plain_text(self, secret: str) -> tuple[Shown, str]:
        """The pass and its plain QR text, for phones that cannot sign; raises `LinkUnknown` and `NotOfferable`."""
        shown = self.open(secret)
        if shown.demands_live_code:
            raise NotOfferable("live_code_demanded", "This type of pass is shown on the pass page as a live code only.")
        [carried] = self._office.carry([shown.pass_.serial], PAGE, self._office.order(ACTOR))
        return shown, carried.qr_text

    def _open(self, connection: Connection, secret: str, *, lock: bool = False) -> Shown:
        serial = links.find(connection, secret)
        if serial is not None and lock:
            repository.one(connection, serial, lock=True)
            serial = links.find(connection, secret)  # it may have ended while we waited
        try:
            if serial is None:
                raise _unknown()
            pass_ = repository.one(connection, serial)
            return Shown(pass_, self._office.catalogue.named(pass_.pass_type))
        except UnknownPassType:
            raise _unknown() from None


def _bound_to_another(connection: Connection, serial: str, key: bytes, order: Order) -> bool:
    """Whether another key holds a credential of the page that is neither withdrawn nor run out."""
    columns = credentials.c
    query = select(columns.id).where(
        columns.serial == serial,
        columns.carrier == PAGE,
        columns.holder_key != key,
        columns.status == int(Status.VALID),
        columns.valid_until > order.seconds,
    )
    return connection.execute(query.limit(1)).first() is not None


def _require_not_too_often(connection: Connection, serial: str, key: bytes, order: Order) -> None:
    """Each key costs an entry of a status list for good, which everybody who checks passes has to fetch."""
    columns = credentials.c
    recent = select(func.count(columns.holder_key.distinct())).where(
        columns.serial == serial,
        columns.carrier == PAGE,
        columns.holder_key != key,
        columns.issued_at > order.seconds - _HOURS * 3600,
    )
    if (connection.scalar(recent) or 0) >= KEYS_AT_MOST:
        raise TooManyRequests(3600)


def _unknown() -> LinkUnknown:
    return LinkUnknown("There is nothing at this address.")
