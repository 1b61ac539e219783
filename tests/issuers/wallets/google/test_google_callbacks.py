"""Google's word on what people save and remove: believed when Google signed it, once, and only about our passes."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Lock, Thread
from typing import Any

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from issuers.carrier_models import copies, google_nonces
from issuers.wallets.google import callbacks
from issuers.wallets.google.root_keys import KeysUnavailable, RootKeys
from tests.city import Clock
from tests.issuers.api.conftest import Serve, Service
from tests.issuers.wallets.google.conftest import Google
from tests.issuers.wallets.google_callbacks import PROTOCOL, CallbackSigner
from walletpass.passes import Pass
from web.database import read_transaction

PERMIT, PATH = "resident_parking_permit", "/google/callback"
LATER = 3 * 86400


@dataclass
class KeyServer:
    """Google's address of the root keys; what it answers can be changed."""

    body: bytes = b"{}"
    status: int = 200
    cache_control: str = "public, max-age=3600"
    asked: int = 0
    address: str = ""
    hold: Event = field(default_factory=Event)

    @contextmanager
    def serving(self) -> Iterator[KeyServer]:
        outer = self
        outer.hold.set()

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                outer.hold.wait(30)
                self.send_response(outer.status)
                self.send_header("Cache-Control", outer.cache_control)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *arguments: Any) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Answers)
        self.address = f"http://127.0.0.1:{server.server_port}/keys"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield self
        self.hold.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def key_server() -> Iterator[KeyServer]:
    with KeyServer().serving() as server:
        yield server


@dataclass
class Side:
    """The city's service and the Google that calls it back."""

    google: Google
    service: Service
    signer: CallbackSigner
    keys: KeyServer
    permit: Pass

    def message(self, event: str = "save", **changed: Any) -> dict[str, Any]:
        issuer_id = self.google.city.settings.google_issuer_id
        return {
            "classId": f"{issuer_id}.{PERMIT}.1",
            "objectId": f"{issuer_id}.{self.permit.serial}",
            "eventType": event,
            "expTimeMillis": int((self.google.city.clock() + 3600) * 1000),
            "nonce": secrets.token_hex(18),
            **changed,
        }

    def post(self, envelope: dict[str, Any] | bytes) -> Any:
        content = envelope if isinstance(envelope, bytes) else json.dumps(envelope).encode()
        return self.service.client.post(PATH, content=content)

    def sends(self, event: str = "save", **changed: Any) -> Any:
        return self.post(self.signer.envelope(self.message(event, **changed)))

    def heard(self) -> tuple[int | None, int | None]:
        """When the pass was saved, and removed."""
        query = select(copies.c.saved_at, copies.c.removed_at).where(copies.c.serial == self.permit.serial)
        with read_transaction(self.google.city.office.engine) as connection:
            row = connection.execute(query).one()
            return row.saved_at, row.removed_at


def make_side(google: Google, serve: Serve, keys: KeyServer) -> Side:
    signer = CallbackSigner(google.city.settings.google_issuer_id, google.city.clock() + LATER)
    keys.body = json.dumps(signer.keys()).encode()
    return Side(google, serve(google.city), signer, keys, google.saves())


@pytest.fixture
def side(make_google: Callable[..., Google], serve: Serve, key_server: KeyServer) -> Side:
    """On SQLite."""
    return make_side(make_google(google_callback_keys_url=key_server.address), serve, key_server)


@pytest.fixture
def side_on(make_google: Callable[..., Google], on_either: dict[str, Any], serve: Serve, key_server: KeyServer) -> Side:
    """Once on SQLite and once on PostgreSQL."""
    return make_side(make_google(google_callback_keys_url=key_server.address, **on_either), serve, key_server)


def test_saving_and_removing_is_noted_with_its_time(side_on: Side) -> None:
    city = side_on.google.city
    began = int(city.clock())
    assert side_on.sends("save").status_code == 200
    saved_at, removed_at = side_on.heard()
    assert (saved_at - began, removed_at) == (pytest.approx(0, abs=60), None)
    city.later(minutes=5)
    assert side_on.sends("del").status_code == 200
    assert side_on.heard() == (saved_at, pytest.approx(began + 300, abs=60))
    city.later(minutes=5)
    assert side_on.sends("save").status_code == 200
    assert side_on.heard() == (pytest.approx(began + 600, abs=60), None)
    assert side_on.keys.asked == 1


