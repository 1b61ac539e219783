"""Plates in Python and in the inspector's JavaScript: the same lists taken, the same answers, the same spelling."""

from __future__ import annotations

import base64
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from keys.trust_list import TrustList, read_trust_list
from tests.city import City
from tests.flow.test_plates import FOUND, MIDNIGHTS, NONE, PERMIT, SPELLINGS
from tests.inspector.node import judged_by_node
from tests.inspector.plate_mutations import LISTED, ZONES, Forger, Look, PlateSet, plate_texts
from tests.inspector.test_both_sides import SEED, TIMES, _Given, compare
from tests.verifiers.sample_city import DAY, NOW
from tests.verifiers.test_plate_documents import FORGED_LISTS, KEYS, NONCE, PLATE, SALT, ZONE, PlateCity
from verifiers.plate_documents import PlateDocuments
from verifiers.plates import PlateAnswer, PlateLookup, today_and_tomorrow
from walletpass.claims import plate_key, read_plate
from walletpass.errors import InvalidClaim
from walletpass.passes import end_second, first_second, local_day
from walletpass.plate_entries import key_check, pack_entries, stretched, tag
from walletpass.plate_list import ZoneEntries, list_path

pytestmark = pytest.mark.usefixtures("no_logs")

SETS, TEXTS, INSTANTS = 2000 * TIMES, 6000 * TIMES, 2000 * TIMES
ASKED = (*LISTED, "d ab 1234", "D-AB 1235", "KO-X 1", "<b>", "ＤAB1", "")
MOMENTS = (NOW,) * 6 + (NOW + 599, NOW + 600, end_second(local_day(datetime.fromtimestamp(NOW, UTC))), NOW + 2 * DAY)


@pytest.fixture
def city(tmp_path: Path) -> PlateCity:
    return PlateCity(tmp_path)


class Reader:
    """Reads sets with the verifying service's own modules."""

    def __init__(self, city: PlateCity) -> None:
        self.anchor, self.receiver = city.ring.anchor_certificate, city.receiver
        self.trust = cache(self._trust)

    def _trust(self, token: bytes | None, now: int) -> TrustList | None:
        return None if token is None else read_trust_list(token, self.anchor, now)

    def lookup(self, found: PlateSet) -> PlateLookup:
        source = _Given()
        documents, lookup = PlateDocuments(source, self.receiver), PlateLookup(None, {}, {})
        for look in found.looks:
            source.documents = look.documents
            lookup = documents.refresh(self.trust(look.trust, look.now), look.now)
        return replace(lookup, keys=found.keys)


def set_line(name: str, found: PlateSet, anchor: x509.Certificate) -> dict[str, Any]:
    def text(raw: bytes) -> str:
        return base64.b64encode(raw).decode()

    looks = [
        {
            "trust": None if look.trust is None else text(look.trust),
            "documents": {path: text(raw) for path, raw in look.documents.items()},
            "now": look.now,
        }
        for look in found.looks
    ]
    keys = {day.isoformat(): text(key) for day, key in found.keys.items()}
    return {"plate_set": name, "anchor": anchor.public_bytes(Encoding.PEM).decode(), "refreshes": looks, "keys": keys}


def taken(lookup: PlateLookup) -> dict[str, Any]:
    return {"lists": {day.isoformat(): plates.issued_at for day, plates in lookup.lists.items()}}


def answered(lookup: PlateLookup, plate: str, zones: tuple[str, ...], now: int) -> dict[str, Any]:
    try:
        return in_json(lookup.find(plate, zones, now))
    except InvalidClaim as refusal:
        return {"refused": refusal.code}


def in_json(answer: PlateAnswer) -> dict[str, Any]:
    return {
        "outcome": answer.outcome,
        "reason": answer.reason,
        "permits": [[zone, last.isoformat()] for zone, last in answer.permits],
        "ask_for_permit": answer.ask_for_permit,
        "issued_at": answer.issued_at,
    }


def question(name: str, plate: str, zones: tuple[str, ...], now: int) -> dict[str, Any]:
    return {"plate": plate, "of": name, "zones": zones, "now": now}


def test_mutated_lists_are_taken_and_answer_alike(city: PlateCity) -> None:
    rng = random.Random(SEED)
    reader = Reader(city)
    lines: list[dict[str, Any]] = []
    expected: list[dict[str, Any]] = []
    for number, found in enumerate(Forger(city, rng).sets(SETS)):
        lookup = reader.lookup(found)
        lines.append(set_line(str(number), found, reader.anchor))
        expected.append(taken(lookup))
        for plate in rng.sample(ASKED, 3):
            zones = tuple(rng.sample((*ZONES, "MU", ""), rng.choice((0, 1, 2))))
            now = found.looks[-1].now + rng.choice(MOMENTS) - NOW
            lines.append(question(str(number), plate, zones, now))
            expected.append(answered(lookup, plate, zones, now))
    reasons = Counter(answer["reason"] for answer in expected if "reason" in answer)
    assert len(reasons) == 8 and min(reasons.values()) > SETS // 100, reasons  # every one that there is
    lists = Counter(len(answer["lists"]) for answer in expected if "lists" in answer)
    assert len(lists) == 3 and min(lists.values()) > SETS // 10, lists
    compare(lines, expected)


