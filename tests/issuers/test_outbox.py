"""The outbox as several workers share it: a row is held by one at a time, and none is lost or done twice."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from sqlalchemy import insert, select, update

from issuers.models import outbox
from issuers.outbox import GIVE_UP, PARKED, Outbox, backoff
from tests.city import City
from web.database import read_transaction, write_transaction

KIND, LEASE = "mail", 60


@pytest.fixture
def box(city_on: City) -> Outbox:
    return city_on.office.outbox


def notes(city: City, count: int = 1, kind: str = KIND) -> list[int]:
    now = int(city.clock())
    row = {"kind": kind, "detail": "", "created_at": now, "due_at": now}
    with write_transaction(city.office.engine) as connection:
        new = [row | {"subject": str(number)} for number in range(count)]
        return list(connection.scalars(insert(outbox).returning(outbox.c.id, sort_by_parameter_order=True), new))


def claimed(box: Outbox, limit: int = 100, *, alone: bool = False) -> str:
    claim = box.claim(KIND, limit, LEASE, alone=alone)
    assert claim is not None
    return claim


def code_of(city: City, row: int) -> str | None:
    with read_transaction(city.office.engine) as connection:
        return connection.scalar(select(outbox.c.code).where(outbox.c.id == row))


def test_a_claim_holds_the_oldest_rows_and_nobody_else_gets_them(city_on: City, box: Outbox) -> None:
    rows = notes(city_on, 5)
    first, second = claimed(box, 3), claimed(box, 3)
    assert [errand.id for errand in box.held(first)] == rows[:3]
    assert [errand.id for errand in box.held(second)] == rows[3:]
    assert box.claim(KIND, 3, LEASE) is None
    assert box.due() == set()


def test_what_is_done_is_done_for_good(city_on: City, box: Outbox) -> None:
    rows = notes(city_on, 2)
    claim = claimed(box)
    box.report(claim, LEASE).done(rows[:1])
    assert [errand.id for errand in box.held(claim)] == rows[1:]
    city_on.later(days=1)
    assert [errand.id for errand in box.held(claimed(box))] == rows[1:]


def test_a_dead_workers_rows_are_taken_over_after_its_lease_and_its_late_report_counts_no_longer(
    city_on: City, box: Outbox
) -> None:
    [row] = notes(city_on)
    dead = claimed(box)
    city_on.later(seconds=LEASE - 1)
    assert box.claim(KIND, 1, LEASE) is None
    city_on.later(seconds=1)
    successor = claimed(box)
    late = box.report(dead, LEASE)
    late.done([row])
    late.failed([row], "late")
    assert not late.keep()
    [errand] = box.held(successor)
    assert (errand.id, errand.attempts) == (row, 2)
    assert box.failed() == []


def test_a_report_renews_the_lease_of_what_is_left(city_on: City, box: Outbox) -> None:
    rows = notes(city_on, 2)
    report = box.report(claimed(box), LEASE)
    city_on.later(seconds=LEASE - 10)
    report.done(rows[:1])
    city_on.later(seconds=LEASE - 10)
    assert box.claim(KIND, 1, LEASE) is None
    assert report.keep()


def test_what_failed_for_now_is_due_again_later_and_each_time_longer(city_on: City, box: Outbox) -> None:
    [row] = notes(city_on)
    waits = []
    for _ in range(4):
        claim = claimed(box)
        box.report(claim, LEASE).later(box.held(claim), "smtp_unreachable")
        waited = 0
        while box.due() == set():
            city_on.later(seconds=1)
            waited += 1
        waits.append(waited)
    assert waits == sorted(waits)
    assert waits[-1] > waits[0]
    assert code_of(city_on, row) == "smtp_unreachable"
    assert box.waiting()[KIND]["codes"] == {"smtp_unreachable": 1}
    assert backoff(1) <= 7
    assert 2700 <= backoff(1000) <= 4500


def test_a_wait_that_was_asked_for_is_kept(city_on: City, box: Outbox) -> None:
    notes(city_on)
    claim = claimed(box)
    box.report(claim, LEASE).later(box.held(claim), "too_many_requests", wait=300)
    city_on.later(seconds=299)
    assert box.due() == set()
    city_on.later(seconds=1)
    assert box.due() == {KIND}


def fails(box: Outbox) -> None:
    claim = claimed(box)
    box.report(claim, LEASE).later(box.held(claim), "smtp_unreachable")


def test_what_fails_for_a_week_waits_in_the_quarantine_and_can_be_tried_again(city_on: City, box: Outbox) -> None:
    [row] = notes(city_on)
    began = city_on.clock()
    while not box.failed():
        fails(box)
        while not (box.due() or box.failed()):
            city_on.later(minutes=5)
    assert GIVE_UP <= city_on.clock() - began <= GIVE_UP + 2 * 86400
    city_on.later(days=30)
    assert box.due() == set()
    assert [(found["id"], found["code"], found["subject"]) for found in box.failed()] == [
        (row, "smtp_unreachable", "0")
    ]
    assert box.retry([row + 1]) == 0
    assert box.retry() == 1
    assert box.failed() == []
    fails(box)
    assert box.failed() == []  # it has a week again


@pytest.mark.parametrize("failures", [0, 1, 40])
def test_time_in_which_nobody_worked_is_no_failing(city_on: City, box: Outbox, failures: int) -> None:
    notes(city_on)
    for _ in range(failures):
        fails(box)
        city_on.later(hours=1.5)
    city_on.later(days=400)
    fails(box)
    assert box.failed() == []


def test_what_is_put_off_is_due_again_then_and_has_not_failed_however_often(city_on: City, box: Outbox) -> None:
    [row] = notes(city_on)
    for wait in (1800, *[86400] * (GIVE_UP // 3600)):
        claim = claimed(box)
        box.report(claim, LEASE).put_off(box.held(claim), "collecting", wait)
        city_on.later(seconds=min(wait, 3600) - 1)
        assert box.due() == set()
        city_on.later(seconds=1)
    assert code_of(city_on, row) == "collecting"
    fails(box)
    assert box.failed() == []


def test_what_is_done_can_say_why_there_was_nothing_to_do(city_on: City, box: Outbox) -> None:
    rows = notes(city_on, 2)
    fails(box)
    city_on.later(minutes=1)
    report = box.report(claimed(box), LEASE)
    report.done(rows[:1], code="revoked")
    report.done(rows[1:])
    assert [code_of(city_on, row) for row in rows] == ["revoked", None]


def parks(city: City, sign: int = 1) -> None:
    with write_transaction(city.office.engine) as connection:
        connection.execute(update(outbox).values(due_at=outbox.c.due_at + sign * PARKED))


def test_who_asks_whether_it_holds_a_row_holds_it_for_a_lease(city_on: City, box: Outbox) -> None:
    notes(city_on, 2)
    claim = claimed(box)
    report, (first, second) = box.report(claim, LEASE), box.held(claim)
    for later in (0, LEASE // 2, 5 * LEASE, -3 * 86400):  # slept, and set back: others could take it by now
        city_on.later(seconds=later)
        assert report.holds(first)
        assert box.claim(KIND, 1, LEASE) is None
        city_on.later(seconds=LEASE * 3 // 4)
        assert box.claim(KIND, 1, LEASE) is None
    report.done([first.id])
    assert not report.holds(first)
    parks(city_on)
    assert not report.holds(second)
    parks(city_on, -1)
    assert report.holds(second)
    city_on.later(seconds=LEASE)
    taken_over = claimed(box)
    assert not report.holds(second)
    assert box.report(taken_over, LEASE).holds(second)


def test_what_fails_for_good_is_not_tried_again_by_itself(city_on: City, box: Outbox) -> None:
    rows = notes(city_on, 3)
    box.report(claimed(box), LEASE).failed(rows[:2], "address_refused")
    city_on.later(days=30)
    assert [found["id"] for found in box.failed()] == rows[:2]
    assert box.retry(rows[:1]) == 1
    assert {errand.id for errand in box.held(claimed(box))} == {rows[0], rows[2]}


def test_one_batch_at_a_time_where_somebody_else_limits_the_rate(city_on: City, box: Outbox) -> None:
    rows = notes(city_on, 2)
    claim = claimed(box, 1, alone=True)
    assert box.claim(KIND, 1, LEASE, alone=True) is None
    box.report(claim, LEASE).done(rows[:1])
    assert [errand.id for errand in box.held(claimed(box, 1, alone=True))] == rows[1:]


def test_of_many_workers_each_row_has_one(city_on: City, box: Outbox) -> None:
    rows = notes(city_on, 400)
    done: Counter[int] = Counter()
    lock = threading.Lock()

    def work(alone: bool) -> None:
        while claim := box.claim(KIND, 7, LEASE, alone=alone):
            held = [errand.id for errand in box.held(claim)]
            with lock:
                done.update(held)
            box.report(claim, LEASE).done(held)

    threads = [threading.Thread(target=work, args=(False,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == Counter(rows)


def test_of_many_workers_one_at_a_time_works_alone(city_on: City, box: Outbox) -> None:
    notes(city_on, 60)
    at_once: list[int] = []
    busy = threading.Semaphore(0)
    running = Counter[str]()
    lock = threading.Lock()

    def work() -> None:
        while box.due():
            claim = box.claim(KIND, 3, LEASE, alone=True)
            if claim is None:
                continue
            with lock:
                running["now"] += 1
                at_once.append(running["now"])
            busy.release()
            held = [errand.id for errand in box.held(claim)]
            with lock:
                running["now"] -= 1
            box.report(claim, LEASE).done(held)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(at_once) == {1}
    assert len(at_once) == 20


def test_what_is_parked_waits_until_it_is_not(city_on: City, box: Outbox) -> None:
    notes(city_on)
    for sign in (1, -1):
        parks(city_on, sign)
        assert (box.due() == set()) is (sign == 1)


def test_a_row_of_an_older_version_is_due_at_once(city_on: City, box: Outbox) -> None:
    with write_transaction(city_on.office.engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO outbox (kind, subject, detail, created_at) VALUES ('mail', 'a', '', 1795000000)"
        )
    [errand] = box.held(claimed(box))
    assert (errand.subject, errand.attempts, errand.campaign) == ("a", 1, None)


def test_what_was_done_long_ago_is_forgotten_and_nothing_else(city_on: City, box: Outbox) -> None:
    rows = notes(city_on, 3)
    report = box.report(claimed(box), LEASE)
    report.done(rows[:1])
    report.failed(rows[1:2], "address_refused")
    city_on.later(days=40)
    box.forget(int(city_on.clock()) - 30 * 86400)
    with read_transaction(city_on.office.engine) as connection:
        assert list(connection.scalars(select(outbox.c.id).order_by(outbox.c.id))) == rows[1:]
    assert [found["id"] for found in box.failed()] == rows[1:2]
    [(kind, found)] = box.waiting().items()
    assert (kind, found["rows"], found["codes"]) == (KIND, 1, {})


@pytest.mark.parametrize("hours", [30 * 24, 3])
def test_a_clock_that_was_ahead_keeps_nothing_waiting(city_on: City, box: Outbox, hours: int) -> None:
    city_on.later(hours=hours)
    rows = notes(city_on, 2)
    dead = claimed(box, 1)
    city_on.later(hours=-hours)
    assert box.due() == {KIND}
    assert {errand.id for errand in box.held(claimed(box))} == set(rows)
    assert box.held(dead) == []
    parks(city_on)
    assert box.due() == set(), "what is parked is not astray"


def test_a_worker_whose_clock_was_ahead_and_who_stays_away_blocks_no_kind(city_on: City, box: Outbox) -> None:
    city_on.later(days=300)
    notes(city_on, 2)
    assert box.claim(KIND, 1, LEASE, alone=True) is not None
    assert box.claim(KIND, 1, LEASE, alone=True) is None
    city_on.later(days=-300)
    assert box.claim(KIND, 1, LEASE, alone=True) is not None


def test_what_failed_for_good_can_be_let_rest_and_nothing_else(city_on: City, box: Outbox) -> None:
    rows = notes(city_on, 5)
    claim = claimed(box)
    report = box.report(claim, LEASE)
    report.done(rows[:1])
    report.failed(rows[1:3], "restored")
    report.failed(rows[3:4], "mail_refused")
    assert box.discard(code="restored") == 2
    assert box.discard(rows) == 1
    assert [code_of(city_on, row) for row in rows] == [None, *["discarded"] * 3, None]
    assert box.failed() == []
    assert box.retry() == 0
    assert box.standing() == [(KIND, False, 1, int(city_on.clock()))]


def test_those_of_one_code_are_tried_again_and_the_others_stay(city_on: City, box: Outbox) -> None:
    rows = notes(city_on, 3)
    report = box.report(claimed(box), LEASE)
    report.failed(rows[:2], "mail_refused")
    report.failed(rows[2:], "restored")
    assert box.retry(code="mail_refused") == 2
    assert [found["id"] for found in box.failed()] == rows[2:]


def test_what_a_paused_campaign_keeps_waits_as_paused_whatever_failed_before(city_on: City, box: Outbox) -> None:
    notes(city_on, 2)
    fails(box)
    parks(city_on)
    [(_, found)] = box.waiting().items()
    assert (found["rows"], found["codes"]) == (2, {"paused": 2})


def test_what_is_released_is_due_in_a_second_and_other_claims_stay(city_on: City, box: Outbox) -> None:
    rows = notes(city_on, 8)
    first, second, other, parked = (box.claim(KIND, 2, LEASE, mark=mark) for mark in ("a1", "a1", "b2", "a1"))
    assert first and second and other and parked
    with write_transaction(city_on.office.engine) as connection:
        connection.execute(update(outbox).where(outbox.c.claim == parked).values(due_at=outbox.c.due_at + PARKED))
    assert box.release("a1", {second}) == 4
    assert box.due() == set()
    city_on.later(seconds=1)
    assert [errand.id for errand in box.held(claimed(box))] == rows[:2]
    assert [errand.id for errand in box.held(second) + box.held(other)] == rows[2:6]
