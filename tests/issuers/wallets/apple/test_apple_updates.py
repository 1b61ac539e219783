"""Pushes over HTTP/2 and TLS with client certificates, to a server that answers each thing that Apple documents."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from issuers.wallets.apple import pushes, updates
from issuers.wallets.apple.pushes import Pushes
from keys.issuing import make_apple_like_chain, new_rsa_key
from keys.signer import Role
from tests.city import City
from tests.issuers.api.conftest import Serve
from tests.issuers.wallets.apple.phones import NEXT_ATTEMPT, PERMIT, Street, chain_file, left, tasks_of, tells, works
from tests.issuers.wallets.iphone import IPhone
from tests.issuers.wallets.push_server import PushServer, Say
from walletpass.passes import Pass


def test_a_change_is_pushed_to_every_phone_and_each_fetches_it(street_on: Street, apple: PushServer) -> None:
    permit, phones = street_on.resident(phones=3)
    _, others = street_on.resident()
    street_on.city.suspends(permit)
    tells(street_on.city)
    assert apple.tokens() == {phone.push_token: 1 for phone in phones}
    assert all(phone.is_pushed() == ["Neuer Status: Ausgesetzt"] for phone in phones)
    assert others[0].is_pushed() == []
    assert left(street_on.city) == []


def test_a_push_is_what_apple_documents(street: Street, apple: PushServer) -> None:
    permit, _ = street.resident()
    street.city.suspends(permit)
    tells(street.city)
    [push] = apple.received
    assert push.body == b"{}"
    assert push.headers["apns-topic"] == street.city.settings.apple_pass_type_identifier
    assert (push.headers["apns-push-type"], push.headers["apns-priority"]) == ("background", "5")
    assert int(push.headers["apns-expiration"]) > street.city.clock()
    assert permit.serial not in str(push)


def test_a_phone_with_many_passes_is_pushed_once(street: Street, apple: PushServer) -> None:
    phone = IPhone(street.client)
    permits = [street.city.grants(PERMIT) for _ in range(5)]
    for permit in permits:
        phone.adds(street.city.offers(permit, "apple").body)
        street.city.suspends(permit)
    tells(street.city)
    assert apple.tokens() == {phone.push_token: 1}
    assert len(phone.is_pushed()) == 5


def test_one_connection_is_kept_over_batches_and_made_anew_when_it_was_closed(
    street: Street, apple: PushServer
) -> None:
    permit, _ = street.resident()
    with tasks_of(street.city) as tasks:
        for change in (street.city.suspends, street.city.reinstates, street.city.suspends):
            change(permit)
            works(street.city, tasks)
        assert (apple.connections, len(apple.received)) == (1, 3)
        apple.hang_up()
        street.city.revokes(permit)
        works(street.city, tasks)
    assert (apple.connections, len(apple.received)) == (2, 4)
    assert left(street.city) == []


def test_many_pushes_share_the_connection_even_when_the_server_allows_few_at_once(
    street: Street, apple: PushServer
) -> None:
    apple.streams = 7
    phones = _suspended(street, 40)
    tells(street.city)
    assert apple.tokens() == {phone.push_token: 1 for phone in phones}
    assert apple.connections == 1


@pytest.mark.parametrize("reason", ["BadDeviceToken", "DeviceTokenNotForTopic"])
def test_a_bad_token_is_dropped_and_the_others_are_pushed(street_on: Street, apple: PushServer, reason: str) -> None:
    permit, [bad, good] = street_on.resident(phones=2)
    apple.answers[bad.push_token] = Say(400, reason)
    street_on.city.suspends(permit)
    tells(street_on.city)
    assert apple.tokens() == {bad.push_token: 1, good.push_token: 1}
    assert street_on.tokens() == {good.push_token}
    assert left(street_on.city) == []


@pytest.mark.parametrize("timestamp", [True, False])
def test_a_token_that_is_gone_is_dropped(street_on: Street, apple: PushServer, timestamp: bool) -> None:
    permit, [gone] = street_on.resident()
    found = street_on.registered_at(gone) if timestamp else None
    apple.answers[gone.push_token] = Say(410, "Unregistered", found)
    street_on.city.suspends(permit)
    tells(street_on.city)
    assert street_on.tokens() == set()
    assert left(street_on.city) == []


def test_a_token_is_kept_when_its_phone_registered_after_it_was_gone(street_on: Street, apple: PushServer) -> None:
    permit, [phone] = street_on.resident()
    apple.answers[phone.push_token] = Say(410, "Unregistered", street_on.registered_at(phone) - 1)
    street_on.city.suspends(permit)
    tells(street_on.city)
    assert street_on.tokens() == {phone.push_token}
    assert left(street_on.city) == [("apple_registered_anew", False)]
    del apple.answers[phone.push_token]
    street_on.city.later(seconds=NEXT_ATTEMPT)
    tells(street_on.city)
    assert left(street_on.city) == []
    assert apple.tokens()[phone.push_token] == 2


def test_a_phone_that_seems_to_return_for_ever_keeps_no_errand_waiting(street: Street, apple: PushServer) -> None:
    permit, [phone] = street.resident()
    apple.answers[phone.push_token] = Say(410, "Unregistered", 0)
    street.city.suspends(permit)
    for _ in range(updates.ATTEMPTS_FOR_RETURNED):
        tells(street.city)
        street.city.later(seconds=60)
    assert apple.tokens()[phone.push_token] == updates.ATTEMPTS_FOR_RETURNED
    assert left(street.city) == []


@pytest.mark.parametrize(
    ("say", "code"),
    [
        (Say(403, "BadCertificate"), "apple_certificate_refused"),
        (Say(400, "TopicDisallowed"), "apple_topic_refused"),
        (Say(400, "BadPriority"), "apple_push_refused"),
        (Say(404, "BadPath"), "apple_push_refused"),
        (Say(302), "apple_push_refused"),
    ],
)
def test_what_is_wrong_with_us_drops_nobody_and_is_told_aloud(
    street: Street, apple: PushServer, capfd: pytest.CaptureFixture[str], say: Say, code: str
) -> None:
    permit, phones = street.resident(phones=3)
    apple.otherwise = say
    street.city.suspends(permit)
    tells(street.city)
    assert street.tokens() == {phone.push_token for phone in phones}
    assert left(street.city) == [(code, False)]
    printed = "".join(capfd.readouterr())
    assert code in printed and "error" in printed
    apple.otherwise = Say()
    street.city.later(seconds=NEXT_ATTEMPT)
    tells(street.city)
    assert left(street.city) == []


@pytest.mark.parametrize("say", [Say(429, "TooManyRequests"), Say(500, "InternalServerError"), Say(503, "Shutdown")])
def test_a_busy_server_is_asked_again_later_for_those_phones_only(street: Street, apple: PushServer, say: Say) -> None:
    busy, [phone] = street.resident()
    idle, [other] = street.resident()
    apple.answers[phone.push_token] = say
    for permit in (busy, idle):
        street.city.suspends(permit)
    tells(street.city)
    assert left(street.city) == [("apple_busy", False)]
    del apple.answers[phone.push_token]
    street.city.later(seconds=NEXT_ATTEMPT)
    tells(street.city)
    assert left(street.city) == []
    assert apple.tokens() == {phone.push_token: 2, other.push_token: 1}


def test_a_push_that_is_too_large_goes_to_the_quarantine(street: Street, apple: PushServer) -> None:
    permit, _ = street.resident()
    apple.otherwise = Say(413, "PayloadTooLarge")
    street.city.suspends(permit)
    tells(street.city)
    assert left(street.city) == [("apple_push_too_large", True)]


def _suspended(street: Street, count: int) -> list[IPhone]:
    """The phones of residents that have ten each, and a pass that has changed."""
    phones: list[IPhone] = []
    for _ in range(count // 10):
        permit, made = street.resident(phones=10)
        street.city.suspends(permit)
        phones += made
    return phones


def _residents(street: Street, count: int) -> list[Pass]:
    return [street.resident()[0] for _ in range(count)]


@pytest.mark.parametrize("status", [200, 410, 503])
def test_an_answer_larger_than_apples_is_not_read_and_nobody_is_dropped(
    street: Street, apple: PushServer, status: int
) -> None:
    permit, [phone] = street.resident()
    apple.otherwise = Say(status, "x" * 50_000)
    street.city.suspends(permit)
    tells(street.city)
    assert left(street.city) == [("apple_unreachable", False)]
    assert street.tokens() == {phone.push_token}


def test_an_answer_that_is_packed_is_not_unpacked(street: Street, apple: PushServer) -> None:
    permit, [phone] = street.resident()
    apple.otherwise = Say(400, "BadDeviceToken", packed=True)
    street.city.suspends(permit)
    tells(street.city)
    assert apple.received[0].headers["accept-encoding"] == "identity"
    assert left(street.city) == [("apple_push_refused", False)]
    assert street.tokens() == {phone.push_token}


def test_a_server_that_only_fails_is_left_alone(
    street: Street, apple: PushServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushes, "AT_ONCE", 2)
    phones = _suspended(street, 50)
    apple.otherwise = Say(503, "ServiceUnavailable")
    tells(street.city)
    assert pushes.FAILURES_IN_A_ROW <= len(apple.received) < len(phones)
    assert set(left(street.city)) == {("apple_busy", False)}


def test_a_server_that_hangs_up_is_tried_twice_and_then_later(street: Street, apple: PushServer) -> None:
    permit, _ = street.resident(phones=3)
    apple.otherwise = Say(hang_up=True)
    street.city.suspends(permit)
    tells(street.city)
    assert apple.connections == 2
    assert left(street.city) == [("apple_unreachable", False)]


def test_a_dead_server_keeps_the_errands_for_later(street: Street, apple: PushServer) -> None:
    permits = _residents(street, 3)
    apple.stop()
    for permit in permits:
        street.city.suspends(permit)
    tells(street.city)
    assert left(street.city) == [("apple_unreachable", False)] * 3


def test_a_server_that_never_answers_is_given_up(
    street: Street, apple: PushServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushes, "ANSWER_TIME", 0.2)
    permit, _ = street.resident(phones=3)
    apple.otherwise = Say(delay=3600)
    street.city.suspends(permit)
    tells(street.city)
    assert left(street.city) == [("apple_unreachable", False)]


def test_a_slow_server_gets_no_more_than_its_time(
    street: Street, apple: PushServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushes, "BATCH_TIME", 0.5)
    quick, _ = street.resident()
    slow, [phone] = street.resident()
    apple.answers[phone.push_token] = Say(delay=3600)
    for permit in (quick, slow):
        street.city.suspends(permit)
    tells(street.city)
    assert left(street.city) == [("apple_slow", False)]


def test_a_renewed_certificate_makes_a_new_connection(street: Street, apple: PushServer) -> None:
    city = street.city
    permit, _ = street.resident()
    with tasks_of(city) as tasks:
        city.suspends(permit)
        works(city, tasks)
        key = new_rsa_key()
        settings = city.settings
        chain = make_apple_like_chain(
            key, city.office.now(), settings.apple_pass_type_identifier, settings.apple_team_identifier
        )
        city.later(hours=1)
        city.office.ring.add(Role.APPLE_PASS, key, chain, city.office.now())
        city.reinstates(permit)
        works(city, tasks)
        assert left(city) == [("apple_unreachable", False)], "the server has never heard of who issued it"
    assert (apple.connections, len(apple.received)) == (1, 1)


def test_no_key_is_left_in_a_file_and_none_was_ever_plain(
    street: Street, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written: list[bytes] = []
    write = pushes.write_private
    monkeypatch.setattr(pushes.tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(pushes, "write_private", lambda path, raw: (written.append(raw), write(path, raw)))
    pushes.client_context(street.city.office.signer(Role.APPLE_PASS), "")
    assert list((tmp_path / "temporary").iterdir()) == []
    assert b"ENCRYPTED PRIVATE KEY" in written[0]


def test_a_ca_file_that_is_missing_is_told(make_city: Callable[..., City], serve: Serve, tmp_path: Path) -> None:
    city = make_city(apple_push_url="https://localhost:1", apple_push_ca=str(tmp_path / "none.pem"))
    client = Pushes(city.settings, city.office.signer, city.clock)
    with pytest.raises(pushes.PushUnusable):
        client.send({"ab" * 32})
    client.close()


@pytest.mark.parametrize(("url", "off"), [("", "no_address"), (None, "no_certificate_of_apple")])
def test_a_demonstration_pushes_nothing_to_apple(
    make_city: Callable[..., City], serve: Serve, capfd: pytest.CaptureFixture[str], url: str | None, off: str
) -> None:
    city = make_city() if url is None else make_city(apple_push_url=url)
    street = Street(city, serve(city).client)
    permit, [phone] = street.resident()
    city.suspends(permit)
    tells(city)
    assert left(city) == []
    assert off in "".join(capfd.readouterr())
    assert phone.is_pushed() == ["Neuer Status: Ausgesetzt"], "a phone that asks by itself hears of it"


@pytest.mark.parametrize("url", ["http://localhost:1", "https://", "https://a/b", "https://a?b", "https://u:p@a", "x"])
def test_an_address_of_pushes_is_an_https_origin(make_city: Callable[..., City], url: str) -> None:
    with pytest.raises(ValueError, match="WALLETPASS_APPLE_PUSH_URL"):
        make_city(apple_push_url=url)


def test_no_log_line_of_pushes_holds_a_token(
    street: Street, apple: PushServer, capfd: pytest.CaptureFixture[str]
) -> None:
    permit, [one, other] = street.resident(phones=2)
    apple.answers = {one.push_token: Say(410, one.push_token, 1), other.push_token: Say(503, other.push_token)}
    street.city.suspends(permit)
    tells(street.city)
    printed = "".join(capfd.readouterr())
    assert "apple_busy" in printed
    for word in (one.push_token, other.push_token, permit.serial):
        assert word not in printed


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"[" * 5000, b'{"reason": 7}', b'{"timestamp": "1"}', b"\xff"])
@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 403, 404, 405, 410, 413, 418, 429, 500, 503, 599])
def test_every_answer_means_something(status: int, body: bytes) -> None:
    answer = pushes.meaning(status, body)
    assert len(answer.code) in range(1, 41)
    assert answer.since is None


def test_the_push_server_runs_as_a_process_of_its_own(key_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.issuers.wallets.push_server", "--port", "0"]
    command += ["--ca", str(chain_file(key_folder)), "--folder", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, counts, ca = process.stdout.readline().split()
        try:
            assert url.startswith("https://localhost:")
            assert Path(ca).read_text().startswith("-----BEGIN CERTIFICATE")
            answers = json.dumps({"otherwise": {"status": 503}}).encode()
            urllib.request.urlopen(urllib.request.Request(counts, answers, method="PUT"), timeout=30).close()
            with urllib.request.urlopen(counts, timeout=30) as found:
                assert json.load(found) == {"pushes": 0, "connections": 0, "tokens": {}}
        finally:
            process.terminate()
