"""Requests that take so long that another worker takes over: an older state never has the last word at Google."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from bench import sizing
from issuers.reminders import give_reminders
from issuers.task import Task
from issuers.tasks import load_tasks
from issuers.wallets.google import updates
from tests.city import City
from tests.issuers.outbox_work import performs
from tests.issuers.wallets.google.conftest import ADD_MESSAGE, INSERT, Google
from walletpass.passes import Pass

PERMIT = "resident_parking_permit"
KIND = updates.UPDATE


@contextmanager
def another_worker(city: City) -> Iterator[Task]:
    tasks = load_tasks(city.office)
    yield tasks[KIND]
    for task in tasks.values():
        task.close()


def once(google: Google, starting: str, happens: Callable[[], None]) -> None:
    """Have something happen while the next request of that kind is on its way."""

    def on_its_way(request: str) -> None:
        if request.startswith(starting):
            google.emulator.on_its_way = lambda _: None
            happens()

    google.emulator.on_its_way = on_its_way


def claimed(google: Google) -> str | None:
    task = google.tasks[KIND]
    return google.city.office.outbox.claim(KIND, task.batch, task.lease, alone=task.alone)


def tells(google: Google) -> None:
    """One claim is performed."""
    box, task, claim = google.city.office.outbox, google.tasks[KIND], claimed(google)
    assert claim is not None
    task.perform(box.held(claim), box.report(claim, task.lease))


def lease_ends(google: Google) -> None:
    google.city.later(seconds=google.tasks[KIND].lease + 1)


def test_a_write_that_lands_after_a_newer_one_is_put_right(google_on: Google) -> None:
    google, city = google_on, google_on.city
    permit = google.saves()
    states: list[str] = []

    def suspended_and_told_by_another() -> None:
        lease_ends(google)
        city.suspends(permit)
        with another_worker(city) as task:
            performs(city, "update-carriers")
            performs(city, KIND, task)
        states.append(google.object(permit.serial)["state"])

    city.renews(permit, city.stored(permit).valid_until + timedelta(days=100))
    performs(city, "update-carriers")
    once(google, "PATCH genericObject", suspended_and_told_by_another)
    tells(google)
    assert states == ["INACTIVE"]
    assert google.object(permit.serial)["state"] == "ACTIVE", "the older state has landed last"
    assert google.count(ADD_MESSAGE) == 0, "and its message was not sent any more"
    google.work()
    assert google.object(permit.serial)["state"] == "INACTIVE"
    assert "barcode" not in google.object(permit.serial)


def test_a_copy_that_ended_meanwhile_dies_although_an_older_write_landed_last(google: Google) -> None:
    city, permit = google.city, google.saves()

    def ended_and_told_by_another() -> None:
        lease_ends(google)
        city.withdraws(permit, "google")
        city.later(seconds=1)
        with another_worker(city) as task:
            performs(city, "update-carriers")
            performs(city, KIND, task)

    city.amends(permit, plates=("D-NEU 77",))
    once(google, "PATCH genericObject", ended_and_told_by_another)
    google.work()
    assert google.object(permit.serial)["state"] == "INACTIVE"


def test_nobody_is_told_any_more_when_another_worker_has_the_rows(google: Google) -> None:
    google.saves()
    city = google.city
    serials = [city.grants(PERMIT).serial for _ in range(30)]
    city.office.offer(serials, "google", "", city.order())
    performs(city, "update-carriers")
    taken: list[str | None] = []

    def taken_over() -> None:
        lease_ends(google)
        taken.append(claimed(google))

    once(google, "POST genericObject", taken_over)
    tells(google)
    assert taken != [None]
    assert google.count(INSERT) < 1 + 25, "those on their way, and no others"
    lease_ends(google)
    google.work()
    assert google.emulator.objects.keys() >= set(serials)


def test_the_lease_is_renewed_while_a_request_is_slow(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updates, "RENEWED_EVERY", 0.01)
    permit, lease = google.saves(), google.tasks[KIND].lease
    found: list[str | None] = []

    def slow() -> None:
        for _ in range(3):
            google.city.later(seconds=lease - 20)
            until = google.city.clock() + lease
            deadline = time.monotonic() + 60
            while due_at(google) < until and time.monotonic() < deadline:
                time.sleep(0.01)
            found.append(claimed(google))

    google.city.suspends(permit)
    once(google, "PATCH genericObject", slow)
    google.work()
    assert found == [None] * 3
    assert google.object(permit.serial)["state"] == "INACTIVE"


def due_at(google: Google) -> int:
    with google.city.office.engine.connect() as connection:
        query = f"SELECT max(due_at) FROM outbox WHERE kind = '{KIND}' AND done_at IS NULL"
        return int(connection.exec_driver_sql(query).scalar() or 0)


def test_one_renewal_costs_as_many_requests_as_the_forecast_counts(google: Google) -> None:
    city = google.city
    permit = city.grants(PERMIT, valid_until=city.today + timedelta(days=70))
    city.offers(permit, "google")
    city.later(minutes=1)
    google.work()
    assert cost(google, lambda: city.amends(permit, plates=("D-NEU 77",))) == sizing.GOOGLE_CHANGE
    assert cost(google, lambda: renews(google, permit)) == sizing.GOOGLE_NOTICE
    city.later(days=(city.stored(permit).valid_until - city.today).days - 59)
    google.saves()  # which gets a token of that day
    assert cost(google, lambda: give_reminders(city.office)) == sizing.GOOGLE_NOTICE
    assert cost(google, lambda: renews(google, permit)) == sizing.GOOGLE_RENEWAL, "the reminder is taken away"


def cost(google: Google, happens: Callable[[], object]) -> int:
    before = google.emulator.requests.total()
    happens()
    google.work()
    return google.emulator.requests.total() - before


def renews(google: Google, permit: Pass) -> None:
    google.city.renews(permit, google.city.stored(permit).valid_until + timedelta(days=10))
