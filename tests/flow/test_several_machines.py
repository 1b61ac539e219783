"""Two machines that issue, one PostgreSQL, one shared published folder: real processes, killed for real."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import jwt
import psycopg
import pytest
from sqlalchemy import select

from issuers import lifecycle
from issuers.installing import initialise
from issuers.models import outbox, passes, tokens
from issuers.office import Office
from issuers.publication import PUBLISH_LOCK
from issuers.settings import IssuerSettings
from issuers.status_lists import current_array
from tests.city import ANNA
from tests.conftest import new_database
from tests.flow.test_clean_clone import free_port
from verifiers.documents import Folder
from verifiers.published import PublishedDocuments, read_anchor
from verifiers.verification import verify
from walletpass.entitlement import Entitlement
from walletpass.passes import local_day
from walletpass.status import Status
from walletpass.status_token import read_token
from web.database import read_transaction, write_transaction
from web.tokens import TokenStore

TYPE, LISTS = "library_card", ("1", "2")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Machine:
    """One process of ours. `home` has its own copy of the keys; its `published` leads to the shared folder."""

    def __init__(self, what: str, home: Path, environment: dict[str, str]) -> None:
        self.address = f"http://127.0.0.1:{(port := free_port())}"
        variables = {**os.environ, **environment, "WALLETPASS_HOME": str(home), "WALLETPASS_PORT": str(port)}
        self._log = home / f"{what}.log"
        with self._log.open("ab") as log:
            words = [sys.executable, "-m", "walletpass", "serve", what]
            self.process = subprocess.Popen(words, env=variables, stderr=log)
        until(self._is_up)

    def _is_up(self) -> bool:
        assert self.process.poll() is None, self._log.read_text()
        if "worker_started" in self._log.read_text():
            return True
        try:
            with urllib.request.urlopen(self.address + "/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """As a power cut does."""
        self.process.kill()
        self.process.wait()


class Town:
    """The installation that the machines share, as the test itself sees it."""

    def __init__(self, folder: Path, keys: Path, database_url: str) -> None:
        self._folder, self._keys, self._number = folder, keys, 0
        self.home = self.new_home()
        self.variables = {"WALLETPASS_DATABASE_URL": database_url, "WALLETPASS_STATUS_LIST_SIZE": "1024"}
        self.settings = {"home": self.home, "database_url": database_url, "status_list_size": 1024}
        self.office = Office(IssuerSettings(**self.settings))
        initialise(self.office)
        _, self._secret = TokenStore(self.office.engine, tokens).create("test", {("*", "*")}, int(time.time()), 3600)
        self._documents = PublishedDocuments(Folder(self.home / "published"), read_anchor(self.home / "anchor.pem"))

    def new_home(self) -> Path:
        """A machine's own folder: a copy of the keys, and the shared documents."""
        self._number += 1
        home, shared = self._folder / f"machine-{self._number}", self._folder / "shared"
        shutil.copytree(self._keys, home / "issuer")
        shared.mkdir(exist_ok=True)
        (home / "published").symlink_to(shared)
        return home

    @contextmanager
    def machine(self, what: str = "issuer") -> Iterator[Machine]:
        started = Machine(what, self.new_home(), self.variables)
        try:
            yield started
        finally:
            started.kill()

    def cards(self, count: int) -> dict[str, str]:
        """The codes of new cards by serial."""
        today = local_day(self.office.now())
        wanted = [
            Entitlement(
                TYPE, f"D{n:05}", today, today.replace(day=1, year=today.year + 1), {"card_number": f"D{n:05}"}, (ANNA,)
            )
            for n in range(count)
        ]
        order = self.office.order("test", "a test")
        with write_transaction(self.office.engine) as connection:
            serials = [pass_.serial for pass_ in lifecycle.issue(connection, wanted, order)]
        offers = self.office.offer(serials, "qr", "txt", order)
        return {serial: offer.body.decode().strip() for serial, offer in zip(serials, offers, strict=True)}

    def revoke(self, serial: str, machine: Machine) -> int:
        """The status of the answer, which comes when the change is published."""
        request = urllib.request.Request(
            f"{machine.address}/api/v1/passes/{serial}/revocations",
            json.dumps({"reason": "a test"}).encode(),
            {"Authorization": f"Bearer {self._secret}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)

    def inspector_sees(self, code: str) -> str:
        now = int(time.time())
        return verify(code, self._documents.refresh(now), now).reason.value

    def is_stored_as_revoked(self, serial: str) -> bool:
        with read_transaction(self.office.engine) as connection:
            query = select(passes.c.status).where(passes.c.serial == serial)
            return connection.scalars(query).one() == Status.INVALID

    def waits_to_be_published(self) -> int:
        with read_transaction(self.office.engine) as connection:
            query = select(outbox.c.id).where(outbox.c.kind == lifecycle.PUBLISH_LIST, outbox.c.done_at.is_(None))
            return len(connection.execute(query).all())

    @contextmanager
    def nobody_publishes(self) -> Iterator[None]:
        """Holds the publishers' lock: whoever commits now waits before it can publish."""
        url = self.office.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (PUBLISH_LOCK,))
            yield


@pytest.fixture
def town(tmp_path: Path, key_folder_of_today: Path, postgresql: str) -> Town:
    return Town(tmp_path, key_folder_of_today, new_database(postgresql))


def served(machine: Machine) -> list[bytes]:
    """Every list as a machine serves it."""
    tokens = []
    for list_id in LISTS:
        with urllib.request.urlopen(f"{machine.address}/status/{list_id}", timeout=10) as answer:
            tokens.append(statuses(answer.read()))
    return tokens


def issued_at(token: bytes) -> int:
    return int(jwt.decode(token, options={"verify_signature": False})["iat"])


def statuses(raw: bytes) -> bytes:
    believe: Callable[..., None] = lambda *_: None  # noqa: E731
    return bytes(read_token(raw, believe).raw)


def test_a_revocation_at_one_machine_is_served_by_the_other(town: Town) -> None:
    with town.machine() as one, town.machine() as other:
        pairs = ((one, other), (other, one))
        for (serial, code), (asked, serving) in zip(town.cards(2).items(), pairs, strict=True):
            before = served(serving)
            assert town.revoke(serial, asked) == 200
            until(lambda machine=serving, then=before: served(machine) != then)
            assert town.inspector_sees(code) == "revoked"


def test_machines_that_sign_at_once_never_use_a_time_twice(town: Town) -> None:
    """ECDSA signatures are random: two documents with one time would differ."""
    seen: dict[tuple[str, int], set[bytes]] = {}
    order: dict[str, list[int]] = {list_id: [] for list_id in LISTS}
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            for list_id in LISTS:
                token = (town.home / "published" / "status" / list_id).read_bytes()
                seen.setdefault((list_id, issued_at(token)), set()).add(token)
                order[list_id].append(issued_at(token))

    watching = threading.Thread(target=watch)
    watching.start()
    machines = [Office(IssuerSettings(**town.settings | {"home": town.new_home()})) for _ in range(2)]
    with ThreadPoolExecutor(2) as signing:
        done = [signing.submit(machine.publication.publish_all) for machine in machines * 3]
        assert [each.result() for each in done] == [None] * 6
    stop.set()
    watching.join()
    assert all(len(tokens) == 1 for tokens in seen.values())
    assert all(times == sorted(times) for times in order.values())
    assert all(len(set(times)) > 2 for times in order.values())


@pytest.mark.parametrize("survivor", ["issuer", "worker"])
def test_what_a_machine_that_dies_after_its_commit_did_not_publish_another_one_does(town: Town, survivor: str) -> None:
    [(serial, code)] = town.cards(1).items()
    with town.machine(survivor), town.machine() as dying, ThreadPoolExecutor(1) as caller:
        with town.nobody_publishes():
            asked = caller.submit(town.revoke, serial, dying)
            until(lambda: town.is_stored_as_revoked(serial))
            dying.kill()
            assert isinstance(asked.exception(), OSError | http.client.HTTPException), "nobody was told that it is done"
            assert town.inspector_sees(code) == "accepted"
        until(lambda: town.inspector_sees(code) == "revoked")
        until(lambda: town.waits_to_be_published() == 0)


def test_a_hundred_revocations_at_once_over_both_machines_are_all_in_the_lists(town: Town) -> None:
    cards = town.cards(110)
    revoked, left = list(cards)[:100], list(cards)[100:]
    with town.machine() as one, town.machine() as other, ThreadPoolExecutor(20) as callers:
        machines = [one, other] * 50
        assert set(callers.map(town.revoke, revoked, machines)) == {200}
        assert town.waits_to_be_published() == 0
        for list_id in LISTS:
            with read_transaction(town.office.engine) as connection:
                wanted = bytes(current_array(connection, list_id).raw)
            for form in ("", ".jwt", ".cwt"):
                assert statuses((town.home / "published" / "status" / f"{list_id}{form}").read_bytes()) == wanted
        assert {town.inspector_sees(cards[serial]) for serial in revoked} == {"revoked"}
        assert {town.inspector_sees(cards[serial]) for serial in left} == {"accepted"}
