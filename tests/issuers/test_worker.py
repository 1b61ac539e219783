"""Workers over a real engine: what waits is done once, what fails is tried again, what fails for good is kept."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs
from typer.testing import CliRunner

from issuers import lifecycle, repository
from issuers.commands import jobs
from issuers.lifecycle import Action
from issuers.models import outbox
from issuers.outbox import Errand, Outbox, Report
from issuers.tasks import load_tasks
from issuers.worker import WORKERS, Worker, worker_name
from tests.city import City
from walletpass.errors import WalletPassError
from web.database import read_transaction, write_transaction


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def working(worker: Worker) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class Noting:
    """A task that notes what it was given; `fails` is raised while it is set."""

    kind, batch, lease, alone = "test", 3, 60, False

    def __init__(self) -> None:
        self.given: list[str] = []
        self.fails: Exception | None = None
        self.closed = False

    def perform(self, errands: Sequence[Errand], report: Report) -> None:
        if self.fails is not None:
            raise self.fails
        self.given += [errand.subject for errand in errands]
        report.done([errand.id for errand in errands])

    def close(self) -> None:
        self.closed = True


class Later(WalletPassError):
    code = "mail_server_unreachable"


def waiting(city: City) -> int:
    with read_transaction(city.office.engine) as connection:
        return len(connection.execute(select(outbox.c.id).where(outbox.c.done_at.is_(None))).all())


def held(city: City) -> int:
    with read_transaction(city.office.engine) as connection:
        return len(connection.execute(select(outbox.c.id).where(outbox.c.claim.is_not(None))).all())


def notes(city: City, count: int) -> None:
    with write_transaction(city.office.engine) as connection:
        repository.add_outbox(connection, "test", [f"{number:03d}" for number in range(count)], int(city.clock()))


def makes(city: City, task: Noting, name: str = "one") -> Worker:
    return Worker(city.office, name, {**load_tasks(city.office), task.kind: task}, {})


def test_a_worker_does_what_waits(city_on: City) -> None:
    permit = city_on.grants("resident_parking_permit")
    city_on.qr(permit)
    city_on.suspends(permit)
    notes(city_on, 10)
    task = Noting()
    with worker_name(city_on.office) as name, working(makes(city_on, task, name)):
        until(lambda: waiting(city_on) == 0)
    assert sorted(task.given) == [f"{number:03d}" for number in range(10)]
    assert task.closed


def test_what_could_not_be_done_is_tried_again_with_its_code_until_it_can(city_on: City) -> None:
    notes(city_on, 4)
    task = Noting()
    task.fails = Later("The mail server cannot be reached.")
    with working(makes(city_on, task)):
        until(lambda: codes(city_on) == {"mail_server_unreachable"})
        task.fails = ValueError("nobody foresaw this")
        city_on.later(hours=2)
        until(lambda: codes(city_on) == {"internal_error"})
        task.fails = None
        city_on.later(hours=2)
        until(lambda: waiting(city_on) == 0)
    assert sorted(task.given) == ["000", "001", "002", "003"]


class Intruding(Outbox):
    """Whenever somebody looks at what a claim holds, another worker asks for rows right afterwards."""

    taken: str | None = None

    def held(self, claim: str) -> list[Errand]:
        found = super().held(claim)
        self.taken = self.taken or self.claim("test", 3, 60)
        return found


def test_a_claim_that_waited_longer_than_its_lease_is_performed_by_one_worker(city_on: City) -> None:
    box = Intruding(city_on.office.engine, city_on.clock)
    vars(city_on.office)["outbox"] = box
    task = Noting()
    worker = makes(city_on, task)
    notes(city_on, 3)
    first = box.claim("test", 3, 60)
    assert first
    city_on.later(seconds=61)
    worker.perform("test", first)
    assert (len(task.given), box.taken) == (3, None)
    notes(city_on, 3)
    second = box.claim("test", 3, 60)
    assert second
    city_on.later(seconds=61)
    assert box.claim("test", 3, 60)
    worker.perform("test", second)
    assert len(task.given) == 3
    worker.engine.stop()


class Unreachable(Outbox):
    """A database that is gone for a while."""

    gone = False

    def held(self, claim: str) -> list[Errand]:
        if self.gone:
            raise OperationalError("SELECT", {}, ConnectionError("the server closed the connection"))
        return super().held(claim)


def test_what_could_not_be_reported_is_given_back_before_its_lease_ends(city_on: City) -> None:
    box = Unreachable(city_on.office.engine, city_on.clock)
    vars(city_on.office)["outbox"] = box
    notes(city_on, 3)
    box.gone = True
    task = Noting()
    with working(makes(city_on, task)), capture_logs() as logs:
        until(lambda: "work_not_reported" in {each["event"] for each in logs})
        until(lambda: held(city_on) == 0)
        assert task.given == []
        box.gone = False
        city_on.later(seconds=1)
        until(lambda: waiting(city_on) == 0)
    assert sorted(task.given) == ["000", "001", "002"]


def test_what_was_claimed_right_before_a_kill_is_done_as_soon_as_a_worker_of_that_name_starts(city_on: City) -> None:
    """Claimed, and not yet told to the engine: nobody knows of it but the row."""
    notes(city_on, 6)
    task = Noting()
    for name in ("one", "two"):
        makes(city_on, task, name).engine.stop()
        mark = (city_on.settings.issuer_home / WORKERS / f"{name}.mark").read_text()
        assert city_on.office.outbox.claim("test", task.batch, task.lease, mark=mark)
    with working(makes(city_on, task)):
        until(lambda: held(city_on) == 3)
        city_on.later(seconds=30)
        until(lambda: len(task.given) == 3)
        time.sleep(1)
        assert sorted(task.given) == ["000", "001", "002"], "another worker's lease has not ended"
        city_on.later(seconds=31)
        until(lambda: waiting(city_on) == 0)


def codes(city: City) -> set[str | None]:
    with read_transaction(city.office.engine) as connection:
        return set(connection.scalars(select(outbox.c.code).where(outbox.c.kind == "test")))


def test_a_change_that_nobody_published_is_published_by_a_worker(city_on: City) -> None:
    permit = city_on.grants("resident_parking_permit")
    text = city_on.qr(permit)
    with write_transaction(city_on.office.engine) as connection:
        lifecycle.set_status(connection, [permit.serial], Action.REVOKE, city_on.order())
    assert city_on.inspector_sees(text).outcome == "accepted"
    with working(makes(city_on, Noting())):
        until(lambda: city_on.inspector_sees(text).reason == "revoked")


def test_a_dead_worker_frees_its_name_and_a_running_one_keeps_it(city: City) -> None:
    with worker_name(city.office) as first:
        with worker_name(city.office) as second:
            assert first != second
        with worker_name(city.office) as third:
            assert third == second
    with worker_name(city.office) as again:
        assert again == first


def test_what_a_set_time_says_is_done(city: City) -> None:
    done = threading.Event()
    worker = Worker(city.office, "one", {}, {"each_second": ("* * * * * *", done.set)})
    with working(worker):
        assert done.wait(60)


def test_jobs_are_listed_and_tried_again(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    notes(city, 2)
    claim = city.office.outbox.claim("test", 1, 60)
    assert claim
    [errand] = city.office.outbox.held(claim)
    city.office.outbox.report(claim, 60).failed([errand.id], "address_refused")
    monkeypatch.setenv("WALLETPASS_HOME", str(city.settings.home))
    runner = CliRunner()
    shown = runner.invoke(jobs.app, ["list", "--json"])
    assert shown.exit_code == 1
    told = json.loads(shown.stdout)
    assert told["waiting"]["test"]["rows"] == 1
    assert [(row["id"], row["code"]) for row in told["failed"]] == [(errand.id, "address_refused")]
    assert "address_refused" in runner.invoke(jobs.app, ["list"]).stdout
    assert runner.invoke(jobs.app, ["retry"]).exit_code == 2
    assert runner.invoke(jobs.app, ["retry", str(errand.id + 999)]).exit_code == 1
    assert runner.invoke(jobs.app, ["retry", "--all"]).exit_code == 0
    assert runner.invoke(jobs.app, ["list", "--json"]).exit_code == 0


def test_jobs_are_let_rest_by_number_or_by_code(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    notes(city, 3)
    claim = city.office.outbox.claim("test", 3, 60)
    assert claim
    rows = [errand.id for errand in city.office.outbox.held(claim)]
    city.office.outbox.report(claim, 60).failed(rows, "restored")
    monkeypatch.setenv("WALLETPASS_HOME", str(city.settings.home))
    runner = CliRunner()
    for words, exit_code, told in (
        ([], 2, "Name the jobs"),
        ([str(rows[0]), "--code", "restored"], 2, "Name the jobs"),
        ([str(rows[0])], 0, "Will never be done: 1."),
        ([str(rows[0])], 1, "Will never be done: 0."),
        (["--code", "restored"], 0, "Will never be done: 2."),
        (["--code", "restored"], 1, "Will never be done: 0."),
    ):
        shown = runner.invoke(jobs.app, ["discard", *words])
        assert (shown.exit_code, told in shown.output) == (exit_code, True), shown.output
    assert runner.invoke(jobs.app, ["list"]).exit_code == 0
