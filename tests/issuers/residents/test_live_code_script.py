"""What the page's script writes is the one spelling that both readers take, whatever the time."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from issuers.residents.live_codes import LiveCodes
from tests.city import City
from tests.inspector.node import node
from verifiers.documents import Folder
from verifiers.published import PublishedDocuments, read_anchor
from verifiers.verification import verify
from walletpass.formats import load_formats

TIMES = (0, 1, 23, 24, 255, 256, 65_535, 65_536, 1_800_000_000, (1 << 32) - 1, 1 << 32, 253_402_300_799)


@pytest.mark.parametrize("pass_type", ["resident_parking_permit", "registration_certificate"])
def test_the_script_writes_what_is_read(city: City, pass_type: str) -> None:
    secret = city.link(city.grants(pass_type))
    command = [node(), str(Path(__file__).parent / "phone.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as phone:
        assert phone.stdin is not None and phone.stdout is not None
        made = json.loads(phone.stdout.readline())
        credential = LiveCodes(city.office).enrol(secret, made["jwk"], take_over=False)
        now = int(city.clock())
        phone.stdin.write(json.dumps({"credential": credential, "times": [*TIMES, now]}) + "\n")
        phone.stdin.flush()
        codes = json.loads(phone.stdout.readline())
    assert made["extractable"] is False
    read = [load_formats()["bound_cwt"].decode(code).holder_proof for code in codes]
    assert [proof.signed_at for proof in read if proof] == [*TIMES, now]
    documents = PublishedDocuments(Folder(city.settings.published), read_anchor(city.settings.anchor))
    known = documents.refresh(now)
    assert verify(codes[-1], known, now).reason == "accepted"
    reasons = {verify(code, known, now).reason.value for code in codes[:-1]}
    assert reasons == {"proof_stale", "proof_early"}, "each signature holds, only the time is another"
