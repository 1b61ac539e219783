"""Plates, the whole way: permits at the office, signed lists between, and what the inspector's service answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.city import City
from verifiers.plates import PlateAnswer, PlateOutcome, PlateReason
from walletpass.errors import InvalidClaim
from walletpass.passes import Pass, first_second

PERMIT = "resident_parking_permit"


@pytest.fixture
def make(make_city: Callable[..., City]) -> Callable[..., City]:
    """Cities whose digests cost little."""
    return lambda **settings: make_city(plate_list_iterations=1000, **settings)


@pytest.fixture
def city(make: Callable[..., City]) -> City:
    return make()


def permit(city: City, *plates: str, zone: str = "MÜ", changing: bool = False, **fields: Any) -> Pass:
    return city.grants(PERMIT, zone=zone, plates=plates, changing_vehicles=changing, **fields)


def at(city: City, when: datetime) -> City:
    city.clock.seconds = when.timestamp()
    return city


def judged(answer: PlateAnswer) -> tuple[PlateOutcome, PlateReason]:
    return answer.outcome, answer.reason


FOUND = (PlateOutcome.FOUND, PlateReason.LISTED)
NONE = (PlateOutcome.NONE, PlateReason.NOT_LISTED)

# As stored → as an inspector may type it; and what is another car.
SPELLINGS: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
    ("D-AB 1234", ("D-AB 1234", "d-ab1234", "DAB1234", "D AB 1234", "D–AB 1234", "DA-B 1234"), ("D-AB 1235",)),
    ("D-AB 1234E", ("D-AB 1234E", "DAB1234E", "d ab 1234 e"), ("D-AB 1234", "D-AB 1234H")),
    ("D-AB 12H", ("D-AB 12H", "DAB12H"), ("D-AB 12", "D-AB 12E")),
    ("KÖ-X 1", ("KÖ-X 1", "köx1", "KO\u0308-X 1"), ("KO-X 1", "KOE-X 1", "K-X 1")),
    ("KO-X 1", ("KO-X 1", "KOX1"), ("KÖ-X 1", "K0-X 1")),
    ("MÜ-ÖÄ 1", ("MÜ-ÖÄ 1", "müöä1"), ("MU-OA 1", "MÜ-OÄ 1")),
    ("AB-123-CD", ("AB-123-CD", "AB 123 CD", "ab123cd"), ("AB-123-CE",)),  # France
    ("ÅBC 123", ("ÅBC 123", "ÅBC123"), ("ABC 123",)),
    ("Y-123456", ("Y-123456", "Y 123 456", "Y123456"), ("Y-123457",)),  # the army
    ("0-17-5", ("0-17-5", "0175"), ("O-17-5",)),  # a diplomat: a zero, not an O
]


@pytest.mark.parametrize(("stored", "same", "others"), SPELLINGS, ids=[row[0] for row in SPELLINGS])
def test_a_plate_is_found_however_it_is_typed_and_no_other_with_it(
    city: City, stored: str, same: tuple[str, ...], others: tuple[str, ...]
) -> None:
    permit(city, stored)
    assert city.finds(stored).outcome is PlateOutcome.FOUND
    lookup, now = city.plate_lookup(), int(city.clock())
    assert {plate: judged(lookup.find(plate, (), now)) for plate in same} == dict.fromkeys(same, FOUND)
    assert {plate: judged(lookup.find(plate, (), now)) for plate in others} == dict.fromkeys(others, NONE)


def test_an_answer_says_zone_and_last_day_and_how_old_the_list_is(city: City) -> None:
    permit(city, "D-AB 1234", "NE-C 7", zone="MÜ")
    for plate in ("D-AB 1234", "NE-C 7"):
        answer = city.finds(plate, "MÜ")
        assert answer.permits == (("MÜ", city.today + timedelta(days=200)),)
        assert answer.ask_for_permit is False
        assert answer.issued_at is not None
        assert 0 <= city.clock() - answer.issued_at <= 5


def test_a_permit_counts_in_its_own_zone_only(city: City) -> None:
    permit(city, "D-AB 1234", zone="7")
    permit(city, "D-CD 1", zone="8")
    assert judged(city.finds("D-AB 1234", "7")) == FOUND
    assert judged(city.finds("D-AB 1234", "8")) == NONE
    assert judged(city.finds("D-AB 1234", "8", "7")) == FOUND
    assert city.finds("D-AB 1234").permits == (("7", city.today + timedelta(days=200)),)


def test_a_zone_the_list_does_not_know_is_no_reason_for_a_fine(city: City) -> None:
    permit(city, "D-AB 1234", zone="MÜ")
    assert judged(city.finds("D-AB 1234", "MU")) == (PlateOutcome.UNDETERMINED, PlateReason.ZONE_UNKNOWN)
    assert judged(city.finds("D-AB 1234", "MU", "MÜ")) == FOUND


def test_zones_of_the_closed_list_are_known_without_a_permit(make: Callable[..., City]) -> None:
    city = make(parking_zones=("7", "MÜ"))
    assert judged(city.finds("D-AB 1234", "7")) == NONE


def test_two_permits_for_one_car_count_until_the_later_end(city: City) -> None:
    late = city.today + timedelta(days=300)
    permit(city, "D-AB 1234", valid_until=late)
    permit(city, "D-AB 1234", valid_until=city.today)
    assert city.finds("D-AB 1234").permits == (("MÜ", late),)


@pytest.mark.parametrize(
    ("plates", "changing", "ask"), [((), True, True), ((), False, True), (("D-AB 9",), True, True)]
)
def test_a_zone_with_changing_vehicles_says_to_ask_for_the_permit(
    city: City, plates: tuple[str, ...], changing: bool, ask: bool
) -> None:
    permit(city, *plates, zone="7", changing=changing)
    permit(city, "D-AB 8", zone="8")
    assert city.finds("D-AB 1234", "7").ask_for_permit is ask
    assert judged(city.finds("D-AB 1234", "7")) == NONE
    assert city.finds("D-AB 1234", "8").ask_for_permit is False


@pytest.mark.parametrize("plate", ["", "?", "D-AB", "1" * 40, "D-AB 1234; DROP", "<script>1"])
def test_what_is_no_plate_is_not_looked_for(city: City, plate: str) -> None:
    with pytest.raises(InvalidClaim) as refusal:
        city.finds(plate)
    assert refusal.value.code == "bad_plate"


def _suspended(city: City, found: Pass) -> None:
    city.suspends(found)


def _reinstated(city: City, found: Pass) -> None:
    city.suspends(found)
    assert judged(city.finds("D-AB 1234")) == NONE
    city.reinstates(found)


def _plate_changed(city: City, found: Pass) -> None:
    city.amends(found, plates=("D-XY 1",))


CHANGES: dict[str, tuple[Callable[[City, Pass], object], tuple[PlateOutcome, PlateReason]]] = {
    "nothing": (lambda city, found: None, FOUND),
    "suspended": (_suspended, NONE),
    "reinstated": (_reinstated, FOUND),
    "revoked": (City.revokes, NONE),
    "another plate": (_plate_changed, NONE),
    "another zone": (lambda city, found: city.amends(found, zone="7"), NONE),
    "a plate more": (lambda city, found: city.amends(found, plates=("D-AB 1234", "D-XY 1")), FOUND),
    "renewed": (lambda city, found: city.renews(found, city.today + timedelta(days=400)), FOUND),
    "expired": (lambda city, found: city.later(days=201), NONE),
    "last day": (lambda city, found: city.later(days=200), FOUND),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_permit_is_in_the_next_list(make: Callable[..., City], database_url: str, change: str) -> None:
    city = make(database_url=database_url)
    found = permit(city, "D-AB 1234")
    permit(city, "D-ZZ 9", valid_until=city.today + timedelta(days=999))  # the zone stays
    permit(city, "D-ZZ 8", zone="7")
    assert judged(city.finds("D-AB 1234", "MÜ")) == FOUND
    happens, then = CHANGES[change]
    happens(city, found)
    assert judged(city.finds("D-AB 1234", "MÜ")) == then


def test_a_renewal_shows_its_new_end(city: City) -> None:
    found = permit(city, "D-AB 1234")
    city.renews(found, until := city.today + timedelta(days=400))
    assert city.finds("D-AB 1234").permits == (("MÜ", until),)


def test_a_permit_that_begins_later_is_listed_from_its_first_day_on(city: City) -> None:
    first = city.today + timedelta(days=3)
    permit(city, "D-AB 1234", valid_from=first)
    permit(city, "D-ZZ 9")
    for day in range(5):
        expected = FOUND if city.today >= first else NONE
        assert judged(city.finds("D-AB 1234")) == expected, day
        city.later(days=1)


MIDNIGHTS = {
    "winter": date(2026, 11, 24),
    "clocks go forward that night": date(2027, 3, 28),
    "the day after they went forward, 23 hours": date(2027, 3, 29),
    "clocks go back that night": date(2027, 10, 31),
    "the day after they went back, 25 hours": date(2027, 11, 1),
    "a year begins": date(2027, 1, 1),
}


@pytest.mark.parametrize("day", MIDNIGHTS.values(), ids=list(MIDNIGHTS))
def test_the_day_changes_at_local_midnight_without_a_contact(city: City, day: date) -> None:
    """The device that went offline in the evening holds tomorrow's list and key, and uses them from midnight on."""
    midnight = first_second(day)
    last, following = day - timedelta(days=1), day
    city.clock.seconds = midnight - 1800
    permit(city, "D-AB 1", valid_from=last - timedelta(days=9), valid_until=last)
    permit(city, "D-AB 2", valid_from=following, valid_until=following + timedelta(days=9))
    assert city.finds("D-AB 1").outcome is PlateOutcome.FOUND
    lookup = city.plate_lookup()
    assert [judged(lookup.find("D-AB 1", (), when)) for when in (midnight - 1, midnight)] == [FOUND, NONE]
    assert [judged(lookup.find("D-AB 2", (), when)) for when in (midnight - 1, midnight)] == [NONE, FOUND]
    assert lookup.find("D-AB 2", (), midnight).permits == (("MÜ", following + timedelta(days=9)),)