def test_what_comes_twice_counts_once(side_on: Side) -> None:
    city = side_on.google.city
    saved, removed = (side_on.signer.envelope(side_on.message(event)) for event in ("save", "del"))
    for envelope in (saved, removed):
        assert side_on.post(envelope).status_code == 200
        city.later(minutes=1)
    before = side_on.heard()
    assert side_on.post(saved).status_code == 200, "Google asks again when it did not hear us"
    assert side_on.heard() == before


def test_an_ended_copys_phone_is_heard_too(side: Side) -> None:
    side.google.city.withdraws(side.permit, "google")
    assert side.sends("del").status_code == 200
    assert side.heard()[1]


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"[]", "callback_malformed"), (b"[" * 10_000, "callback_malformed"), (None, "callback_forged")],
)
def test_what_google_did_not_say_is_refused(content: bytes | None, code: str, side: Side) -> None:
    stranger = CallbackSigner(side.signer.issuer_id, side.signer.until)
    answer = side.post(content or stranger.envelope(side.message()))
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert side.heard() == (None, None)
    assert side.keys.asked == 1


def test_an_object_that_is_not_ours_is_refused(side_on: Side) -> None:
    serial = side_on.permit.serial
    for suffix in ("0" * 20, "", "a/b", "\x00", "x" * 80, "ü", f"{serial}-2", f"{serial}-1", f"{serial}-01"):
        answer = side_on.sends(objectId=f"{side_on.signer.issuer_id}.{suffix}")
        assert (answer.status_code, answer.json()["code"]) == (404, "callback_object_unknown"), suffix


def test_ids_of_another_issuer_or_class_are_refused(side: Side) -> None:
    assert side.sends(objectId=f"1.{side.permit.serial}").status_code == 404
    assert side.sends(classId=f"{side.signer.issuer_id}.library_card.1").status_code == 404
    assert side.heard() == (None, None)


def test_a_callback_is_good_until_its_end_and_a_clock_that_jumps_back_lets_nothing_in_twice(side: Side) -> None:
    city = side.google.city
    envelope = side.signer.envelope(side.message())
    assert side.post(envelope).status_code == 200
    before = side.heard()
    city.later(hours=2)
    assert side.post(envelope).json()["code"] == "callback_expired"
    city.later(days=2)
    assert side.sends().status_code == 200, "which forgets old nonces"
    city.later(days=-2, hours=-2)
    city.later(minutes=1)
    after = side.heard()
    assert side.post(envelope).status_code == 200
    assert side.heard() == after != before


def test_nonces_are_forgotten_a_week_after_their_end(side_on: Side) -> None:
    side_on.signer.until += 100 * 86400
    side_on.keys.body = json.dumps(side_on.signer.keys()).encode()
    for _ in range(3):
        assert side_on.sends().status_code == 200
        side_on.google.city.later(days=8)
    with read_transaction(side_on.google.city.office.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(google_nonces)) == 1


@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (200, b"<html>"), (200, b'{"keys": []}')])
def test_without_keys_google_is_asked_to_try_again(status: int, body: bytes, side: Side) -> None:
    side.keys.status, side.keys.body = status, body
    answers = [side.sends() for _ in range(3)]
    assert {answer.status_code for answer in answers} == {503}
    assert answers[0].json()["code"] == "google_keys_unavailable"
    assert int(answers[0].headers["retry-after"]) > 0
    assert side.keys.asked == 1, "strangers cannot make us ask more often"


def test_a_root_key_that_is_new_is_fetched_when_the_old_do_not_fit(key_server: KeyServer) -> None:
    elapsed = Clock()
    first, second = (CallbackSigner("1", elapsed() + LATER) for _ in range(2))
    key_server.body = json.dumps(first.keys()).encode()
    keys = RootKeys(key_server.address, elapsed)
    known = keys.current()
    key_server.body = json.dumps(second.keys()).encode()
    assert keys.current(anew=True) == known, "not again so soon"
    elapsed.sleep(301)
    assert keys.current() == known
    assert keys.current(anew=True) != known
    assert key_server.asked == 2


