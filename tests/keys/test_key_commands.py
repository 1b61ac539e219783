"""`walletpass keys …`, as it is typed."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from typer.testing import CliRunner, Result

from keys.cli import app
from keys.demo import create_demo_keys
from keys.errors import CertificateMismatch, KeyNotFound, KeyProblem, WrongPassphrase
from keys.issuing import make_apple_like_chain, new_rsa_key
from keys.key_ring import KeyRing
from keys.signer import Role
from tests.keys.sample_city import APPLE, CITY

PASSPHRASE = "correct horse battery staple"
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    create_demo_keys(KeyRing.open(home / "issuer" / "keys", PASSPHRASE.encode()), NOW, **CITY, **APPLE)
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    """A home whose ring was made just now: the commands read the real clock."""
    return Path(shutil.copytree(template, tmp_path / "home"))


def keys(home: Path, *words: str, **environment: str) -> Result:
    settings = {
        "WALLETPASS_HOME": str(home),
        "WALLETPASS_KEY_PASSPHRASE": PASSPHRASE,
        "WALLETPASS_APPLE_PASS_TYPE_IDENTIFIER": APPLE["pass_type_identifier"],
        "WALLETPASS_APPLE_TEAM_IDENTIFIER": APPLE["team_identifier"],
    }
    return CliRunner().invoke(app, words, env=settings | environment)


def listed(home: Path) -> list[dict]:
    return json.loads(keys(home, "list", "--json").stdout)


def test_list_shows_every_key_and_json_is_one_document(home: Path) -> None:
    shown = listed(home)
    assert sorted(key["role"] for key in shown) == sorted(Role)
    assert {key["state"] for key in shown} == {"signing"}
    lines = keys(home, "list").stdout.splitlines()
    assert len(lines) == len(shown) and lines[0].startswith(shown[0]["kid"])


def test_list_needs_no_passphrase(home: Path) -> None:
    assert keys(home, "list", WALLETPASS_KEY_PASSPHRASE="").exit_code == 0
    assert not (home / "issuer" / "key-passphrase").exists()


def test_an_empty_home_has_no_keys(tmp_path: Path) -> None:
    assert listed(tmp_path / "nowhere") == []


def test_rotate_lists_the_new_key_as_waiting(home: Path) -> None:
    result = keys(home, "rotate", "credential")
    assert result.exit_code == 0 and "walletpass publish" in result.stderr
    states = {key["kid"]: key["state"] for key in listed(home) if key["role"] == "credential"}
    assert states.pop(result.stdout.strip()) == "waiting"
    assert list(states.values()) == ["signing"]


def test_rotate_at_once_ends_the_old_key(home: Path) -> None:
    keys(home, "rotate", "credential", "--lead-days", "0", "--overlap-days", "0")
    assert sorted(key["state"] for key in listed(home) if key["role"] == "credential") == ["ended", "signing"]


def test_new_makes_a_key_for_one_pass_type(home: Path) -> None:
    kid = keys(home, "new", "credential", "--type", "library_card").stdout.strip()
    assert next(key for key in listed(home) if key["kid"] == kid)["pass_types"] == ["library_card"]


def test_withdraw_takes_a_key_out_for_good(home: Path) -> None:
    kid = next(key["kid"] for key in listed(home) if key["role"] == "status-list")
    assert isinstance(keys(home, "withdraw", kid).exception, KeyProblem), "the only one"
    assert keys(home, "new", "status-list", "--lead-days", "0").exit_code == 0
    assert keys(home, "withdraw", kid).exit_code == 0
    assert next(key for key in listed(home) if key["kid"] == kid)["state"] == "withdrawn"
    for wrong in (kid, "00", "no-kid"):
        assert isinstance(keys(home, "withdraw", wrong).exception, KeyNotFound)


def test_import_takes_the_apple_certificate(home: Path, tmp_path: Path) -> None:
    key = new_rsa_key()
    leaf, middle = make_apple_like_chain(key, NOW, **APPLE)
    bundle = tmp_path / "pass.p12"
    encryption = BestAvailableEncryption(b"secret")
    bundle.write_bytes(pkcs12.serialize_key_and_certificates(None, key, leaf, [middle], encryption))
    wrong = keys(home, "import", "apple-pass", str(bundle), WALLETPASS_IMPORT_PASSWORD="wrong")
    assert isinstance(wrong.exception, WrongPassphrase)
    other = keys(home, "import", "apple-pass", str(bundle), "--password", "secret", "--team-identifier", "X")
    assert isinstance(other.exception, CertificateMismatch)
    result = keys(home, "import", "apple-pass", str(bundle), WALLETPASS_IMPORT_PASSWORD="secret")
    assert result.exit_code == 0, result.exception
    states = {entry["kid"]: entry["state"] for entry in listed(home) if entry["role"] == "apple-pass"}
    assert states.pop(result.stdout.strip()) == "signing" and list(states.values()) == ["ended"]


def test_import_names_a_missing_file_and_one_too_many(home: Path) -> None:
    missing = keys(home, "import", "google-service-account", str(home / "none.json"))
    assert isinstance(missing.exception, KeyProblem) and "cannot be read" in missing.exception.sentence
    file = str(home / "issuer" / "keys" / "ring.json")
    assert keys(home, "import", "google-service-account", file, file).exit_code == 2
    assert isinstance(keys(home, "import", "google-service-account", file).exception, KeyProblem)


@pytest.mark.parametrize("words", [("rotate", "anchor"), ("new",), ("import", "credential", "x"), ("publish",)])
def test_wrong_usage_is_two(home: Path, words: tuple[str, ...]) -> None:
    assert keys(home, *words).exit_code == 2


def test_a_wrong_passphrase_stops_every_change(home: Path) -> None:
    before = (home / "issuer" / "keys" / "ring.json").read_bytes()
    result = keys(home, "rotate", "credential", WALLETPASS_KEY_PASSPHRASE="another passphrase")
    assert isinstance(result.exception, WrongPassphrase)
    assert (home / "issuer" / "keys" / "ring.json").read_bytes() == before
