"""Keys in files: private, encrypted, whole or absent."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from keys.atomic_file import create_private, locked_folder, write_private
from keys.errors import KeyProblem, WrongPassphrase
from keys.issuing import new_ec_key, new_rsa_key
from keys.key_ring import KeyRing
from keys.local_signer import LocalSigner, key_id
from keys.signer import Role
from keys.signers import open_place
from keys.signers.file import MAX_PEM
from tests.keys.sample_city import NOW

PASSPHRASE = b"correct horse battery staple"


@pytest.fixture
def stored(tmp_path: Path, ring: KeyRing) -> Path:
    """A folder with one key, `credential-1`."""
    signer = ring.signer(Role.CREDENTIAL, NOW)
    open_place("file", tmp_path / "keys", PASSPHRASE).store("credential-1", signer.private_key, signer.chain)
    return tmp_path / "keys"


def test_a_key_comes_back_with_its_chain(stored: Path, ring: KeyRing) -> None:
    place, signer = open_place("file", stored, PASSPHRASE), ring.signer(Role.CREDENTIAL, NOW)
    assert place.load("credential-1").private_numbers() == signer.private_key.private_numbers()
    assert place.chain("credential-1") == signer.chain


def test_files_and_folder_are_for_their_owner_only(stored: Path) -> None:
    assert stat.S_IMODE(stored.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in stored.iterdir()} == {
        "credential-1.key.pem": 0o600,
        "credential-1.chain.pem": 0o600,
    }


def test_the_key_is_an_encrypted_pkcs8_pem(stored: Path) -> None:
    pem = (stored / "credential-1.key.pem").read_bytes()
    assert pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert isinstance(load_pem_private_key(pem, PASSPHRASE), ec.EllipticCurvePrivateKey)


@pytest.mark.parametrize("passphrase", [b"wrong", b"correct horse battery stapl", b"x" * 2000])
def test_a_wrong_passphrase_is_named(stored: Path, passphrase: bytes) -> None:
    with pytest.raises(WrongPassphrase, match="does not open the key credential-1"):
        open_place("file", stored, passphrase).load("credential-1")


def test_an_empty_passphrase_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(WrongPassphrase, match="empty"):
        open_place("file", tmp_path, b"")


def pem(key, encryption) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


DAMAGED = {
    "unencrypted": (pem(new_ec_key(), NoEncryption()), "not encrypted"),
    "another kind of key": (
        pem(ed25519.Ed25519PrivateKey.generate(), BestAvailableEncryption(PASSPHRASE)),
        "neither an EC nor an RSA key",
    ),
    "empty": (b"", "file is damaged"),
    "too large": (b"A" * (MAX_PEM + 1), "too large"),
}


@pytest.mark.parametrize(("content", "sentence"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_key_file_is_named(stored: Path, content: bytes, sentence: str) -> None:
    (stored / "credential-1.key.pem").write_bytes(content)
    with pytest.raises(KeyProblem, match=sentence):
        open_place("file", stored, PASSPHRASE).load("credential-1")


def test_missing_and_damaged_neighbours_are_named(stored: Path) -> None:
    place = open_place("file", stored, PASSPHRASE)
    with pytest.raises(KeyProblem, match="is missing"):
        place.load("credential-2")
    (stored / "credential-1.chain.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(KeyProblem, match="damaged"):
        place.chain("credential-1")


def test_an_unknown_place_is_refused() -> None:
    with pytest.raises(KeyProblem, match="No place"):
        open_place("../file", Path(), b"x")


def test_a_failed_write_leaves_the_old_file_whole_and_nothing_beside_it(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "ring.json"
    write_private(path, b"old")

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_private(path, b"new")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("ring.json", b"old")]


def test_creating_never_replaces(tmp_path: Path) -> None:
    create_private(tmp_path / "key", b"first")
    with pytest.raises(FileExistsError):
        create_private(tmp_path / "key", b"second")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("key", b"first")]


def test_what_a_killed_writer_left_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / ".ring.json.00.unfinished").write_bytes(b"half")
    (tmp_path / "other").write_bytes(b"stays")
    with locked_folder(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} == {".lock", "other"}


def test_an_ec_signature_is_the_raw_64_bytes() -> None:
    key = new_ec_key()
    signer = LocalSigner(Role.CREDENTIAL, key_id(key.public_key()), (), "", key)
    for n in range(600):  # about five of these have a leading zero byte in r or s
        signature = signer.sign(b"message %d" % n)
        assert len(signature) == 64
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        key.public_key().verify(encode_dss_signature(r, s), b"message %d" % n, ec.ECDSA(hashes.SHA256()))


def test_an_rsa_signature_is_pkcs1_with_sha256() -> None:
    key = new_rsa_key()
    signature = LocalSigner(Role.GOOGLE_SERVICE_ACCOUNT, b"", (), "", key).sign(b"message")
    key.public_key().verify(signature, b"message", padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        key.public_key().verify(signature, b"massage", padding.PKCS1v15(), hashes.SHA256())


def test_a_signer_shows_no_secret_when_printed(ring: KeyRing) -> None:
    signer = ring.signer(Role.CREDENTIAL, NOW)
    assert repr(signer) == f"<credential signer {signer.kid.hex()}>"