def test_a_device_that_stays_away_cannot_know_any_more(city: City) -> None:
    permit(city, "D-AB 1234")
    assert judged(city.finds("D-AB 1234")) == FOUND
    lookup, start = city.plate_lookup(), int(city.clock())
    reasons = [lookup.find("D-AB 1234", (), start + hours * 3600).reason for hours in (0, 20, 25, 48)]
    assert reasons == [
        PlateReason.LISTED, PlateReason.LISTED, PlateReason.PLATE_LIST_STALE, PlateReason.PLATE_LIST_MISSING,
    ]  # fmt: skip
    assert lookup.find("D-AB 1234", (), start + 31 * 86400).reason is PlateReason.TRUST_LIST_STALE


def test_keys_are_handed_out_for_today_and_tomorrow_only(city: City) -> None:
    permit(city, "D-AB 1234")
    city.finds("D-AB 1234")
    lookup, now = city.plate_lookup(), int(city.clock())
    tomorrow = city.today + timedelta(days=1)
    keys = lookup.day_keys(now)
    assert list(keys) == [city.today, tomorrow]
    assert len({len(key) for key in keys.values()}) == 1
    assert list(lookup.day_keys(now + 86400)) == [tomorrow]
    assert lookup.day_keys(now + 3 * 86400) == {}
    assert not any(key.hex() in repr(lookup) or repr(key) in repr(lookup) for key in keys.values())


def test_an_autumn_night_has_one_list_for_both_of_its_second_hours(city: City) -> None:
    """02:30 comes twice on 31 October 2027; both belong to one local day."""
    at(city, datetime(2027, 10, 31, 0, 30, tzinfo=UTC))
    permit(city, "D-AB 1234")
    first = city.finds("D-AB 1234")
    at(city, datetime(2027, 10, 31, 1, 30, tzinfo=UTC))
    assert judged(city.plate_lookup().find("D-AB 1234", (), int(city.clock()))) == judged(first) == FOUND
