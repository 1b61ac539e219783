"""Each answer that Google may give, a Google that is dead, and what the logs say meanwhile: codes and no secrets."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import structlog
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from structlog.testing import capture_logs

from issuers.wallets.google.access_tokens import AccessTokens, GoogleUnauthorised
from issuers.wallets.google.exchange import GoogleUnreachable, new_client
from issuers.wallets.google.pace import Pace
from keys.errors import KeyProblem
from keys.signer import Role
from tests.city import ANNA, City, Clock
from tests.issuers.wallets.conftest import CREDENTIAL_SIGNER
from tests.issuers.wallets.google.conftest import ADD_MESSAGE, INSERT, PATCH, Google
from tests.issuers.wallets.google_emulator import TOKEN_LIFE, Emulator

ROOT = Path(__file__).parents[4]
PERMIT = "resident_parking_permit"


@pytest.fixture
def dead_address() -> str:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def offers(google: Google, count: int) -> list[str]:
    """New passes whose objects are still to be put; their serials."""
    serials = [google.city.grants(PERMIT).serial for _ in range(count)]
    google.city.office.offer(serials, "google", "", google.city.order())
    return serials


def test_a_refused_token_is_replaced_once_for_all_who_use_it(google: Google) -> None:
    google.saves()
    google.emulator.forget_tokens()
    serials = offers(google, 20)
    google.work()
    assert google.emulator.objects.keys() >= set(serials)
    assert google.count("POST token") == 2


def test_a_key_that_google_does_not_know_leaves_everything_for_later(google: Google) -> None:
    google.emulator.account = "another@city.example"
    offers(google, 3)
    google.work()
    assert google.codes() == {"google_unauthorised"}
    google.emulator.account = google.city.office.signer(Role.GOOGLE_SERVICE_ACCOUNT).subject
    google.works_later()
    assert len(google.emulator.objects) == 3


def test_tokens_that_are_always_refused_end_in_a_code(google: Google) -> None:
    google.emulator.fails(401, 100, "genericClass")
    offers(google, 3)
    google.work()
    assert google.codes() == {"google_unauthorised"}
    assert google.count("PATCH genericClass") == 2


def test_whoever_saved_a_link_first_made_the_object_and_it_is_brought_up_to_date(google: Google) -> None:
    [serial] = offers(google, 1)
    class_id = f"{google.emulator.issuer_id}.{PERMIT}.1"
    google.emulator.stored["genericClass"][class_id] = {"id": class_id}
    name = f"{google.emulator.issuer_id}.{serial}"
    title = {"defaultValue": {"language": "de", "value": "?"}}
    saved = {"id": name, "classId": class_id, "cardTitle": title, "header": title}
    google.emulator.stored["genericObject"][name] = saved
    google.work()
    assert google.emulator.answers[409] == 1
    assert google.object(serial)["barcode"]["value"]
    assert google.count(INSERT) == 1 and google.count(PATCH) == 1


def test_an_object_that_google_does_not_know_is_put_there(google: Google) -> None:
    permit = google.saves()
    del google.emulator.stored["genericObject"][f"{google.emulator.issuer_id}.{permit.serial}"]
    google.city.later(minutes=1)
    google.city.suspends(permit)
    google.work()
    assert google.object(permit.serial)["state"] == "INACTIVE"


def test_a_class_that_google_lost_is_put_again(google: Google) -> None:
    google.saves()
    google.emulator.stored["genericClass"].clear()
    [serial] = offers(google, 1)
    google.work()
    assert google.codes() == {"google_class_missing"}
    google.works_later()
    assert serial in google.emulator.objects


def test_one_pass_that_google_refuses_waits_in_quarantine_and_the_others_are_done(google: Google) -> None:
    serials = offers(google, 30)
    google.emulator.fails(400, 1, "genericObject")
    google.work()
    failed = google.city.office.outbox.failed()
    assert [row["code"] for row in failed] == ["google_refused"]
    assert google.emulator.objects.keys() == set(serials) - {failed[0]["subject"]}
    assert google.city.office.outbox.retry() == 1
    google.work()
    assert google.emulator.objects.keys() == set(serials)


def test_a_class_that_google_refuses_holds_up_its_own_passes_only(google: Google) -> None:
    google.emulator.fails(400, 2, f"genericClass/{google.emulator.issuer_id}.{PERMIT}")
    held_up = offers(google, 2)
    card = google.saves("library_card")
    assert google.emulator.objects.keys() == {card.serial}
    assert google.codes() == {"google_class_refused"}
    google.works_later()
    google.works_later()
    assert google.emulator.objects.keys() == {card.serial, *held_up}


def test_a_missing_permission_stops_everything_with_its_own_code(google: Google) -> None:
    serials = offers(google, 40)
    google.emulator.fails(403, 1000, "generic", "permissionDenied")
    google.work()
    assert google.codes() == {"google_forbidden"}
    assert google.count("PATCH genericClass") == 1, "nobody else was tried"
    google.emulator._script.clear()
    google.works_later()
    assert google.emulator.objects.keys() == set(serials)


@pytest.mark.parametrize(("status", "reason"), [(429, "rateLimitExceeded"), (403, "rateLimitExceeded")])
def test_too_many_requests_are_answered_with_patience(status: int, reason: str, google: Google) -> None:
    google.saves()
    serials = offers(google, 60)
    google.emulator.fails(status, 1, "genericObject", reason, after=3)
    google.work()
    assert google.codes() == {"google_busy"}
    assert google.count(INSERT) < 1 + 3 + 25, "the rest was not tried"
    google.works_later()
    assert google.emulator.objects.keys() >= set(serials)


def test_one_outage_is_of_one_pass(google: Google) -> None:
    google.saves()
    serials = offers(google, 30)
    google.emulator.fails(503, 1, "genericObject", after=5)
    google.work()
    assert len(google.emulator.objects) == 30
    assert google.codes() == {"google_unavailable"}
    google.works_later()
    assert google.emulator.objects.keys() >= set(serials)


def test_an_outage_of_everything_ends_the_batch_quickly(google: Google) -> None:
    google.saves()
    offers(google, 90)
    google.emulator.fails(500, 1000, "genericObject")
    google.work()
    assert google.codes() == {"google_unavailable"}
    assert google.count(INSERT) <= 1 + 3 + 8, "three in a row, and what was on its way"


def test_more_than_the_rate_is_refused_by_google_and_arrives_nevertheless(google: Google) -> None:
    serials = offers(google, 60)
    google.emulator.requests_per_second = 20
    google.work()
    assert google.codes() == {"google_busy"}
    google.emulator.requests_per_second = 0
    google.works_later()
    assert google.emulator.objects.keys() == set(serials)


def test_requests_keep_their_distance_whoever_is_woken_late() -> None:
    clock, passed = Clock(), []

    def oversleeps(seconds: float) -> None:
        clock.sleep(seconds + (0.2 if len(passed) == 10 else 0))

    pace = Pace(20, clock, oversleeps)
    for _ in range(50):
        pace.wait()
        passed.append(clock())
    assert all(later - earlier >= 0.05 for earlier, later in pairwise(passed))
    assert all(later - earlier > 1 for earlier, later in zip(passed, passed[20:], strict=False))


def test_a_message_that_could_not_be_sent_is_sent_later_and_once(google: Google) -> None:
    permit = google.saves()
    google.emulator.fails(503, 1, "addMessage")
    google.city.renews(permit, google.city.stored(permit).valid_until.replace(year=2028))
    google.work()
    assert google.emulator.messages_notified(permit.serial) == []
    google.works_later()
    assert len(google.emulator.messages_notified(permit.serial)) == 1
    assert google.count(ADD_MESSAGE) == 2


def test_a_dead_google_holds_up_nothing_but_its_own_rows(make_google: Callable[..., Google], dead_address: str) -> None:
    google = make_google(google_api_url=dead_address, google_token_url=f"{dead_address}/token")
    permit = google.city.grants(PERMIT)
    text = google.city.qr(permit)
    google.city.offers(permit, "google")
    google.work()
    assert google.codes() == {"google_unreachable"}
    google.city.revokes(permit)
    assert google.city.inspector_sees(text).reason == "revoked"
    google.work()


def test_a_google_that_says_nothing_is_given_up(google: Google) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with new_client() as client:
            client.timeout = 0.2
            tokens = AccessTokens(google.city.office.signer, address, client, google.city.clock)
            with pytest.raises(GoogleUnreachable):
                tokens.current()


def test_a_row_that_another_worker_took_over_is_left_to_it(google: Google) -> None:
    google.saves()
    offers(google, 60)
    box, task = google.city.office.outbox, google.tasks["update-google"]
    claim = box.claim(task.kind, 100, task.lease, alone=True)
    assert claim is not None
    errands = box.held(claim)
    google.city.later(minutes=5)
    assert box.claim(task.kind, 100, task.lease, alone=True), "the lease has ended"
    task.perform(errands, box.report(claim, task.lease))
    assert google.count(INSERT) == 1, "it found out before its first request"


@pytest.fixture
def tokens(emulator: Emulator, set_up_once: City) -> Callable[..., AccessTokens]:
    clock = Clock()
    emulator.clock = clock

    def make(**changed: object) -> AccessTokens:
        options = {"seconds": clock, "elapsed": time.monotonic} | changed
        client = new_client()
        return AccessTokens(set_up_once.office.signer, f"{emulator.address}/token", client, **options)  # type: ignore[arg-type]

    return make


def test_a_token_is_kept_until_shortly_before_its_end(emulator: Emulator, tokens: Callable[..., AccessTokens]) -> None:
    elapsed = Clock()
    kept = tokens(elapsed=elapsed)
    first = kept.current()
    elapsed.sleep(TOKEN_LIFE - 130)
    assert kept.current() == first
    elapsed.sleep(20)
    assert kept.current() != first
    assert emulator.requests["POST token"] == 2


@pytest.mark.parametrize("jump", [-7200, 7200])
def test_a_clock_that_is_wrong_gets_no_token_and_says_so(jump: int, tokens: Callable[..., AccessTokens]) -> None:
    ahead = Clock()
    ahead.sleep(jump)
    with pytest.raises(GoogleUnauthorised):
        tokens(seconds=ahead).current()


def test_a_clock_that_jumps_costs_no_token(emulator: Emulator, tokens: Callable[..., AccessTokens]) -> None:
    kept = tokens()
    kept.current()
    emulator.clock.sleep(90000)  # type: ignore[attr-defined]
    kept.current()
    assert emulator.requests["POST token"] == 1, "how long a token is good is not the clock's to say"


@pytest.mark.parametrize(
    "answer",
    [{}, {"access_token": 7}, {"access_token": "two words"}, {"access_token": "ü"}, {"access_token": "x" * 5000}],
)
def test_what_is_no_token_is_not_used(
    answer: dict[str, object], emulator: Emulator, tokens: Callable[..., AccessTokens], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator, "grant", lambda _: answer)
    with pytest.raises(GoogleUnreachable):
        tokens().current()


def test_a_key_that_is_no_rsa_key_asks_for_nothing(emulator: Emulator) -> None:
    with new_client() as client, pytest.raises(KeyProblem, match="RSA"):
        AccessTokens(lambda _: CREDENTIAL_SIGNER, f"{emulator.address}/token", client, Clock()).current()
    assert not emulator.requests


def test_the_logs_hold_codes_and_counts_but_no_token_code_or_name(
    google: Google, capfd: pytest.CaptureFixture[str]
) -> None:
    structlog.reset_defaults()
    with capture_logs() as logs:
        permit = google.saves()
        google.emulator.fails(400, 1, "genericObject")
        google.emulator.fails(503, 3, "genericObject")
        google.emulator.forget_tokens()
        for _ in range(5):
            offers(google, 1)
        google.work()
        google.emulator.fails(400, 1, "genericClass")
        google.saves("library_card")
        google.works_later()
    texts = [repr(line) for line in logs] + list(capfd.readouterr())
    secrets = [google.object(permit.serial)["barcode"]["value"], "ya29.", "Bearer", ANNA.family_name, permit.serial]
    assert any("google_class_refused" in text for text in texts)
    for secret in secrets:
        assert not any(secret in text for text in texts), secret[:8]


def test_the_emulator_shows_its_counts_to_other_processes(emulator: Emulator) -> None:
    with new_client() as client:
        client.post(f"{emulator.address}/script", json={"status": 503, "times": 2})
        assert client.patch(f"{emulator.address}/walletobjects/v1/genericObject/1.x", json={}).status_code == 503
        state = client.get(f"{emulator.address}/state").json()
    assert state["requests"] == {"PATCH genericObject": 1} and state["answers"] == {"503": 1}


def test_the_emulator_runs_on_its_own(set_up_once: City, tmp_path: Path) -> None:
    signer = set_up_once.office.signer(Role.GOOGLE_SERVICE_ACCOUNT)
    key = signer.private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "account.pem").write_bytes(key)
    module = ["-m", "tests.issuers.wallets.google_emulator", "--public-key", str(tmp_path / "account.pem")]
    command = [sys.executable, *module, "--account", signer.subject, "--requests-per-second", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process, new_client() as client:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        tokens = AccessTokens(set_up_once.office.signer, f"{address}/token", client, time.time)
        assert tokens.current()
        assert client.get(f"{address}/state").json()["requests"] == {"POST token": 1}
        process.terminate()
