"""What a type of pass is: declared once, as data, and read by every format and wallet.

The types themselves live in `walletpass/pass_types/`, one file each. Code receives them as a `Catalogue`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from walletpass.errors import UnknownPassType

LANGUAGES = ("de", "en")


class ClaimKind(StrEnum):
    """How a claim's value is read, checked and shown (see `walletpass.claims`)."""

    TEXT = "text"
    NUMBER = "number"  # the external number: a card or permit number
    ZONE = "zone"
    PLATES = "plates"
    FLAG = "flag"
    DATE = "date"
    YEAR = "year"
    COUNT = "count"


class Audience(StrEnum):
    """Who may see a claim."""

    HOLDER = "holder"
    INSPECTOR = "inspector"
    MACHINE = "machine"  # a barrier, a till, a library gate
    DEPARTMENT = "department"


class Category(StrEnum):
    """What kind of thing the pass is, for wallets that sort by it."""

    LIBRARY = "library"
    PARKING = "parking"
    MEMBERSHIP = "membership"
    CERTIFICATE = "certificate"


class FrontCode(StrEnum):
    """What the code on the front of the pass carries."""

    SIGNED_QR = "signed_qr"
    CARD_NUMBER = "card_number"  # the plain number, in the symbology the library's machines read


class LiveCode(StrEnum):
    """What the pass page shows: a phone that can sign shows a live code in any case."""

    OFFERED = "offered"  # other phones show the plain code
    DEMANDED = "demanded"  # no other code is shown on the page; paper and wallets have credentials of their own


@dataclass(frozen=True, slots=True)
class Claim:
    """A named value of a pass.

    `number` is its key in a QR credential: small, and never given to another claim, in any version of the type.
    `holder_field` names the field of `entitlement.Holder` it is read from; empty: the pass itself holds it.
    `longest`: characters at most; 0: what its kind allows. `in_qr` claims are signed into the QR credential.
    `withheld` claims leave only when the holder agrees.
    """

    name: str
    number: int
    labels: Mapping[str, str]
    kind: ClaimKind = ClaimKind.TEXT
    longest: int = 0
    mandatory: bool = True
    front: bool = False
    in_qr: bool = False
    withheld: bool = False
    holder_field: str = ""
    visible_to: frozenset[Audience] = frozenset(Audience)


@dataclass(frozen=True, slots=True)
class Validity:
    """How long a pass of this type may run.

    `longest_days`: the latest end, counted from the later of today and the first day. `period_days`: what a renewal
    without a date adds. `renewal_window_days`: how long before its end a renewal is offered to the holder.
    """

    longest_days: int
    period_days: int
    renewal_window_days: int


@dataclass(frozen=True, slots=True)
class Look:
    """Colours (`#rrggbb`), and how many days before the end its holder is reminded. Never signed, never published."""

    background: str
    foreground: str
    label: str
    reminder_days: tuple[int, ...] = (60, 14, 3)


@dataclass(frozen=True, slots=True)
class PassType:
    """A type of pass. `max_status_age` is in seconds: an older status list says nothing.

    `live_code` is not published: it binds the pass page, not who checks.
    """

    name: str
    number: int
    version: int
    department: str
    category: Category
    labels: Mapping[str, str]
    descriptions: Mapping[str, str]
    claims: tuple[Claim, ...]
    validity: Validity
    max_status_age: int
    front_code: FrontCode
    look: Look
    live_code: LiveCode = LiveCode.OFFERED
    qr_claims: tuple[Claim, ...] = field(init=False, repr=False, compare=False)
    """The claims signed into the QR credential, by number."""
    _by_name: Mapping[str, Claim] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        signed = sorted((claim for claim in self.claims if claim.in_qr), key=lambda claim: claim.number)
        object.__setattr__(self, "qr_claims", tuple(signed))
        object.__setattr__(self, "_by_name", {claim.name: claim for claim in self.claims})

    def claim(self, name: str) -> Claim | None:
        """The claim of that name, or None: nothing undeclared exists."""
        return self._by_name.get(name)

    @property
    def number_claim(self) -> Claim:
        """The claim that holds the external number (a card's or permit's own)."""
        return next(claim for claim in self.claims if claim.kind is ClaimKind.NUMBER)

    def path(self) -> str:
        """Where the type is published, below the public URL: `types/<name>/<version>`."""
        return f"types/{self.name}/{self.version}"

    def vct(self, public_url: str) -> str:
        """The type's identifier in SD-JWT VC (draft-ietf-oauth-sd-jwt-vc, section 3.2.2.1)."""
        return f"{public_url}/{self.path()}"


class Catalogue:
    """The pass types that are switched on, by name and by number."""

    def __init__(self, types: Iterable[PassType]) -> None:
        self._by_name: dict[str, PassType] = {}
        self._by_number: dict[int, PassType] = {}
        for pass_type in types:
            if pass_type.name in self._by_name or pass_type.number in self._by_number:
                raise ValueError(f"two pass types share a name or number: {pass_type.name} {pass_type.number}")
            self._by_name[pass_type.name] = pass_type
            self._by_number[pass_type.number] = pass_type

    def __iter__(self) -> Iterator[PassType]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def knows(self, name: str) -> bool:
        """Whether a type of that name is switched on."""
        return name in self._by_name

    def named(self, name: str) -> PassType:
        """The type of that name; raises `UnknownPassType`."""
        try:
            return self._by_name[name]
        except KeyError:
            known = ", ".join(sorted(self._by_name))
            raise UnknownPassType(f"There is no pass type {name[:40]!r}; the types are: {known}.") from None

    def numbered(self, number: int) -> PassType | None:
        """The type with that number, or None."""
        return self._by_number.get(number)
