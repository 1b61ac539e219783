"""What the running service does by itself, and what it survives."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from issuers import lifecycle
from issuers.lifecycle import Action
from issuers.models import outbox
from issuers.publisher import Publisher
from keys.key_ring import KeyRing
from keys.signer import Role
from tests.city import City
from tests.issuers.api.conftest import Serve, Service
from web.database import read_transaction, write_transaction


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def no_room(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_keeps_the_change_and_publishes_it_later(
    city: City, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = serve(city, upkeep_interval=0.05)
    serial = service.creates().json()["serial"]
    text = service.changes(serial, "offers", {"wallet": "qr"}).text
    before = service.client.get("/status/1").content
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", no_room)
        answer = service.changes(serial, "revocations", {"reason": "fraud"}, headers={"Idempotency-Key": "k"})
        assert (answer.status_code, answer.json()["code"]) == (503, "publish_failed")
        assert service.call("GET", f"/api/v1/passes/{serial}").json()["status"] == "revoked"
        assert service.client.get("/status/1").content == before
        assert city.inspector_sees(text).outcome == "accepted"
        with capture_logs() as logs:
            until(lambda: len(logs) > 1)  # the upkeep fails too, says so by the code, and goes on
        told = {"event": "upkeep_failed", "what": "publish_changes", "code": "publish_failed"}
        assert told.items() <= logs[0].items()
    until(lambda: service.client.get("/status/1").content != before)
    assert city.inspector_sees(text).reason == "revoked"
    again = service.changes(serial, "revocations", {"reason": "fraud"}, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()["status"]) == (200, "revoked")


def test_changes_of_a_process_that_died_before_publishing_are_published(city: City, serve: Serve) -> None:
    permit = city.grants("resident_parking_permit")
    text = city.qr(permit)
    with write_transaction(city.office.engine) as connection:
        lifecycle.set_status(connection, [permit.serial], Action.REVOKE, city.order())
    assert city.inspector_sees(text).outcome == "accepted"
    serve(city)
    until(lambda: city.inspector_sees(text).reason == "revoked")


def test_everything_is_signed_anew_when_it_is_due(city: City, serve: Serve) -> None:
    service = serve(city, upkeep_interval=0.05)
    before = {path: service.client.get(path).content for path in ("/status/1", "/published/trust-list.jwt")}
    time.sleep(0.2)
    assert service.client.get("/status/1").content == before["/status/1"]
    city.later(seconds=city.settings.resign_interval)
    for path, content in before.items():
        until(lambda path=path, content=content: service.client.get(path).content != content)  # type: ignore[misc]


def test_many_changes_at_once_share_few_publishing_runs(city: City) -> None:
    runs: list[int] = []
    running = threading.Lock()

    def publish() -> None:
        assert running.acquire(blocking=False), "two runs at once"
        runs.append(threading.get_ident())
        time.sleep(0.05)
        running.release()

    async def story() -> None:
        publisher = Publisher(publish)
        waiting = [asyncio.create_task(publisher.publish()) for _ in range(50)]
        await asyncio.sleep(0.02)  # the first run is under way: it may have missed what is committed now
        late = [asyncio.create_task(publisher.publish()) for _ in range(50)]
        await asyncio.gather(*waiting)
        assert not late[0].done()
        await asyncio.gather(*late)

    asyncio.run(story())
    assert len(runs) == 2


def test_a_run_that_fails_is_told_to_those_who_waited_and_the_next_one_succeeds(city: City) -> None:
    failures = [OSError("no room")]

    def publish() -> None:
        if failures:
            raise failures.pop()

    async def story() -> list[Any]:
        publisher = Publisher(publish)
        first = await asyncio.gather(publisher.publish(), publisher.publish(), return_exceptions=True)
        await publisher.publish()
        return list(first)

    assert [type(outcome) for outcome in asyncio.run(story())] == [OSError, OSError]


def test_concurrent_changes_are_all_published_when_they_are_answered(service_on: Service) -> None:
    serials = [service_on.creates(f"BP-{number}").json()["serial"] for number in range(6)]
    texts = {serial: service_on.changes(serial, "offers", {"wallet": "qr"}).text for serial in serials}
    wrong: list[str] = []

    def revoke(serial: str) -> None:
        answer = service_on.changes(serial, "revocations", {"reason": "a test"})
        if answer.status_code != 200 or service_on.city.inspector_sees(texts[serial]).reason != "revoked":
            wrong.append(answer.text)

    threads = [threading.Thread(target=revoke, args=(serial,)) for serial in serials]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    with read_transaction(service_on.city.office.engine) as connection:
        waiting = select(outbox).where(outbox.c.kind == "publish-list", outbox.c.done_at.is_(None))
        assert connection.execute(waiting).all() == []


def test_the_service_publishes_plate_lists_by_itself(city: City, serve: Serve) -> None:
    before = city.finds("D-AB 1234").outcome
    city.grants("resident_parking_permit", plates=("D-AB 1234",))
    city.later(seconds=city.settings.plate_list_interval + 1)
    serve(city, upkeep_interval=0.05)
    until(lambda: city.plate_lookup().find("D-AB 1234", (), int(city.clock())).outcome == "found")
    assert before == "none"


def test_plate_lists_that_cannot_be_published_stop_nothing_else(
    city: City, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeyRing, "_require_another", lambda *_: None)  # as if it had never been made
    city.office.ring.withdraw(city.office.signer(Role.PLATE_LIST).kid, city.office.now())
    city.later(hours=2)
    with capture_logs() as logs:
        service = serve(city, upkeep_interval=0.05)
        until(lambda: any(log.get("what") == "plate_lists" and log["code"] == "key_not_found" for log in logs))
    text = service.changes(service.creates().json()["serial"], "offers", {"wallet": "qr"}).text
    assert city.inspector_sees(text).outcome == "accepted"
