"""The ring: which key signs when, what other processes see, and what a kill leaves behind."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from keys.certificates import check_chain
from keys.demo import create_demo_keys
from keys.errors import CertificateMismatch, KeyNotFound, KeyProblem, WrongPassphrase
from keys.issuing import make_signer_certificate, new_ec_key
from keys.key_ring import KeyRing
from keys.rotation import ISSUED_ROLES, new_key
from keys.signer import Role
from tests.keys.sample_city import APPLE, CITY, NOW

PASSPHRASE = b"correct horse battery staple"
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ring") / "keys"
    create_demo_keys(KeyRing.open(folder, PASSPHRASE), NOW, **CITY, **APPLE)
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A ring in files, complete."""
    return Path(shutil.copytree(template, tmp_path / "keys"))


def test_a_complete_ring_opens_again_and_signs_in_every_role(folder: Path) -> None:
    ring = KeyRing.open(folder, PASSPHRASE)
    for role in Role:
        signer = ring.signer(role, NOW)
        assert signer.role is role and signer.sign(b"message")
        assert ring.anchor_certificate not in signer.chain or role is Role.ANCHOR
    assert ring.signer(Role.GOOGLE_SERVICE_ACCOUNT, NOW).chain == ()
    assert ring.signer(Role.GOOGLE_SERVICE_ACCOUNT, NOW).subject.endswith(".gserviceaccount.com")


def test_a_key_is_opened_once(folder: Path) -> None:
    ring = KeyRing.open(folder, PASSPHRASE)
    assert ring.signer(Role.APPLE_PASS, NOW) is ring.signer(Role.APPLE_PASS, NOW + HOUR)


def test_a_wrong_passphrase_is_told_when_the_ring_opens(folder: Path) -> None:
    with pytest.raises(WrongPassphrase):
        KeyRing.open(folder, b"wrong passphrase")


def test_making_the_demo_keys_twice_changes_nothing(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    create_demo_keys(KeyRing.open(folder, PASSPHRASE), NOW + timedelta(days=3), **CITY, **APPLE)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_running_process_sees_what_another_changes(folder: Path) -> None:
    running, other = KeyRing.open(folder, PASSPHRASE), KeyRing.open(folder, PASSPHRASE)
    old = running.signer(Role.CREDENTIAL, NOW)
    new = new_key(other, Role.CREDENTIAL, NOW)
    assert running.signer(Role.CREDENTIAL, NOW).kid == new.kid != old.kid
    other.withdraw(new.kid, NOW)
    assert running.signer(Role.CREDENTIAL, NOW) is old


def test_the_newest_key_whose_window_holds_signs(ring: KeyRing) -> None:
    first = ring.signer(Role.CREDENTIAL, NOW)
    later = new_key(ring, Role.CREDENTIAL, NOW, lead=timedelta(days=2))
    assert ring.signer(Role.CREDENTIAL, NOW + timedelta(days=1)) is first
    assert ring.signer(Role.CREDENTIAL, NOW + timedelta(days=2)).kid == later.kid


def test_a_key_may_sign_from_the_full_hour_so_that_rounded_times_lie_in_its_window(ring: KeyRing) -> None:
    entry = ring.entries()[-1]
    assert entry.sign_from == NOW.replace(minute=0, second=0, microsecond=0)
    assert ring.listed_keys(NOW)[-1].sign_from == int(NOW.timestamp()) // 3600 * 3600


def test_a_key_ends_with_its_certificate(ring: KeyRing) -> None:
    with pytest.raises(KeyNotFound, match=r"No credential key can sign now\. .* add one with: walletpass keys new"):
        ring.signer(Role.CREDENTIAL, NOW + timedelta(days=457))
    assert all(key.sign_until is not None for key in ring.listed_keys(NOW))


def test_a_missing_imported_key_says_how_to_get_one(ring: KeyRing) -> None:
    with pytest.raises(KeyNotFound, match="walletpass keys import apple-pass"):
        ring.signer(Role.APPLE_PASS, NOW)


def test_an_empty_ring_says_that_there_is_no_anchor() -> None:
    with pytest.raises(KeyNotFound, match="walletpass init"):
        _ = KeyRing.in_memory().anchor_certificate


def test_the_trust_list_gets_the_keys_under_the_anchor_that_are_not_withdrawn(demo_ring: KeyRing, ring) -> None:
    assert {key.role for key in demo_ring.listed_keys(NOW)} == set(ISSUED_ROLES)
    for key in demo_ring.listed_keys(NOW):
        check_chain(key.certificate, (), demo_ring.anchor_certificate, NOW)
    old, new = ring.signer(Role.STATUS_LIST, NOW).kid, new_key(ring, Role.STATUS_LIST, NOW).kid
    ring.withdraw(old, NOW)
    assert [key.kid for key in ring.listed_keys(NOW) if key.role is Role.STATUS_LIST] == [new]
    assert [key.kid for key in ring.listed_keys(NOW - HOUR) if key.role is Role.STATUS_LIST] == [old, new]
    assert ring.signer(Role.STATUS_LIST, NOW).kid == new


def test_a_key_is_withdrawn_once_and_only_if_it_exists(ring: KeyRing) -> None:
    kid = ring.signer(Role.CREDENTIAL, NOW).kid
    new_key(ring, Role.CREDENTIAL, NOW)
    ring.withdraw(kid, NOW)
    for again in (kid, b"12345678"):
        with pytest.raises(KeyNotFound, match="could be withdrawn"):
            ring.withdraw(again, NOW)


def test_a_key_is_not_added_twice_nor_with_a_strangers_certificate(ring: KeyRing) -> None:
    signer = ring.signer(Role.CREDENTIAL, NOW)
    with pytest.raises(KeyProblem, match="already in the ring"):
        ring.add(Role.CREDENTIAL, signer.private_key, signer.chain, NOW)
    with pytest.raises(CertificateMismatch, match="does not belong"):
        ring.add(Role.CREDENTIAL, new_ec_key(), signer.chain, NOW)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("", "damaged"), ("[]", "damaged"), ('{"format": 1, "keys": [{}]}', "damaged"), ('{"format": 2}', "version")],
)
def test_a_damaged_index_is_named(folder: Path, content: str, sentence: str) -> None:
    (folder / "ring.json").write_text(content)
    with pytest.raises(KeyProblem, match=sentence):
        KeyRing.open(folder, PASSPHRASE)


