"""Plate lists and their keys as a verifying service reads them: forged, old, foreign and damaged ones are absent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from keys.rotation import new_key
from keys.signer import Role, Signer
from tests.verifiers.sample_city import NOW, SampleCity
from verifiers.documents import Folder
from verifiers.plate_documents import PlateDocuments
from verifiers.plates import PlateLookup, PlateReason
from verifiers.receiving import ReceivingKey
from verifiers.seen import SeenDocuments
from walletpass import cbor, cose
from walletpass.passes import end_second, local_day
from walletpass.plate_entries import key_check, pack_entries, stretched, tag
from walletpass.plate_keys import JWE_ALGORITHMS, PlateKeys, keys_path, pack_keys, sign_plate_keys
from walletpass.plate_list import MAX_LIST, PLATES, TYP, PlateList, ZoneEntries, list_path, sign_plate_list

TODAY = local_day(datetime.fromtimestamp(NOW, UTC))
TOMORROW = TODAY + timedelta(days=1)
KEYS = {TODAY: b"k" * 32, TOMORROW: b"l" * 32}
SALT, NONCE = b"s" * 16, b"n" * 16
PLATE, ZONE = "D-AB 1234", "MÜ"


class PlateCity(SampleCity):
    """A city that also publishes plate lists by hand."""

    def __init__(self, home: Path, now: int = NOW) -> None:
        super().__init__(home, now=now)
        self.publish()
        self.receiver = ReceivingKey.open(home / "verifier")
        self.reader = PlateDocuments(Folder(self.published), self.receiver)

    def plates(self, day: date = TODAY, *, zone: str = ZONE, key: bytes = b"", **changes: Any) -> PlateList:
        key = key or KEYS[day]
        entries = pack_entries([(tag(key, NONCE, zone, stretched(PLATE, SALT, 1000)), 30)])
        zones = {zone: ZoneEntries(entries, False)}
        ends, check = end_second(day), key_check(key, NONCE)
        return replace(PlateList(self.issuer, day, self.now, ends, SALT, NONCE, check, 1000, zones), **changes)

    def signed(self, plates: PlateList, role: Role = Role.PLATE_LIST) -> bytes:
        return sign_plate_list(plates, self.signer(role))

    def keys(self, keys: dict[date, bytes] = KEYS, to: ReceivingKey | None = None, **changes: Any) -> PlateKeys:
        to = to or self.receiver
        header = {"alg": JWE_ALGORITHMS[0], "enc": JWE_ALGORITHMS[1]}
        public = ECKey.import_key(json.loads(to.public_jwk()))
        encrypted = jwe.encrypt_compact(header, pack_keys(keys), public, algorithms=list(JWE_ALGORITHMS))
        return replace(PlateKeys(self.issuer, to.id, self.now, self.now + 86400, encrypted), **changes)

    def sends(self, keys: PlateKeys | bytes, role: Role = Role.PLATE_LIST) -> None:
        token = keys if isinstance(keys, bytes) else sign_plate_keys(keys, self.signer(role))
        self.write(keys_path(self.receiver.id), token)

    def lists(self, token: bytes, day: date = TODAY) -> None:
        self.write(list_path(day), token)

    def reads(self, now: int = 0) -> PlateLookup:
        trust = self.documents().refresh(now or self.now).trust_list
        return self.reader.refresh(trust, now or self.now)

    def answers(self, plate: str = PLATE, *zones: str) -> PlateReason:
        return self.reads().find(plate, zones, self.now).reason


@pytest.fixture
def city(tmp_path: Path) -> PlateCity:
    city = PlateCity(tmp_path)
    city.lists(city.signed(city.plates()))
    city.sends(city.keys())
    return city


def test_a_good_list_and_a_good_key_give_an_answer(city: PlateCity) -> None:
    answer = city.reads().find(PLATE, (), NOW)
    assert answer.permits == ((ZONE, TODAY + timedelta(days=30)),)
    assert city.answers("D-AB 1235") is PlateReason.NOT_LISTED


def raw_list(city: PlateCity, change: Callable[[dict[Any, Any]], object], typ: str = TYP) -> bytes:
    """A list signed by the right key that says something it should not."""
    claims: Any = cbor.decode(cose.take_apart(city.signed(city.plates())).payload)
    change(claims)
    signer = city.signer(Role.PLATE_LIST)
    protected, payload = cose.protected_header(signer.kid, typ), cbor.encode(claims)
    return cose.assemble(protected, payload, signer.sign(cose.sig_structure(protected, payload)))


def own(change: Callable[[dict[str, Any]], object]) -> Callable[[PlateCity], bytes]:
    return lambda city: raw_list(city, lambda claims: change(claims[PLATES]))


def flipped(raw: bytes, place: int) -> bytes:
    return raw[:place] + bytes((raw[place] ^ 1,)) + raw[place + 1 :]


def of_another_city(city: PlateCity) -> bytes:
    other = SampleCity(city.home / "other")
    return sign_plate_list(city.plates(), other.signer(Role.PLATE_LIST))


FORGED_LISTS: dict[str, Callable[[PlateCity], bytes]] = {
    "nothing": lambda city: b"",
    "cut off": lambda city: city.signed(city.plates())[:-1],
    "one byte more": lambda city: city.signed(city.plates()) + b"\0",
    "a bit in the entries": lambda city: flipped(city.signed(city.plates()), 300),
    "a bit in the signature": lambda city: flipped(city.signed(city.plates()), -1),
    "signed as a credential": lambda city: city.signed(city.plates(), Role.CREDENTIAL),
    "signed by the status list's key": lambda city: city.signed(city.plates(), Role.STATUS_LIST),
    "signed by the trust list's key": lambda city: city.signed(city.plates(), Role.TRUST_LIST),
    "of another city": of_another_city,
    "of another issuer": lambda city: city.signed(city.plates(issuer="https://other.example")),
    "of another day": lambda city: city.signed(city.plates(TOMORROW)),
    "from the future": lambda city: city.signed(city.plates(issued_at=NOW + 301)),
    "from before its key's time": lambda city: city.signed(city.plates(issued_at=NOW - 86400)),
    "ends with the next day": lambda city: city.signed(city.plates(expires_at=end_second(TOMORROW))),
    "ended before it began": lambda city: city.signed(city.plates(expires_at=NOW)),
    "a status list": lambda city: city.status_token(),
    "too large": lambda city: city.signed(city.plates()) + bytes(MAX_LIST),
    "a bomb of zones": own(lambda it: it.update(zones={f"{n:X}": [False, bytes(10)] for n in range(2000)})),
    "a bomb of iterations": own(lambda it: it.update(iterations=1 << 40)),
    "nested without end": lambda city: raw_list(city, lambda claims: claims[PLATES].update(day=[[[[[[[[[]]]]]]]]])),
    "no salt": own(lambda it: it.update(salt=b"")),
    "a short nonce": own(lambda it: it.update(nonce=b"n" * 15)),
    "no key check": own(lambda it: it.pop("check")),
    "a claim more": own(lambda it: it.update(more=1)),
    "no iterations": own(lambda it: it.update(iterations=0)),
    "true iterations": own(lambda it: it.update(iterations=True)),
    "no day": own(lambda it: it.update(day="")),
    "a day in words": own(lambda it: it.update(day="2027-1-15")),
    "a zone in small letters": own(lambda it: it.update(zones={"mü": it["zones"][ZONE]})),
    "a zone with a NUL": own(lambda it: it.update(zones={"M\0": it["zones"][ZONE]})),
    "entries out of order": own(lambda it: it.update(zones={ZONE: [False, b"b" * 10 + b"a" * 10]})),
    "half an entry": own(lambda it: it.update(zones={ZONE: [False, b"b" * 15]})),
    "entries of numbers": own(lambda it: it.update(zones={ZONE: [False, 15]})),
    "another typ": lambda city: raw_list(city, lambda claims: None, "application/cwt"),
    "another address": lambda city: raw_list(city, lambda claims: claims.update({2: "https://karten.example/x"})),
}


@pytest.mark.parametrize("forge", FORGED_LISTS.values(), ids=list(FORGED_LISTS))
def test_a_forged_list_is_absent_and_the_last_good_one_serves(city: PlateCity, forge: Callable[..., bytes]) -> None:
    forged = forge(city)
    assert city.answers() is PlateReason.LISTED
    city.lists(forged)
    assert city.answers() is PlateReason.LISTED
    city.reader = PlateDocuments(Folder(city.published), city.receiver)
    assert city.answers() is PlateReason.PLATE_LIST_MISSING


def test_the_forging_itself_is_sound(city: PlateCity) -> None:
    """Without a change, a list made by hand is taken: the table above refuses for its reasons only."""
    city.lists(raw_list(city, lambda claims: None))
    assert city.answers() is PlateReason.LISTED


def test_entries_put_into_another_zone_say_nothing_there(city: PlateCity) -> None:
    """Even the issuing side itself cannot mix two zones up: the zone is in every tag."""
    seven, eight = (city.plates(zone=zone).zones[zone] for zone in ("7", "8"))
    city.lists(city.signed(city.plates(zones={"7": eight, "8": seven})))
    assert city.answers(PLATE, "7") is city.answers(PLATE, "8") is PlateReason.NOT_LISTED
    city.lists(city.signed(city.plates(zones={"7": seven, "8": eight})))
    assert city.answers(PLATE, "7") is city.answers(PLATE, "8") is PlateReason.LISTED


def test_a_list_older_than_one_seen_is_not_taken(city: PlateCity) -> None:
    old = city.signed(city.plates())
    city.now += 60
    city.lists(city.signed(city.plates(zones={"7": ZoneEntries(bytes(10), True)})))
    assert city.reads().find(PLATE, ("7",), city.now).ask_for_permit is True
    city.lists(old)
    assert city.reads().find(PLATE, ("7",), city.now).ask_for_permit is True


def test_what_was_seen_serves_after_a_restart_without_a_network_and_cannot_be_rolled_back(city: PlateCity) -> None:
    seen, old = SeenDocuments(city.home / "cache"), city.signed(city.plates())
    city.now += 60
    city.lists(city.signed(city.plates()))
    city.lists(city.signed(city.plates(TOMORROW)), TOMORROW)
    city.reader = PlateDocuments(Folder(city.published), city.receiver, seen)
    assert city.answers() is PlateReason.LISTED
    trust = city.documents().refresh(city.now).trust_list
    restarted = PlateDocuments(Folder(city.home / "nowhere"), city.receiver, seen)
    assert restarted.recall(trust, city.now).find(PLATE, (), city.now).reason is PlateReason.LISTED
    city.lists(old)
    city.reader = PlateDocuments(Folder(city.published), city.receiver, seen)
    city.reader.recall(trust, city.now)
    assert city.reads().lists[TODAY].issued_at == city.now
    restarted.recall(trust, city.now + 86400)
    assert [file.name for file in (city.home / "cache" / "plates").glob("*.cwt")] == [f"{TOMORROW}.cwt"]


@pytest.mark.parametrize("what", ["list", "keys"])
def test_what_a_withdrawn_key_has_signed_is_nobodys(city: PlateCity, what: str) -> None:
    assert city.answers() is PlateReason.LISTED
    first = city.signer(Role.PLATE_LIST)
    new_key(city.ring, Role.PLATE_LIST, datetime.fromtimestamp(city.now, UTC))
    city.ring.withdraw(first.kid, datetime.fromtimestamp(city.now, UTC))
    city.now += 1
    city.publish()
    (city.lists(city.signed(city.plates())) if what == "keys" else city.sends(city.keys()))
    expected = PlateReason.PLATE_KEY_MISSING if what == "keys" else PlateReason.PLATE_LIST_MISSING
    assert city.answers() is expected


def test_without_a_trust_list_nothing_is_known(city: PlateCity) -> None:
    assert city.reader.refresh(None, NOW).find(PLATE, (), NOW).reason is PlateReason.TRUST_LIST_STALE


def planted(city: PlateCity) -> PlateKeys:
    return city.keys({TODAY: b"x" * 32})


def by(city: PlateCity, signer: Signer, keys: PlateKeys) -> bytes:
    return sign_plate_keys(keys, signer)


FORGED_KEYS: dict[str, Callable[[PlateCity], bytes]] = {
    "nothing": lambda city: b"",
    "no JWS": lambda city: city.keys().encrypted.encode(),
    "cut off": lambda city: by(city, city.signer(Role.PLATE_LIST), planted(city))[:-1],
    "too large": lambda city: by(city, city.signer(Role.PLATE_LIST), planted(city)) + b"A" * (16 << 10),
    "planted by a credential key": lambda city: by(city, city.signer(Role.CREDENTIAL), planted(city)),
    "planted by another city": lambda city: by(
        city, SampleCity(city.home / "other").signer(Role.PLATE_LIST), planted(city)
    ),
    "of another issuer": lambda city: by(city, city.signer(Role.PLATE_LIST), city.keys(issuer="https://other.example")),
    "for another service": lambda city: by(
        city, city.signer(Role.PLATE_LIST), city.keys(to=ReceivingKey.open(city.home / "elsewhere"))
    ),
    "for us, locked for another": lambda city: by(
        city,
        city.signer(Role.PLATE_LIST),
        city.keys(to=ReceivingKey.open(city.home / "elsewhere"), recipient=city.receiver.id),
    ),
    "from the future": lambda city: by(city, city.signer(Role.PLATE_LIST), city.keys(issued_at=NOW + 301)),
    "no JWE": lambda city: by(city, city.signer(Role.PLATE_LIST), city.keys(encrypted="a.b.c.d.e")),
    "a short key": lambda city: by(city, city.signer(Role.PLATE_LIST), city.keys({TODAY: b"k"})),
    "a plate list": lambda city: city.signed(city.plates()),
    "unsigned": lambda city: b"eyJhbGciOiJub25lIiwidHlwIjoicGxhdGVrZXlzK2p3dCJ9.e30.",
}


@pytest.mark.parametrize("forge", FORGED_KEYS.values(), ids=list(FORGED_KEYS))
def test_keys_cannot_be_planted_and_the_last_good_ones_serve(city: PlateCity, forge: Callable[..., bytes]) -> None:
    assert city.answers() is PlateReason.LISTED
    city.sends(forge(city))
    assert city.answers() is PlateReason.LISTED
    city.reader = PlateDocuments(Folder(city.published), city.receiver)
    assert city.answers() is PlateReason.PLATE_KEY_MISSING


def test_older_keys_than_those_seen_are_not_taken(city: PlateCity) -> None:
    old = sign_plate_keys(planted(city), city.signer(Role.PLATE_LIST))
    city.now += 5
    city.sends(city.keys())
    assert city.answers() is PlateReason.LISTED
    city.sends(old)
    assert city.answers() is PlateReason.LISTED


def test_the_wrong_key_is_never_the_answer_none(city: PlateCity) -> None:
    """Under another key every car would seem to be without a permit."""
    city.sends(city.keys({TODAY: KEYS[TOMORROW]}))
    assert city.answers() is PlateReason.PLATE_KEY_REPLACED
    city.now += 1
    city.sends(city.keys({TOMORROW: KEYS[TOMORROW]}))
    assert city.answers() is PlateReason.PLATE_KEY_MISSING
