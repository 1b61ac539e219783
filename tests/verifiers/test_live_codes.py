"""Step 6: the holder's proof, both sides of every boundary second, and where a live code may be shown."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.phone import Phone
from tests.verifiers.pictures import as_bytes, qr_picture
from tests.verifiers.sample_city import CLAIMS, DAY, NOW, SampleCity
from tests.verifiers.test_verification import stops
from verifiers.app import create_app
from verifiers.settings import VerifierSettings
from verifiers.verification import PROOF_AGE, verify
from walletpass import base45
from walletpass.verdict import Outcome, Reason, Step, StepResult


@pytest.fixture
def phone() -> Phone:
    return Phone()


def test_a_live_code_passes_all_six_steps(city: SampleCity, phone: Phone) -> None:
    verdict = verify(city.live(phone), city.known(), NOW)
    assert (verdict.outcome, verdict.reason) == (Outcome.ACCEPTED, Reason.ACCEPTED)
    assert list(verdict.steps) == [(step, StepResult.PASSED) for step in Step]
    assert (verdict.claims, verdict.pass_type) == (CLAIMS, "resident_parking_permit")


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(0, None), (PROOF_AGE, None), (PROOF_AGE + 1, Reason.PROOF_STALE), (7200, Reason.PROOF_STALE),
     (-1, None), (-PROOF_AGE, None), (-PROOF_AGE - 1, Reason.PROOF_EARLY)],
)  # fmt: skip
def test_a_proof_is_good_for_thirty_seconds_on_either_side(
    city: SampleCity, phone: Phone, seconds: int, reason: Reason | None
) -> None:
    at = NOW + 600
    verdict = verify(city.live(phone, at), city.known(), at + seconds)
    if reason is None:
        assert verdict.outcome is Outcome.ACCEPTED
    else:
        assert stops(verdict, Step.HOLDER, reason)
        assert verdict.claims == CLAIMS and verdict.valid_until is not None


def test_a_proof_by_another_key_is_bad_whatever_time_it_names(city: SampleCity, phone: Phone) -> None:
    known, genuine = city.known(), base45.decode(city.live(phone)[4:])
    for at in (NOW, NOW - DAY, NOW + DAY):
        other = base45.decode(city.live(Phone(), at)[4:])
        forged = "WP2:" + base45.encode(base45.decode(city.live(phone, at)[4:])[:-64] + other[-64:])
        assert stops(verify(forged, known, NOW), Step.HOLDER, Reason.BAD_PROOF)
    zeros = "WP2:" + base45.encode(genuine[:-64] + bytes(64))
    assert stops(verify(zeros, known, NOW), Step.HOLDER, Reason.BAD_PROOF)


def test_no_changed_byte_is_ever_accepted(city: SampleCity, phone: Phone) -> None:
    known, genuine = city.known(), base45.decode(city.live(phone)[4:])
    for at in range(len(genuine)):
        changed = bytearray(genuine)
        changed[at] ^= 1 << at % 8
        verdict = verify("WP2:" + base45.encode(bytes(changed)), known, NOW)
        assert verdict.outcome is Outcome.REFUSED
        assert verdict.reason in (Reason.MALFORMED, Reason.UNKNOWN_KEY, Reason.BAD_SIGNATURE, Reason.BAD_PROOF)


def test_a_revoked_pass_is_revoked_before_its_proof_is_looked_at(city: SampleCity, phone: Phone) -> None:
    city.statuses.set(7, 1)
    city.publish_statuses()
    assert stops(verify(city.live(phone), city.known(), NOW + DAY), Step.STATUS, Reason.REVOKED)


def test_the_page_and_the_command_judge_live_codes(tmp_path: Path, phone: Phone) -> None:
    city = SampleCity(tmp_path, now=int(time.time()) - 60)
    city.publish()
    fresh, old = city.live(phone, int(time.time())), city.live(phone)
    with TestClient(create_app(VerifierSettings(home=tmp_path, refresh_interval=0.05))) as client:
        while client.get("/readyz").status_code != 200:
            time.sleep(0.02)
        picture = {"image": ("code.png", as_bytes(qr_picture(fresh)), "image/png")}
        assert "Gültig" in client.post("/check", files=picture).text
        refused = client.post("/check", data={"presentation": old}).text
        assert "Abgelehnt" in refused and "proof_stale" in refused and "älter als 30 Sekunden" in refused
    words = ["verify", old, "--json", "--published", str(city.published), "--anchor", str(tmp_path / "anchor.pem")]
    done = subprocess.run([sys.executable, "-m", "walletpass", *words], capture_output=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["reason"]) == (1, "proof_stale")
