"""`walletpass devices` as a process: invited once, shown once, drawn for a phone, listed, and ended."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import zxingcpp
from cryptography.hazmat.primitives.serialization import Encoding
from PIL import Image

from tests.verifiers.sample_city import SampleCity
from web.jwk import base64url


@pytest.fixture
def home(city: SampleCity) -> Path:
    return city.home


def devices(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "walletpass", "devices", *words]
    environment = {
        "PATH": os.environ["PATH"],
        "WALLETPASS_HOME": str(home),
        "WALLETPASS_VERIFIER_URL": "https://pruefdienst.example",
    }
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_link_alone_is_on_stdout_names_the_anchor_and_is_drawn_for_its_owner_only(
    city: SampleCity, home: Path
) -> None:
    picture = home / "qr.png"
    made = devices(home, "create", "Handy 7", "--out", str(picture))
    assert made.returncode == 0, made.stderr
    link = made.stdout.strip()
    found = re.fullmatch(
        r"https://pruefdienst\.example/inspector/#enrol=([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})", link
    )
    assert found is not None, link
    der = city.ring.anchor_certificate.public_bytes(Encoding.DER)
    assert found[2] == base64url(hashlib.sha256(der).digest())
    assert "only this once" in made.stderr and found[1] not in made.stderr
    [read] = zxingcpp.read_barcodes(Image.open(picture))
    assert read.text == link and stat.S_IMODE(picture.stat().st_mode) == 0o600
    listed = devices(home, "list", "--json").stdout + devices(home, "list").stdout
    assert "Handy 7" in listed and "invited" in listed and found[1] not in listed


def test_a_device_is_made_for_types_zones_and_a_shift_renamed_and_ended(home: Path) -> None:
    words = ("--type", "social_pass", "--zone", "mü", "--zone", "7", "--shift", "12345 22:00-06:00", "--json")
    made = json.loads(devices(home, "create", "Handy 7", *words).stdout)
    assert made.pop("link").startswith("https://")
    assert (made["pass_types"], made["zones"], made["shift"]) == (["social_pass"], ["7", "MÜ"], "12345 22:00-06:00")
    assert json.loads(devices(home, "list", "--json").stdout) == [made]
    assert devices(home, "rename", made["id"], "Handy Süd").returncode == 0
    refused = devices(home, "suspend", made["id"])
    assert (refused.returncode, "[device_state_invalid]" in refused.stderr) == (2, True), refused.stderr
    for order, state in (("revoke", "revoked"), ("wipe", "wiped"), ("wipe", "wiped")):
        done = devices(home, order, made["id"])
        assert done.returncode == 0 and f"Handy Süd) is {state}" in done.stderr
    assert devices(home, "resume", made["id"]).returncode == 2
    assert "wiped" in devices(home, "list").stdout


def test_wrong_words_exit_with_2_and_a_sentence_and_leave_nothing_behind(home: Path) -> None:
    for words, code in [
        (("create", " "), "[device_invalid]"),
        (("create", "Handy", "--type", "dog_licence"), "[unknown_type]"),
        (("create", "Handy", "--zone", "Bilk Nord"), "[device_invalid]"),
        (("create", "Handy", "--shift", "Mo-Fr"), "[device_invalid]"),
        (("revoke", "nobody"), "[device_not_found]"),
        (("rename", "nobody", "x"), "[device_not_found]"),
    ]:
        done = devices(home, *words)
        assert (done.returncode, code in done.stderr) == (2, True), done.stderr
    assert json.loads(devices(home, "list", "--json").stdout) == []