def test_swapped_certificates_are_noticed(folder: Path) -> None:
    ring = KeyRing.open(folder, PASSPHRASE)
    own = next(folder.glob("credential-*.chain.pem"))
    own.write_bytes(next(folder.glob("status-list-*.chain.pem")).read_bytes())
    with pytest.raises(CertificateMismatch, match="not the one in the ring"):
        KeyRing.open(folder, PASSPHRASE)
    anchor, anchor_key = ring.anchor_certificate, ring.signer(Role.ANCHOR, NOW).private_key
    signer, key = ring.signer(Role.TRUST_LIST, NOW), new_ec_key()
    ring.add(Role.TRUST_LIST, key, (make_signer_certificate(key, Role.TRUST_LIST, anchor, anchor_key, NOW),), NOW)
    files = sorted(folder.glob("trust-list-*.key.pem"))
    first, second = (file.read_bytes() for file in files)
    files[0].write_bytes(second)
    files[1].write_bytes(first)
    with pytest.raises(CertificateMismatch, match="belongs to another key"):
        ring.signer(Role.TRUST_LIST, NOW + HOUR)
    assert signer.sign(b"message")


def test_the_index_holds_no_secret(folder: Path) -> None:
    index = json.loads((folder / "ring.json").read_text())
    assert set(index["keys"][0]) == {
        *("uri", "role", "kid", "subject", "pass_types"),
        *("sign_from", "sign_until", "withdrawn_at", "certificate_until"),
    }


CREATE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from keys.demo import create_demo_keys
from keys.key_ring import KeyRing
ring = KeyRing.open(Path(sys.argv[1]), b"correct horse battery staple")
print("ready", flush=True)
create_demo_keys(ring, datetime(2026, 11, 23, 12, tzinfo=UTC), public_url="https://karten.example", city_name="Stadt",
                 pass_type_identifier="pass.example.city", team_identifier="TEAM012345")
"""


def test_a_kill_at_any_moment_leaves_a_ring_that_the_next_call_completes(tmp_path: Path) -> None:
    folder, made = tmp_path / "keys", 0
    for pause in (0.0, 0.004, 0.01, 0.03):
        process = subprocess.Popen([sys.executable, "-c", CREATE, str(folder)], stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        time.sleep(pause)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        ring = KeyRing.open(folder, PASSPHRASE)
        for entry in ring.entries():
            assert ring.signer(entry.role, NOW).sign(b"message")
        assert len(ring.entries()) >= made
        made = len(ring.entries())
    create_demo_keys(ring, NOW, **CITY, **APPLE)
    assert sorted(entry.role for entry in ring.entries()) == sorted(Role)
    assert not list(folder.glob(".*.unfinished"))


def _create(folder: Path) -> None:
    create_demo_keys(KeyRing.open(folder, PASSPHRASE), NOW, **CITY, **APPLE)


def test_two_processes_at_once_make_one_set_of_keys(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("spawn")
    both = [fork.Process(target=_create, args=(tmp_path / "keys",)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(30)
    assert [process.exitcode for process in both] == [0, 0]
    assert sorted(entry.role for entry in KeyRing.open(tmp_path / "keys", PASSPHRASE).entries()) == sorted(Role)


def test_neither_the_anchor_nor_the_only_key_of_a_role_can_be_withdrawn(ring: KeyRing) -> None:
    before = ring.entries()
    for entry in before:
        with pytest.raises(KeyProblem):
            ring.withdraw(entry.kid, NOW)
    assert ring.entries() == before
