"""`walletpass verify` as the contract has it: exit status, JSON, messages, and nothing but the folder it is given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.verifiers.pictures import as_bytes, qr_picture
from tests.verifiers.sample_city import DAY, SampleCity
from verifiers.cli import WrongUsage, read_time

RUN = "import sys; from walletpass.cli import main; sys.argv[0] = 'walletpass'; main()"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> SampleCity:
    city = SampleCity(tmp_path_factory.mktemp("city"), now=int(time.time()) - 60)
    city.statuses.set(8, 2)
    city.publish()
    return city


def walletpass(city: SampleCity, *words: str, code: str = RUN, **options: Any) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": os.environ["PATH"], "WALLETPASS_HOME": str(city.home)}
    command = [sys.executable, "-c", code, "verify", *words]
    return subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False, **options)


def test_an_accepted_pass_exits_with_0_and_one_json_document(city: SampleCity) -> None:
    done = walletpass(city, city.qr(), "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, b"")
    assert document["outcome"] == "accepted"
    assert document["claims"]["zone"] == "MÜ"
    assert set(document) >= {"reason", "pass_type", "steps", "status_age_seconds", "valid_until"}


def test_a_text_comes_from_stdin_too_and_a_person_reads_the_verdict(city: SampleCity) -> None:
    text = city.qr(status=type(city.evidence().status)(city.list_uri, 8))
    done = walletpass(city, "-", input=f"{text}\n".encode())
    assert done.returncode == 1
    assert done.stdout.decode().startswith("REFUSED: suspended (resident_parking_permit, valid until ")
    assert "✗ status" in done.stdout.decode()


def test_what_cannot_be_known_exits_with_3(city: SampleCity, tmp_path: Path) -> None:
    done = walletpass(city, city.qr(), "--published", str(tmp_path), "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["reason"] == "trust_list_stale"


@pytest.mark.parametrize(
    ("days", "status", "reason"), [(-1, 1, b"not_yet_valid"), (2, 1, b"expired"), (1, 0, b"accepted")]
)
def test_a_pass_is_judged_as_of_another_time(city: SampleCity, days: int, status: int, reason: bytes) -> None:
    # Seconds matter at the edge: valid for two days from now, seen a minute before its end.
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(city.now + days * DAY + (60 if days == 2 else -600)))
    published = city.qr(valid_from=city.now, valid_until=city.now + 2 * DAY)
    done = walletpass(city, published, "--at", at)
    assert (done.returncode, reason in done.stdout) == (status, True), done.stdout


def test_a_picture_is_judged(city: SampleCity, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(as_bytes(qr_picture(city.qr(), 4), "JPEG"))
    assert walletpass(city, "--image", str(tmp_path / "photo.jpg")).returncode == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "wrong_usage"),
        (("WP1:", "--image", "x.png"), "wrong_usage"),
        (("WP1:", "--at", "tomorrow"), "wrong_usage"),
        (("WP1:", "--at", "2027-02-30"), "wrong_usage"),
        (("WP1:", "--anchor", "/nowhere/anchor.pem"), "anchor_invalid"),
        (("WP1:", "--published", "/nowhere/published"), "published_invalid"),
        (("--image", "/nowhere/photo.png"), "image_unreadable"),
        (("--image", __file__), "image_unreadable"),
    ],
)
def test_wrong_usage_exits_with_2_and_a_sentence(city: SampleCity, words: tuple[str, ...], code: str) -> None:
    done = walletpass(city, *words)
    message = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b"")
    assert f"[{code}]" in message and "Traceback" not in message


@pytest.mark.parametrize("size", [(50_000_000, 1), (1, 70_000)])
def test_a_picture_of_an_absurd_form_is_wrong_usage_and_no_refused_pass(
    city: SampleCity, tmp_path: Path, size: tuple[int, int]
) -> None:
    (tmp_path / "long.png").write_bytes(as_bytes(Image.new("1", size)))
    done = walletpass(city, "--image", str(tmp_path / "long.png"))
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"[image_too_large]" in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "failure", ["ValueError('Anna')", "MemoryError()", "PicturesBusy('Later.')", "OSError(32, '')"]
)
def test_what_nobody_foresaw_never_looks_like_a_verdict(city: SampleCity, failure: str) -> None:
    code = (
        "import verifiers.cli\nfrom verifiers.images import PicturesBusy\n"
        f"def fail(*_): raise {failure}\n"
        "verifiers.cli.verify = fail\n"
    )
    done = walletpass(city, city.qr(), code=code + RUN)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"[unexpected_error]" in done.stderr and b"Traceback" not in done.stderr and b"Anna" not in done.stderr


def test_an_interrupted_check_or_a_full_disk_is_no_verdict_either(city: SampleCity) -> None:
    code = "import verifiers.cli\ndef stop(*_): raise KeyboardInterrupt\nverifiers.cli.verify = stop\n"
    assert walletpass(city, city.qr(), code=code + RUN).returncode == 130
    environment = {"PATH": os.environ["PATH"], "WALLETPASS_HOME": str(city.home)}
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-c", RUN, "verify", city.qr()]
        done = subprocess.run(command, env=environment, stdout=full, timeout=60, check=False)
    assert done.returncode not in (0, 1, 3)


@pytest.mark.parametrize("value", ["127.0.0.1", '["nowhere"]'])
def test_a_setting_that_does_not_fit_is_told_in_a_sentence(city: SampleCity, value: str) -> None:
    code = f"import os; os.environ['WALLETPASS_TRUSTED_PROXIES'] = {value!r}\n"
    done = walletpass(city, city.qr(), code=code + RUN)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"[settings_invalid]" in done.stderr and b"WALLETPASS_TRUSTED_PROXIES" in done.stderr


def test_the_anchor_of_another_city_knows_nothing_of_this_one(city: SampleCity, tmp_path: Path) -> None:
    SampleCity(tmp_path)
    done = walletpass(city, city.qr(), "--anchor", str(tmp_path / "anchor.pem"), "--json")
    assert (done.returncode, json.loads(done.stdout)["reason"]) == (3, "trust_list_stale")


def test_a_huge_or_random_text_is_refused_and_no_accident(city: SampleCity) -> None:
    for content in (b"A" * 10_000_000, os.urandom(5000), b"WP1:" + b"\x00" * 10):
        done = walletpass(city, "-", "--json", input=content)
        assert (done.returncode, json.loads(done.stdout)["reason"]) == (1, "malformed")


def test_with_a_folder_it_opens_no_socket_no_database_and_writes_nothing(city: SampleCity) -> None:
    hook = (
        "import sys\n"
        "def watch(event, args):\n"
        "    if event in ('socket.connect', 'sqlite3.connect', 'os.mkdir', 'os.rename'):\n"
        "        raise SystemExit(77)\n"
        "    if event == 'open' and isinstance(args[1], str) and set(args[1]) & set('wax+'):\n"
        "        if '__pycache__' not in str(args[0]) and '/dev/' not in str(args[0]): raise SystemExit(78)\n"
        "sys.addaudithook(watch)\n"
    )
    assert walletpass(city, city.qr(), code=hook + RUN).returncode == 0
    assert not (city.home / "verifier").exists()


def test_a_day_is_its_first_local_instant_and_offsets_count() -> None:
    assert read_time("2027-03-31") == read_time("2027-03-31T00:00:00+02:00")
    assert read_time("2027-01-15T09:00") == read_time("2027-01-15T08:00Z") == 1_800_000_000
    with pytest.raises(WrongUsage):
        read_time("0001-01-01")