@pytest.mark.parametrize("forge", FORGED_LISTS.values(), ids=list(FORGED_LISTS))
def test_a_forged_list_is_absent_in_node_too_and_the_last_good_one_serves(
    city: PlateCity, forge: Callable[..., bytes]
) -> None:
    trust, day = (city.published / "trust-list.jwt").read_bytes(), today_and_tomorrow(NOW)[0]
    good, forged = city.signed(city.plates()), forge(city)
    for documents, reason in (([good, forged], "listed"), ([forged], "plate_list_missing")):
        looks = tuple(Look(trust, {list_path(day): document}, NOW) for document in documents)
        lines = [set_line("it", PlateSet(looks, KEYS), city.ring.anchor_certificate), question("it", PLATE, (), NOW)]
        assert judged_by_node(lines)[1]["reason"] == reason


def test_what_a_withdrawn_key_has_signed_is_nobodys(city: PlateCity) -> None:
    trust, day = (city.published / "trust-list.jwt").read_bytes(), today_and_tomorrow(NOW)[0]
    city.publish(lambda key: None if key.role == "plate-list" else key)
    after = (city.published / "trust-list.jwt").read_bytes()
    looks = (Look(trust, {list_path(day): city.signed(city.plates())}, NOW), Look(after, {}, NOW))
    for until, reason in ((1, "listed"), (2, "plate_list_missing")):
        lines = [set_line("it", PlateSet(looks[:until], KEYS), city.ring.anchor_certificate)]
        assert judged_by_node([*lines, question("it", PLATE, (), NOW)])[1]["reason"] == reason


def test_a_plate_is_found_however_it_is_typed_in_node_too(make_city: Callable[..., City]) -> None:
    """The whole table of the flow, from permits at the office: each row in a zone of its own."""
    city = make_city(plate_list_iterations=1000)
    for number, (stored, _, _) in enumerate(SPELLINGS):
        city.grants(PERMIT, zone=f"Z{number}", plates=(stored,), changing_vehicles=False)
    city.finds("D-AB 1234")
    now, folder = int(city.clock()), city.office.settings.published
    documents = {list_path(day): (folder / list_path(day)).read_bytes() for day in today_and_tomorrow(now)}
    look = Look((folder / "trust-list.jwt").read_bytes(), documents, now)
    anchor = x509.load_pem_x509_certificate(city.office.settings.anchor.read_bytes())
    lines = [set_line("it", PlateSet((look,), dict(city.plate_lookup().day_keys(now))), anchor)]
    expected: list[tuple[str, str] | None] = [None]
    for number, (_, same, others) in enumerate(SPELLINGS):
        for plates, judged in ((same, FOUND), (others, NONE)):
            lines += [question("it", plate, (f"Z{number}",), now) for plate in plates]
            expected += [(judged[0].value, judged[1].value)] * len(plates)
    found = judged_by_node(lines)
    assert [(answer["outcome"], answer["reason"]) for answer in found[1:]] == expected[1:]


@pytest.mark.parametrize("day", MIDNIGHTS.values(), ids=list(MIDNIGHTS))
def test_the_day_changes_at_local_midnight_in_node_too(tmp_path: Path, day: date) -> None:
    last, midnight = day - timedelta(days=1), first_second(day)
    city = PlateCity(tmp_path, now=midnight - 1800)
    keys = {last: b"k" * 32, day: b"l" * 32}
    documents = {}
    for which, plate in ((last, "D-AB 1"), (day, "D-AB 2")):
        entries = pack_entries([(tag(keys[which], NONCE, ZONE, stretched(plate, SALT, 1000)), 9)])
        check = key_check(keys[which], NONCE)
        plates = city.plates(which, key=keys[which], zones={ZONE: ZoneEntries(entries, False)}, check=check)
        documents[list_path(which)] = city.signed(plates)
    found = PlateSet((Look((city.published / "trust-list.jwt").read_bytes(), documents, city.now),), keys)
    lookup = Reader(city).lookup(found)
    asked = [(plate, now) for plate in ("D-AB 1", "D-AB 2") for now in (midnight - 1, midnight, midnight + DAY + 3600)]
    lines = [set_line("it", found, city.ring.anchor_certificate)]
    lines += [question("it", plate, (), now) for plate, now in asked]
    expected = [answered(lookup, plate, (), now) for plate, now in asked]
    reasons = ["listed", "not_listed", "plate_list_missing", "not_listed", "listed", "plate_list_missing"]
    assert [answer["reason"] for answer in expected] == reasons
    compare(lines, [taken(lookup), *expected])


def spelt(text: str) -> dict[str, Any]:
    try:
        written, _ = read_plate("plate", text)
    except InvalidClaim:
        return {"refused": "bad_plate"}
    return {"plate": written, "key": plate_key(written)}


def test_any_text_is_the_same_plate_or_none_on_both_sides() -> None:
    texts = list(plate_texts(random.Random(SEED), TEXTS))
    expected = [spelt(text) for text in texts]
    assert 0.2 < sum("refused" in answer for answer in expected) / TEXTS < 0.8
    compare([{"plate_text": text} for text in texts], expected)


def test_local_days_begin_and_end_alike() -> None:
    rng = random.Random(SEED)
    instants = [rng.randrange(31_600_000, 253_300_000_000) for _ in range(INSTANTS)]
    instants += [first_second(day) + s for day in MIDNIGHTS.values() for s in (-1, 0, 1, 3600, 7200, 10800, 86399)]
    days = [local_day(datetime.fromtimestamp(instant, UTC)) for instant in instants]
    expected = [{"day": day.isoformat(), "ends": end_second(day)} for day in days]
    compare([{"instant": instant} for instant in instants], expected)