@pytest.mark.parametrize(
    ("cache_control", "kept"),
    [("max-age=3600", 3600), ("public, max-age=10", 300), ("no-store", 300), ("max-age=99999999", 86400)],
)
def test_keys_are_kept_as_long_as_google_says_within_bounds(
    cache_control: str, kept: int, key_server: KeyServer
) -> None:
    elapsed = Clock()
    key_server.cache_control = cache_control
    key_server.body = json.dumps(CallbackSigner("1", elapsed() + LATER).keys()).encode()
    keys = RootKeys(key_server.address, elapsed)
    keys.current()
    elapsed.sleep(kept - 1)
    keys.current()
    assert key_server.asked == 1
    elapsed.sleep(2)
    keys.current()
    assert key_server.asked == 2


def test_while_one_fetches_the_keys_nobody_else_waits(key_server: KeyServer) -> None:
    key_server.hold.clear()
    key_server.body = json.dumps(CallbackSigner("1", Clock()() + LATER).keys()).encode()
    keys = RootKeys(key_server.address)
    found: list[object] = []
    thread = Thread(target=lambda: found.append(keys.current()))
    thread.start()
    while not key_server.asked:
        thread.join(0.01)
    with pytest.raises(KeysUnavailable):
        keys.current()
    key_server.hold.set()
    thread.join()
    assert found and keys.current()


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For each look at a callback's signatures, how many were going on."""
    counts: list[int] = []
    going_on, lock, look = [0], Lock(), callbacks.verified

    def add(number: int) -> int:
        with lock:
            going_on[0] += number
            return going_on[0]

    def counting(*arguments: Any) -> Any:
        counts.append(add(1))
        Event().wait(0.02)
        try:
            return look(*arguments)
        finally:
            add(-1)

    monkeypatch.setattr(callbacks, "verified", counting)
    return counts


def test_what_strangers_sign_is_looked_at_a_second_time_with_other_keys_only(side: Side, looked_at: list[int]) -> None:
    stranger = CallbackSigner(side.signer.issuer_id, side.signer.until)
    assert side.post(stranger.envelope(side.message())).json()["code"] == "callback_forged"
    assert len(looked_at) == 1


def test_no_more_than_two_callbacks_are_looked_at_together(side: Side, looked_at: list[int]) -> None:
    side.sends()  # which fetches the keys
    envelopes = [side.signer.envelope(side.message()) for _ in range(12)]
    with ThreadPoolExecutor(12) as together:
        statuses = {answer.status_code for answer in together.map(side.post, envelopes)}
    assert statuses == {200}
    assert len(looked_at) == 13 and max(looked_at) <= 2


def test_a_body_beyond_16_kb_is_not_looked_at(side: Side) -> None:
    answer = side.post(b" " * (17 << 10))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert side.keys.asked == 0


def test_callers_are_counted_by_address(
    make_google: Callable[..., Google], serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "PER_MINUTE", 5)
    client = serve(make_google().city).client
    statuses = [client.post(PATH, content=b"x" * (17 << 10)).status_code for _ in range(6)]
    assert statuses == [413] * 5 + [429]


def test_where_nothing_is_asked_of_google_nothing_is_heard_from_it(
    make_google: Callable[..., Google], serve: Serve
) -> None:
    google = make_google(google_api_url="")
    assert serve(google.city).client.post(PATH, content=b"{}").status_code == 404


def test_logs_tell_what_was_refused_and_of_whom_nothing(side: Side) -> None:
    with capture_logs() as logs:
        side.sends()
        side.post(side.signer.envelope(side.message(), issuer_id="2"))
    lines = [repr(line) for line in logs]
    assert any("callback_forged" in line for line in lines)
    assert not any(side.permit.serial in line or PROTOCOL in line for line in lines)
