"""Counts of checks: for a span, as a signed document for who has the right, and on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from joserfc.jwk import ECKey
from starlette.testclient import TestClient

from tests.verifiers.sample_city import SampleCity
from tests.verifiers.scans.desk_of_scans import HOUR, NOW, PERMIT, QUARTER, TYPES, Desk, scan
from verifiers.app import create_app
from verifiers.scans.counts import counts_between
from verifiers.scans.counts_key import KEY_FILE, CountsKey
from verifiers.scans.scan_log import ScanLog
from verifiers.scans.store import open_scans
from verifiers.scans.uses import Uses
from verifiers.settings import VerifierSettings
from verifiers.tokens import open_tokens
from walletpass.passes import first_second, local_day
from walletpass.scan_counts import ScanCount, read_scan_counts

DAY = date(2027, 1, 15)


def test_checks_are_counted_by_hour_zone_type_kind_and_outcome(desk_on: Desk) -> None:
    desk_on.receives(
        *(scan(f"a {n}", NOW - n * QUARTER) for n in range(1, 8)),
        scan("b", NOW, zone=None, pass_type=None, outcome="refused", reason="malformed"),
        scan("c", NOW, kind="plate", outcome="none", reason="not_listed"),
        scan("d", NOW, zone="MÜ"),
    )
    assert counts_between(desk_on.store, DAY, DAY) == (
        ScanCount(NOW - 2 * HOUR, "A12", PERMIT, "code", "accepted", 3),
        ScanCount(NOW - HOUR, "A12", PERMIT, "code", "accepted", 4),
        ScanCount(NOW, None, None, "code", "refused", 1),
        ScanCount(NOW, "A12", PERMIT, "plate", "none", 1),
        ScanCount(NOW, "MÜ", PERMIT, "code", "accepted", 1),
    )


def test_a_span_begins_and_ends_with_local_days(desk_on: Desk) -> None:
    midnight = 1_799_967_600  # 15 January 2027, 00:00 local
    desk_on.receives(scan("before", midnight - 1), scan("after", midnight))
    for day, hour in ((date(2027, 1, 14), midnight - HOUR), (DAY, midnight)):
        assert [count.hour for count in counts_between(desk_on.store, day, day)] == [hour]
    assert len(counts_between(desk_on.store, date(2027, 1, 14), DAY)) == 2


def test_counts_add_up_over_batches_and_devices(desk_on: Desk) -> None:
    for number in range(5):
        batch = [scan(f"{number} {n}") for n in range(10)]
        desk_on.receives(*batch, device=str(number))
        desk_on.receives(*batch[::2], scan(f"{number} more"), device="other")
    assert [count.count for count in counts_between(desk_on.store, DAY, DAY)] == [55]


class Service:
    """The real service with scans of today and of other days."""

    def __init__(self, home: Path) -> None:
        city = SampleCity(home, now=int(time.time()) - 60)
        city.publish()
        self.settings = VerifierSettings(home=home)
        self.today = local_day(datetime.now(UTC))
        store = open_scans(self.settings)
        log, now = ScanLog(store, Uses(store, 15), lambda: TYPES), int(time.time())
        noons = {days: first_second(self.today - timedelta(days=days)) + 12 * HOUR for days in (90, 91)}
        log.take("one", [scan(f"{at} {n}", at) for at in (now, *noons.values()) for n in range(3)])
        self.client = TestClient(create_app(self.settings), base_url="http://localhost:8001")

    def token(self, *scopes: tuple[str, str]) -> dict[str, str]:
        secret = open_tokens(self.settings).create("Parking desk", set(scopes), int(time.time()), 3600)[1]
        return {"Authorization": f"Bearer {secret}"}

    def address(self, days_ago: int) -> str:
        return f"/published/counts/{self.today - timedelta(days=days_ago)}.jwt"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path)
    with service.client:
        yield service


def test_the_service_publishes_signed_counts_for_who_has_the_right(service: Service) -> None:
    jwk = ECKey.import_key(json.loads((service.settings.verifier_home / KEY_FILE).read_bytes()))
    for days_ago in (0, 90):
        answer = service.client.get(service.address(days_ago), headers=service.token(("*", "counts")))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/scancounts+jwt")
        assert answer.headers["cache-control"] == "no-store"
        found = read_scan_counts(answer.content, jwk.public_key)  # type: ignore[arg-type]
        assert (found.issuer, found.day) == ("http://localhost:8001", service.today - timedelta(days=days_ago))
        assert sum(count.count for count in found.counts) == 3
        assert abs(found.issued_at - time.time()) < 60


def test_nobody_else_hears_of_them(service: Service) -> None:
    assert service.client.get(service.address(0)).json()["code"] == "token_missing"
    for scope in (("*", "verify"), ("parking", "counts"), ("parking", "*")):
        answer = service.client.get(service.address(0), headers=service.token(scope))
        assert (answer.status_code, answer.json()["code"]) == (403, "right_missing")


def test_other_days_and_what_is_no_day_are_not_there(service: Service) -> None:
    headers = service.token(("*", "*"))
    for path in (service.address(91), service.address(-1), "/published/counts/20270115.jwt", "/published/counts/.jwt"):
        assert service.client.get(path, headers=headers).status_code == 404


def command(service: Service, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "WALLETPASS_HOME": str(service.settings.home)}
    walletpass = [sys.executable, "-m", "walletpass", "scans", *words]
    return subprocess.run(walletpass, env=environment, capture_output=True, text=True, timeout=60)


def test_the_command_shows_counts_and_the_key_and_forgets(service: Service) -> None:
    shown = command(service, "counts")
    assert PERMIT in shown.stdout and shown.stdout.rstrip().endswith("3")
    long_ago = str(service.today - timedelta(days=91))
    counted = json.loads(command(service, "counts", "--from", long_ago, "--json").stdout)
    assert sum(count["count"] for count in counted["counts"]) == 9
    assert (counted["from"], counted["until"]) == (long_ago, str(service.today))
    key = command(service, "key")
    own = CountsKey.open(service.settings.verifier_home)
    assert key.stdout.strip() == own.public_jwk()
    assert own.id in key.stderr and '"d"' not in key.stdout
    assert (service.settings.verifier_home / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert "Forgotten: 0 scans" in command(service, "purge").stderr
    for words in (("--from", "gestern"), ("--from", str(service.today), "--until", long_ago)):
        refused = command(service, "counts", *words)
        assert refused.returncode == 2 and "[wrong_day]" in refused.stderr
