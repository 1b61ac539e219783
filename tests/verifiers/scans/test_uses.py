"""Double use: two places within minutes, two plates on a day; the same in every order, batch and at the same moment."""

from __future__ import annotations

import itertools
import random
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verifiers.scans.desk_of_scans import DAY, MINUTE, NOW, TYPES, WITHIN, Clock, Desk, sixteen, used
from tests.verifiers.scans.test_scan import HOUSE
from verifiers.scans.double_use import DoubleUse, SeenUse, double_uses
from verifiers.scans.scan import Scan, read_scan
from verifiers.scans.uses import MAX_TOLD, TOLD_FOR

PLACES, PLATES = "two_places", "two_plates"
_SEEN = st.builds(
    SeenUse,
    st.binary(min_size=2, max_size=2),
    st.integers(0, 40).map(lambda minute: minute * MINUTE),
    st.sampled_from([None, "A1", "B1", "C1"]),
    st.sampled_from([None, b"1", b"2"]),
    st.just("one"),
)


@settings(max_examples=500, **HOUSE)
@given(st.lists(_SEEN, max_size=12, unique_by=lambda use: use.nonce), st.randoms(use_true_random=False))
def test_exactly_those_are_found_that_a_look_at_every_pair_finds(seen: list[SeenUse], chance: random.Random) -> None:
    def pairs(use: SeenUse, kind: DoubleUse) -> list[SeenUse]:
        places = kind is DoubleUse.TWO_PLACES
        known = [(use.zone, other.zone) if places else (use.plate, other.plate) for other in seen]
        return [
            other
            for other, (mine, its) in zip(seen, known, strict=True)
            if None not in (mine, its) and mine != its and (not places or abs(use.at - other.at) <= 15 * MINUTE)
        ]

    chance.shuffle(seen)
    found = {(use.nonce, kind): other for use, kind, other in double_uses(seen, 15 * MINUTE)}
    assert found.keys() == {(use.nonce, kind) for use in seen for kind in DoubleUse if pairs(use, kind)}
    for use in seen:
        for kind in DoubleUse:
            others = pairs(use, kind)
            if others:
                assert found[use.nonce, kind] in others
                assert abs(found[use.nonce, kind].at - use.at) == min(abs(other.at - use.at) for other in others)


def test_uses_of_one_place_and_plate_go_together_however_many_there_are(desk_on: Desk) -> None:
    desk_on.receives(*(used(n, "permit", NOW + n * MINUTE, "A1", "DAB1234") for n in range(20)))
    assert desk_on.rows("warnings") == []


def test_a_device_gone_mad_does_not_make_the_next_upload_compare_all_of_it(desk_on: Desk) -> None:
    desk_on.receives(*(used(f"mad {n}", "permit", NOW, f"A{n % 2}") for n in range(200)), device="mad")
    before = len(desk_on.rows("warnings"))
    assert 0 < before <= 50
    desk_on.receives(used("good", "permit", NOW + MINUTE, "B1"), device="good")
    assert [told.kind for told in desk_on.uses.tell("good")] == [PLACES]
    assert len(desk_on.rows("warnings")) - before <= 50


def test_two_places_within_minutes_warn_both_devices_with_the_others_time_and_zone(desk_on: Desk) -> None:
    desk_on.receives(used("a", "permit", NOW, "A1"), device="one")
    desk_on.receives(used("b", "permit", NOW + 5 * MINUTE, "B1"), device="two")
    (told,) = desk_on.uses.tell("two")
    assert told.document() == {"kind": PLACES, "nonce": sixteen("b"), "at": NOW, "zone": "A1"}
    (told,) = desk_on.uses.tell("one")
    assert told.document() == {"kind": PLACES, "nonce": sixteen("a"), "at": NOW + 5 * MINUTE, "zone": "B1"}
    assert desk_on.uses.tell("three") == []


@pytest.mark.parametrize(
    ("other", "kinds"),
    [
        (used("b", "permit", NOW + WITHIN * MINUTE, "B1"), {PLACES}),
        (used("b", "permit", NOW - WITHIN * MINUTE, "B1"), {PLACES}),
        (used("b", "permit", NOW + (WITHIN + 1) * MINUTE, "B1"), set()),
        (used("b", "permit", NOW + MINUTE, "A1"), set()),
        (used("b", "permit", NOW + MINUTE, None), set()),
        (used("b", "another", NOW + MINUTE, "B1", "DXY1"), set()),
        (used("b", "permit", NOW + 300 * MINUTE, "A1", "DXY1"), {PLATES}),
        (used("b", "permit", NOW + 300 * MINUTE, "B1", "DXY1"), {PLATES}),
        (used("b", "permit", NOW + MINUTE, "B1", "DXY1"), {PLACES, PLATES}),
        (used("b", "permit", NOW + 300 * MINUTE, "A1", "DAB1234"), set()),
        (used("b", "permit", NOW + 300 * MINUTE, "A1"), set()),
        (used("b", "permit", NOW - DAY, "B1", "DXY1"), set()),
    ],
    ids=range(12),
)
def test_what_goes_together_and_what_does_not(desk_on: Desk, clock: Clock, other: Any, kinds: set[str]) -> None:
    clock.seconds += 300 * MINUTE
    desk_on.receives(used("a", "permit", NOW, "A1", "DAB1234"), device="one")
    desk_on.receives(other, device="two")
    expected = {("one", sixteen("a"), kind) for kind in kinds} | {("two", sixteen("b"), kind) for kind in kinds}
    assert desk_on.warned() == expected


