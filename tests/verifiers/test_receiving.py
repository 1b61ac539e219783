"""The receiving key: made once, readable by its owner only, and a clear word when it cannot be used."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from verifiers.key_file import KeyFileInvalid
from verifiers.receiving import KEY_FILE, ReceivingKey
from walletpass.errors import PlateListInvalid


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    first = ReceivingKey.open(tmp_path / "verifier")
    assert ReceivingKey.open(tmp_path / "verifier").id == first.id
    assert stat.S_IMODE((tmp_path / "verifier" / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "verifier").stat().st_mode) == 0o700


def test_what_is_handed_over_is_public(tmp_path: Path) -> None:
    key = ReceivingKey.open(tmp_path)
    assert set(json.loads(key.public_jwk())) == {"kty", "crv", "x", "y"}
    secret = json.loads((tmp_path / KEY_FILE).read_bytes())["d"]
    assert secret not in key.public_jwk() and secret not in repr(key)


def test_two_processes_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(ReceivingKey.open(tmp_path).id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        json.dumps(ECKey.generate_key("P-256").as_dict(private=False)).encode(),
        json.dumps(ECKey.generate_key("P-384").as_dict(private=True)).encode(),
    ],
    ids=["empty", "cut off", "no object", "no key", "public only", "another curve"],
)
def test_a_file_that_holds_no_receiving_key_is_told_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(content)
    with pytest.raises(KeyFileInvalid):
        ReceivingKey.open(tmp_path)
    assert (tmp_path / KEY_FILE).read_bytes() == content


@pytest.mark.parametrize("text", ["", "a.b.c", "a.b.c.d.e", "ö", "." * 5000])
def test_what_is_not_encrypted_for_it_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(PlateListInvalid):
        ReceivingKey.open(tmp_path).decrypt(text)
