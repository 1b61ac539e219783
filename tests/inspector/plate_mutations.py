"""Mutated plate lists and plate texts, from a seed; see `mutations`. Nothing here knows what must come of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from keys.rotation import new_key
from keys.signer import Role, Signer
from keys.trust_list import ListedKey, sign_trust_list
from tests.inspector.mutations import BENDS
from tests.verifiers.sample_city import DAY, ISSUER, NOW, SampleCity
from tests.verifiers.test_plate_documents import KEYS, NONCE, SALT, TODAY, TOMORROW, PlateCity
from walletpass import cbor, cose
from walletpass.passes import end_second
from walletpass.plate_entries import key_check, pack_entries, stretched, tag
from walletpass.plate_list import MAX_ITERATIONS, PLATES, TYP, PlateList, ZoneEntries, list_path, sign_plate_list

LISTED = ("D-AB 1234", "KÖ-X 1", "Y-123456")
ZONES = ("7", "MÜ", "Z9")
ROUNDS = 3  # of PBKDF2: the number is not what is tried here
_OTHER_ROLES = (Role.CREDENTIAL, Role.STATUS_LIST, Role.TRUST_LIST)
_ENDS = end_second(TODAY)
_TIMES = (NOW, NOW - 1, NOW + 300, NOW + 301, _ENDS - 1, _ENDS, _ENDS + 1, 0, -1, 1 << 40)
_ENTRIES = (b"", bytes(10), bytes(15), b"a" * 10 + b"b" * 10, b"b" * 10 + b"a" * 10, b"a" * 20)
_SIZES = (b"", bytes(7), bytes(8), bytes(9), bytes(15), bytes(16), bytes(17))
_URIS = (f"{ISSUER}/published/plates/2027-01-16.cwt", f"{ISSUER}/published/plates/2027-01-15.cwt ", ISSUER)
# What is nearly right in its place: by the claim's number, or the member's or the zone's name.
_EDGES: dict[object, tuple[object, ...]] = {
    **{1: ("", ISSUER, f"{ISSUER}/"), 2: _URIS, 4: _TIMES, 6: _TIMES, "salt": _SIZES, "nonce": _SIZES, "check": _SIZES},
    "day": (
        "2027-01-16",
        "2027-02-30",
        "0050-01-15",
        "9999-01-01",
        "1970-12-31",
        "2027-1-15",
        "20270115",
        "２０２７-01-15",
    ),
    "iterations": (0, 1, -1, MAX_ITERATIONS, MAX_ITERATIONS + 1, True, (1 << 53) + 1),
    "zones": ({}, {"7": [False, bytes(10)]}, {7: [False, bytes(10)]}, {"mü": [False, bytes(10)]}),
    **{
        zone: ([False], [False, bytes(10), 1], [0, bytes(10)], *([True, it] for it in _ENTRIES)) for zone in ("7", "MÜ")
    },
}
_VALUES: tuple[object, ...] = (
    *(
        *_TIMES,
        1,
        23,
        (1 << 53) - 1,
        1 << 53,
        1 << 63,
        -(1 << 60),
        True,
        False,
        None,
        "",
        "7",
        "\0",
        "😀",
        [],
        {},
        [False],
    ),
    *(*_ENTRIES, *_SIZES, {"7": [False, bytes(10)]}),
)
_NAMES = (3, "x", "Ä", "MÜLL", "MÜLLE", "mü", "", "0")


@dataclass(frozen=True)
class Look:
    """What is read at one time: a trust list (None: there is none), and documents by path."""

    trust: bytes | None
    documents: dict[str, bytes]
    now: int


@dataclass(frozen=True)
class PlateSet:
    """What a device reads one after the other, and the keys that it holds."""

    looks: tuple[Look, ...]
    keys: dict[date, bytes]


class Forger:
    """Makes sets from the keys of one city, and of another."""

    def __init__(self, city: PlateCity, rng: random.Random) -> None:
        self.city, self.rng, self.other = city, rng, SampleCity(city.home / "other")
        self.listed = city.signer(Role.PLATE_LIST)
        self.unlisted = self._unlisted()
        self.trusts = [sign_trust_list(trust, city.signer(Role.TRUST_LIST)) for trust in self._trust_lists()]
        self._entries: dict[tuple[date, str], bytes] = {}

    def _unlisted(self) -> Signer:
        """Certified, but in no trust list here."""
        new_key(self.city.ring, Role.PLATE_LIST, datetime.fromtimestamp(NOW, UTC))
        return self.city.signer(Role.PLATE_LIST)

    def _trust_lists(self) -> Iterator[Any]:
        good = self.city.trust_list()

        def keys(**fields: int) -> tuple[ListedKey, ...]:
            return tuple(
                replace(key, **fields) if key.role is Role.PLATE_LIST else key
                for key in good.keys
                if key.kid != self.unlisted.kid
            )

        good = replace(good, keys=keys(sign_from=NOW - 2 * DAY))
        yield good
        yield replace(good, keys=tuple(key for key in good.keys if key.role is not Role.PLATE_LIST))
        yield replace(good, keys=keys(sign_until=NOW - 60))
        yield replace(good, keys=keys(sign_from=NOW + 60))
        yield replace(good, issuer="https://other.example")
        yield replace(good, expires_at=NOW + 600)

    def sets(self, count: int) -> Iterator[PlateSet]:
        ways = (self._bent, self._bent_inside, self._bent_inside, self._other_value, self._other_value)
        ways += (self._other_value, self._other_header, self._other_signer, self._bent_entries, self._at_other_times)
        for _ in range(count):
            looks = self._one_after_the_other() if self.rng.random() < 0.2 else (self._look(self.rng.choice(ways)),)
            yield PlateSet(looks, self._keys())

    def _keys(self) -> dict[date, bytes]:
        """Those of the lists, mostly; else another for today, or one missing."""
        replaced = {TODAY: KEYS[TOMORROW], TOMORROW: KEYS[TODAY]}
        return self.rng.choice(
            (KEYS, KEYS, KEYS, KEYS, replaced, KEYS | {TODAY: b"x" * 32}, {TOMORROW: KEYS[TOMORROW]})
        )

    def _look(self, way: Callable[[date], bytes]) -> Look:
        documents = {list_path(day): self._signed(self._list(day)) for day in (TODAY, TOMORROW)}
        day = self.rng.choice((TODAY, TODAY, TOMORROW))
        documents[list_path(day)] = way(day)
        if self.rng.random() < 0.05:
            documents[list_path(TODAY)], documents[list_path(TOMORROW)] = documents.values()
        trust = self.trusts[0] if self.rng.random() < 0.85 else self.rng.choice(self.trusts)
        return Look(trust, documents, NOW)

    def _one_after_the_other(self) -> tuple[Look, ...]:
        """Newer and older lists in any order, missing ones, other trust lists and none, from one day into the next."""
        found = []
        now = NOW
        for _ in range(self.rng.choice((2, 3))):
            documents = {}
            for day in (TODAY, TOMORROW):
                if self.rng.random() < 0.8:
                    issued = now + self.rng.choice((0, -60, -600, 200, 301))
                    documents[list_path(day)] = self._signed(self._list(day, issued_at=issued))
            trust = self.rng.choice((*self.trusts[:1] * 5, *self.trusts, None))
            found.append(Look(trust, documents, now))
            now += self.rng.choice((0, 60, 600, 20 * 3600))
        return tuple(found)

    def _list(self, day: date, **changes: Any) -> PlateList:
        """A good list: its plates in two zones, the first of which has changing vehicles."""
        zones = {zone: ZoneEntries(self._packed(day, zone), zone == ZONES[0]) for zone in ZONES[:2]}
        ends = self.rng.choice((end_second(day), end_second(day), NOW + 600))
        plates = PlateList(self.city.issuer, day, NOW, ends, SALT, NONCE, key_check(KEYS[day], NONCE), ROUNDS, zones)
        return replace(plates, **changes)

    def _packed(self, day: date, zone: str) -> bytes:
        if (day, zone) not in self._entries:
            digests = [stretched(plate, SALT, ROUNDS) for plate in LISTED]
            tagged = [(tag(KEYS[day], NONCE, zone, digest), n * 200) for n, digest in enumerate(digests)]
            self._entries[day, zone] = pack_entries(tagged)
        return self._entries[day, zone]

    def _signed(self, plates: PlateList, signer: Signer | None = None) -> bytes:
        return sign_plate_list(plates, signer or self.listed)

    def _claims(self, plates: PlateList) -> dict[Any, Any]:
        """What `sign_plate_list` would sign, to be spoilt."""
        claims: Any = cbor.decode(cose.take_apart(sign_plate_list(plates, self.listed)).payload)
        return dict(claims)

    def _assembled(self, claims: object, signer: Signer | None = None, header: object = None) -> bytes:
        """Signed whatever it says; bytes are taken as the payload itself."""
        signer = signer or self.listed
        protected = cose.protected_header(signer.kid, TYP) if header is None else cbor.encode(header)
        payload = claims if isinstance(claims, bytes) else cbor.encode(claims)
        return cose.assemble(protected, payload, signer.sign(cose.sig_structure(protected, payload)))

    def _bent(self, day: date) -> bytes:
        return self.rng.choice(BENDS)(self.rng, self._signed(self._list(day)))

    def _bent_inside(self, day: date) -> bytes:
        """The payload bent and signed again, mostly near its start: the entries are most of it."""
        payload = cbor.encode(self._claims(self._list(day)))
        place = self.rng.choice((150, 250, len(payload)))
        return self._assembled(self.rng.choice(BENDS)(self.rng, payload[:place]) + payload[place:])

    def _other_value(self, day: date) -> bytes:
        claims = self._claims(self._list(day))
        zones = claims[PLATES]["zones"]
        place = self.rng.choice((claims, claims, claims[PLATES], claims[PLATES], zones, zones, zones[ZONES[0]]))
        if isinstance(place, list):
            place[self.rng.randrange(2)] = self.rng.choice((*_VALUES, *_ENTRIES))
        elif self.rng.random() < 0.1:
            del place[self.rng.choice(list(place))]
        else:
            key = self.rng.choice((*place, *place, *_NAMES))
            edges = (*_EDGES["7"], [False, bytes(10)]) if place is zones else _EDGES.get(key, _VALUES)
            place[key] = self.rng.choice(edges if self.rng.random() < 0.8 else _VALUES)
        return self._assembled(claims)

    def _other_header(self, day: date) -> bytes:
        header: dict[object, object] = {1: -7, 4: self.listed.kid, 16: TYP}
        names = ("application/statuslist+cwt", "application/platelist+cwt ", "", self.unlisted.kid, bytes(8))
        header[self.rng.choice((1, 4, 16, 16, 2, "alg"))] = self.rng.choice((*_VALUES, *names))
        return self._assembled(self._claims(self._list(day)), header=header)

    def _other_signer(self, day: date) -> bytes:
        others = [self.city.signer(role) for role in _OTHER_ROLES] + [self.unlisted, self.other.signer(Role.PLATE_LIST)]
        signer, plates = self.rng.choice(others), self._list(day)
        if self.rng.random() < 0.5:
            return self._signed(plates, signer)
        return self._assembled(self._claims(plates), signer, {1: -7, 4: self.listed.kid, 16: TYP})  # a borrowed kid

    def _bent_entries(self, day: date) -> bytes:
        plates = self._list(day)
        zone = self.rng.choice(ZONES[:2])
        entries = self.rng.choice(BENDS)(self.rng, plates.zones[zone].entries)
        return self._signed(replace(plates, zones={**plates.zones, zone: ZoneEntries(entries, False)}))

    def _at_other_times(self, day: date) -> bytes:
        edges = (NOW, NOW - 61, NOW - DAY, NOW + 300, NOW + 301, end_second(day) - 1, end_second(day), 0)
        issued, expires = self.rng.choice(edges), self.rng.choice((end_second(day), NOW + 600, *edges))
        return self._signed(self._list(day, issued_at=issued, expires_at=expires))


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜ"
_GAPS = ("-", " ", "", "- ", " - ", "--", "–", "−", "\u00a0", "\t", "\n", "\x1c", "\x85", "\u2028", "\u3000", "\ufeff")
# Letters that turn into others, that do not, digits of elsewhere, and what is not seen.
_ODD = (
    *"ßẞſıİĸŉǰﬁﬆŸÿKÅÀ×÷ØÞÐĀŽǍЁАΑ0١２Ⅷ²ªµ._/;<%'\"",
    *(
        "\u0308",
        "\u030a",
        "\u0328",
        "\u200b",
        "\u200d",
        "\u202e",
        "\u00ad",
        "\0",
        "\ud800",
        "\udfff",
        "😀",
        "\U0003fffd",
    ),
)


def plate_texts(rng: random.Random, count: int) -> Iterator[str]:
    """Plates as people may type them, foreign ones, and what no plate is."""
    for _ in range(count):
        text = rng.choice((_german, _german, _other))(rng)
        for _ in range(rng.choice((0, 0, 1, 1, 2))):
            at, odd = rng.randrange(len(text) + 1), rng.choice((*_ODD, *_GAPS, chr(rng.randrange(0x110000))))
            text = text[:at] + odd + text[at + rng.randrange(2) :]
        text = rng.choice((text, text, text.lower(), text + " ", "\t" + text, decomposed(text)))
        yield text if rng.random() < 0.97 else text[:2] + "-" * rng.choice((60, 73, 80, 90)) + text[2:]


def _german(rng: random.Random) -> str:
    district, letters = ("".join(rng.choices(_LETTERS, k=rng.randint(1, most))) for most in (3, 2))
    digits = "".join(rng.choices("0123456789", k=rng.randint(1, 4)))
    return "".join((district, rng.choice(_GAPS), letters, rng.choice(_GAPS), digits, rng.choice(("", "", "E", " H"))))


def _other(rng: random.Random) -> str:
    alphabet = _LETTERS + "0123456789" * 2 + " -ÅØĀŽ"
    return "".join(rng.choices(alphabet, k=rng.randint(0, 14)))


def decomposed(text: str) -> str:
    """Umlauts as a letter and two dots."""
    return text.translate({ord(one): f"{plain}\u0308" for one, plain in zip("ÄÖÜ", "AOU", strict=True)})