STORY = (
    used("a", "permit", NOW, "A1", "DAB1234"),
    used("b", "permit", NOW + 5 * MINUTE, "B1"),
    used("c", "permit", NOW + 8 * MINUTE, "B1", "DXY1"),
    used("d", "permit", NOW + 400 * MINUTE, "B1", "DXY1"),
    used("e", "another", NOW, "A1", "DXY1"),
)
WARNED = {
    ("a", PLACES),
    ("b", PLACES),
    ("c", PLACES),
    ("a", PLATES),
    ("c", PLATES),
    ("d", PLATES),
}


def test_every_order_and_every_batch_of_arrival_gives_the_same_warnings(desk: Desk, clock: Clock) -> None:
    clock.seconds += 400 * MINUTE
    expected = {(sixteen(name), kind) for name, kind in WARNED}
    for order in itertools.permutations(STORY):
        for cut in (1, 3):
            with desk.engine.begin() as connection:
                for table in (desk.store.tables.scans, desk.store.tables.uses, desk.store.tables.warnings):
                    connection.execute(table.delete())
            for batch in (order[:cut], order[cut:], order[:2]):
                desk.receives(*batch)
            assert {(nonce, kind) for _, nonce, kind in desk.warned()} == expected


def test_repeats_in_other_orders_warn_nobody_twice(desk_on: Desk, clock: Clock) -> None:
    clock.seconds += 400 * MINUTE
    for order in list(itertools.permutations(STORY))[::17]:
        for sent in order:
            desk_on.receives(sent)
    assert {(nonce, kind) for _, nonce, kind in desk_on.warned()} == {(sixteen(name), kind) for name, kind in WARNED}
    assert len(desk_on.rows("warnings")) == len(WARNED)


def test_a_plate_that_is_confirmed_later_is_compared_then(desk_on: Desk) -> None:
    desk_on.receives(used("a", "permit", NOW, "A1", "DAB1234"), used("b", "permit", NOW + 60 * MINUTE, "A1"))
    assert desk_on.rows("warnings") == []
    desk_on.receives(used("b", "permit", NOW + 60 * MINUTE, "A1", "DXY1"))
    assert {(nonce, kind) for _, nonce, kind in desk_on.warned()} == {(sixteen("a"), PLATES), (sixteen("b"), PLATES)}


def test_an_upload_waits_for_one_that_is_under_way_and_then_sees_what_it_brought(desk_on: Desk) -> None:
    first = read_scan(used("a", "permit", NOW, "A1"), NOW, TYPES)
    assert isinstance(first, Scan)
    with ThreadPoolExecutor(1) as pool:
        with desk_on.store.upload() as connection:
            desk_on.uses.add(connection, "one", [first], [])
            second = pool.submit(desk_on.receives, used("b", "permit", NOW, "B1"), device="two")
            wait([second], timeout=0.5)
            assert not second.done()
        second.result()
    assert desk_on.warned() == {("one", sixteen("a"), PLACES), ("two", sixteen("b"), PLACES)}


def test_devices_that_upload_at_the_same_moment_miss_nothing(desk_on: Desk) -> None:
    rounds = 12
    for number in range(rounds):
        start = Barrier(2)

        def upload(device: int, number: int = number, start: Barrier = start) -> None:
            start.wait()
            sent = [used(f"{number} {device} {n}", f"permit {number} {n}", NOW, f"Z{device}") for n in range(9)]
            desk_on.receives(*sent[:: -1 if device else 1], device=str(device))

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(upload, range(2)))
    assert len(desk_on.warned()) == rounds * 2 * 9


def test_a_warning_is_told_for_an_hour_because_an_answer_may_be_lost(desk_on: Desk, clock: Clock) -> None:
    desk_on.receives(used("a", "permit", NOW, "A1"), used("b", "permit", NOW, "B1"))
    told = desk_on.uses.tell("one")
    assert {(each.nonce, each.kind) for each in told} == {(row.nonce, PLACES) for row in desk_on.rows("scans")}
    clock.seconds += TOLD_FOR - 1
    assert sorted(desk_on.uses.tell("one")) == sorted(told)
    desk_on.receives(used("c", "permit", NOW + 2 * MINUTE, "B1"))
    clock.seconds += 1
    assert [each.nonce for each in desk_on.uses.tell("one")] == [desk_on.rows("warnings")[-1].nonce]


def test_many_warnings_are_told_by_and_by(desk: Desk, clock: Clock) -> None:
    count = MAX_TOLD + 30
    for n in range(count):
        desk.receives(used(f"a {n}", f"permit {n}", NOW, "A1"), device="other")
        desk.receives(used(f"b {n}", f"permit {n}", NOW, "B1"))
    told = {warning.nonce for _ in range(2) for warning in desk.uses.tell("one")}
    assert len(told) == count


def test_a_use_of_the_day_before_yesterday_is_no_longer_kept_or_compared(desk_on: Desk) -> None:
    desk_on.receives(used("a", "permit", NOW - 2 * DAY, "A1"), used("b", "permit", NOW - 2 * DAY, "B1"))
    desk_on.receives(used("c", "permit", NOW - DAY, "A1"), used("d", "permit", NOW - DAY, "B1"))
    assert {row.nonce for row in desk_on.rows("uses")} == {row.nonce for row in desk_on.rows("warnings")}
    assert len(desk_on.rows("uses")) == 2
    assert desk_on.scans() == 4
