"""A campaign goes through kills: of a worker, of the issuing service, of PostgreSQL. Nothing is lost or doubled."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import func, select

from issuers.carrier_models import print_letters
from issuers.models import audit, outbox
from tests.flow.stage import WITHOUT_MAIL, Server, Stage, until
from tests.issuers.wallets.iphone import IPhone
from web.database import read_transaction

STRESS = bool(os.environ.get("WALLETPASS_STRESS"))
PASSES, PHONES = (20_000, 20_000) if STRESS else (2_000, 500)

SOME = 240


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as running:
        yield running


@pytest.fixture
def server(running: ExitStack) -> Server:
    server = Server(Path(running.enter_context(TemporaryDirectory(prefix="walletpass-postgresql-"))))
    running.callback(server.stop)
    return server


def open_rows(stage: Stage) -> int:
    with read_transaction(stage.office.engine) as connection:
        rows = (
            select(func.count()).select_from(outbox).where(outbox.c.done_at.is_(None), outbox.c.kind != "publish-list")
        )
        return connection.scalar(rows) or 0


def test_on_sqlite_a_worker_goes_on_with_what_it_held_when_it_was_killed(
    tmp_path: Path, key_folder_of_today: Path, running: ExitStack
) -> None:
    stage = Stage(tmp_path / "home", key_folder_of_today, "", running)
    stage.starts("issuer", "serve", "issuer")
    passes = stage.grants(SOME)
    phones = stage.phones(passes[: SOME // 4])
    for name in ("worker-a", "worker-b"):
        stage.starts(name, "serve", "worker")
    end = stage.today + timedelta(days=395)
    with stage.awake(phones):
        stage.starts_campaign(stage.renewals(SOME, end))
        until(lambda: len(stage.post.mails) >= SOME // 4, "no mail")
        for name in ("worker-a", "worker-b"):
            stage.kills(name)
            stage.starts(name, "serve", "worker")
        until(lambda: open_rows(stage) == 0, "what was to be done is not done")
        until(lambda: all(current(phone, f"{end}") for phone in phones), "not every phone is current")
    assert_everybody_was_told_once(stage, SOME)


def test_after_kills_every_phone_is_current_and_nobody_is_told_twice(
    tmp_path: Path, key_folder_of_today: Path, server: Server, running: ExitStack
) -> None:
    stage = Stage(tmp_path / "home", key_folder_of_today, server.url, running)
    stage.starts("issuer", "serve", "issuer")
    passes = stage.grants(PASSES)
    phones = stage.phones(passes[:PHONES])
    stage.office.offer([each.serial for each in passes], "google", "", stage.office.order("test"))
    for name in ("worker-a", "worker-b"):
        stage.starts(name, "serve", "worker")
    until(lambda: open_rows(stage) == 0, "what was offered is not at Google")
    end = stage.today + timedelta(days=395)
    before = stage.google.requests.total()

    with stage.awake(phones):
        stage.starts_campaign(stage.renewals(PASSES, end))
        until(lambda: len(stage.pushes.received) >= PHONES // 8, "no push")
        stage.kills("worker-a")
        if not STRESS:  # else what it held is taken over when its lease ends
            stage.starts("worker-a", "serve", "worker")
        until(lambda: len(stage.pushes.received) >= PHONES // 4, "no push after a worker died")
        server.kill()
        until(lambda: stage.google.requests.total() - before >= PASSES // 3, "nothing at Google after PostgreSQL died")
        stage.kills("issuer")
        stage.starts("issuer", "serve", "issuer")
        if STRESS:
            stage.starts("worker-a", "serve", "worker")
        until(lambda: len(stage.post.mails) >= PASSES // 2, "no mail")
        stage.kills("worker-b")
        if not STRESS:
            stage.starts("worker-b", "serve", "worker")
        until(lambda: open_rows(stage) == 0, "what was to be done is not done")
        until(lambda: all(current(phone, f"{end}") for phone in phones), "not every phone is current")

    assert_google_is_current(stage, f"{end}", len(passes))
    assert_every_phone_was_pushed(stage, phones)
    assert_everybody_was_told_once(stage, PASSES)
    with read_transaction(stage.office.engine) as connection:
        renewed = Counter(connection.scalars(select(audit.c.serial).where(audit.c.action == "renew")))
    assert renewed == Counter(each.serial for each in passes)
    assert stage.office.outbox.failed() == []
    assert_logs_are_silent_about_people(stage, phones)


def current(phone: IPhone, end: str) -> bool:
    [held] = phone.passes.values()
    return end in str(held.json)


def assert_google_is_current(stage: Stage, end: str, count: int) -> None:
    ends = Counter(found["validTimeInterval"]["end"]["date"][:10] for found in stage.google.objects.values())
    assert ends == {end: count}
    told = Counter(tuple(stage.google.messages_notified(name)) for name in stage.google.objects)
    assert told == {(f"renewed-{end}",): count}
    assert stage.google.problems == []


def assert_every_phone_was_pushed(stage: Stage, phones: list[IPhone]) -> None:
    pushed = stage.pushes.tokens()
    assert pushed.keys() == {phone.push_token for phone in phones}
    assert pushed.total() <= len(phones) + 6 * 500, "at a kill, what a batch or two held is pushed again"


def assert_everybody_was_told_once(stage: Stage, count: int) -> None:
    by_resident: dict[str, list[str]] = {}
    for mail in stage.post.mails:
        by_resident.setdefault(mail.to[0], []).append(str(mail.message["Message-ID"]))
    assert len(by_resident) == count - count // WITHOUT_MAIL
    assert all(len(set(names)) == 1 for names in by_resident.values()), "a repeated mail has the same Message-ID"
    repeated = sum(len(names) - 1 for names in by_resident.values())
    assert repeated <= 4, "only what was in flight at a kill"
    with read_transaction(stage.office.engine) as connection:
        letters = Counter(connection.scalars(select(print_letters.c.serial)))
    assert len(letters) == count // WITHOUT_MAIL
    assert set(letters.values()) == {1}


def assert_logs_are_silent_about_people(stage: Stage, phones: list[IPhone]) -> None:
    logs = stage.logs()
    assert "worker_started" in logs
    for secret in ("Müller", "M\\u00fcller", "@example.org", "Bilker", "BP-0", "WP1:"):
        assert secret not in logs
    for phone in phones[:100]:
        [held] = phone.passes.values()
        assert phone.push_token not in logs
        assert str(held.json["authenticationToken"]) not in logs
