"""Published documents: forged, old, broken or huge ones count as absent, and the last good ones serve."""

from __future__ import annotations

import json
import os
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keys.signer import Role
from keys.trust_list import sign_trust_list
from tests.verifiers.counting_source import Counting
from tests.verifiers.sample_city import DAY, HOUR, LIST_URI, NOW, TYPES, SampleCity
from verifiers.documents import Folder
from verifiers.published import AnchorInvalid, PublishedDocuments, read_anchor
from verifiers.verification import verify
from walletpass.status_list import MAX_LIST, compress
from walletpass.verdict import Outcome, Reason

TYPE_DOCUMENTS = {f"{found.path()}.json" for found in TYPES}


def bomb() -> bytes:
    packer = zlib.compressobj(9)
    return packer.compress(bytes(MAX_LIST + 1)) + packer.flush()


FORGED_LISTS: dict[str, Callable[[SampleCity, str], bytes]] = {
    "signed by the credential key": lambda city, form: city.status_token(form, role=Role.CREDENTIAL),
    "signed by the trust list key": lambda city, form: city.status_token(form, role=Role.TRUST_LIST),
    "about another URI": lambda city, form: city.status_token(form, uri=LIST_URI + "1"),
    "signed before its key's time": lambda city, form: city.status_token(form, issued_at=NOW - DAY),
    "from the future": lambda city, form: city.status_token(form, issued_at=NOW + 301),
    "cut off": lambda city, form: city.status_token(form)[:-1],
    "one byte changed": lambda city, form: _flip(city.status_token(form)),
    "followed by something": lambda city, form: city.status_token(form) + b"\x00",
    "a bomb": lambda city, form: city.status_token(form, packed=bomb()),
    "not compressed": lambda city, form: city.status_token(form, packed=b"\x00" * 64),
    "compressed and cut": lambda city, form: city.status_token(form, packed=compress(bytes(256))[:-1]),
    "garbage": lambda _, __: os.urandom(300),
    "empty": lambda _, __: b"",
    "a page": lambda _, __: b"<!doctype html><title>Gateway timeout</title>",
    "nested": lambda _, __: b"\xd2" + b"\x81" * 5000,
}


def _flip(token: bytes) -> bytes:
    changed = bytearray(token)
    changed[-70] ^= 1
    return bytes(changed)


@pytest.mark.parametrize("form", ["cwt", "jwt"])
@pytest.mark.parametrize("forge", FORGED_LISTS.values(), ids=FORGED_LISTS)
def test_a_status_list_that_fails_a_check_counts_as_absent(
    city: SampleCity, forge: Callable[[SampleCity, str], bytes], form: str
) -> None:
    documents = city.documents()
    (city.published / "status/1.cwt").unlink()
    city.write(f"status/1.{form}", forge(city, form))
    assert verify(city.qr(), documents.refresh(NOW), NOW).reason is Reason.STATUS_UNAVAILABLE
    city.statuses.set(7, 2)
    city.publish_statuses(form)
    assert verify(city.qr(), documents.refresh(NOW), NOW).reason is Reason.SUSPENDED
    city.write(f"status/1.{form}", forge(city, form))
    assert verify(city.qr(), documents.refresh(NOW), NOW).reason is Reason.SUSPENDED


def test_a_bomb_costs_little_memory(city: SampleCity) -> None:
    packer = zlib.compressobj(9)
    packed = b"".join([packer.compress(bytes(1 << 20)) for _ in range(256)]) + packer.flush()
    city.write("status/1.cwt", city.status_token(packed=packed))
    tracemalloc.start()
    city.known()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 << 20


def test_the_jwt_serves_where_the_cwt_is_broken(city: SampleCity) -> None:
    city.statuses.set(7, 1)
    city.publish_statuses("jwt")
    city.write("status/1.cwt", b"broken")
    assert verify(city.qr(), city.known(), NOW).reason is Reason.REVOKED


def test_an_older_status_list_is_not_taken_and_one_of_the_same_second_is(city: SampleCity) -> None:
    documents = city.documents()
    old = city.status_token()
    city.now += HOUR
    city.statuses.set(7, 1)
    city.publish_statuses()
    assert verify(city.qr(), documents.refresh(city.now), city.now).reason is Reason.REVOKED
    city.write("status/1.cwt", old)
    assert verify(city.qr(), documents.refresh(city.now), city.now).reason is Reason.REVOKED
    city.statuses.set(7, 2)
    city.publish_statuses()
    assert verify(city.qr(), documents.refresh(city.now), city.now).reason is Reason.SUSPENDED


def test_a_status_list_falls_with_the_key_that_signed_it(city: SampleCity) -> None:
    documents = city.documents()
    assert verify(city.qr(), documents.refresh(NOW), NOW).outcome is Outcome.ACCEPTED
    without, again = city.trust_list(), city.trust_list()
    keys = tuple(key for key in without.keys if key.role is not Role.STATUS_LIST)
    signer = city.signer(Role.TRUST_LIST)
    city.write("trust-list.jwt", sign_trust_list(replace(without, keys=keys), signer))
    assert verify(city.qr(), documents.refresh(NOW), NOW).reason is Reason.STATUS_UNAVAILABLE
    city.write("trust-list.jwt", sign_trust_list(again, signer))
    assert verify(city.qr(), documents.refresh(NOW), NOW).outcome is Outcome.ACCEPTED


def test_a_status_list_stays_when_its_key_only_gets_an_end(city: SampleCity) -> None:
    documents = city.documents()
    documents.refresh(NOW)
    (city.published / "status/1.cwt").unlink()
    city.publish(lambda key: replace(key, sign_until=NOW + DAY))
    (city.published / "status/1.cwt").unlink()
    assert verify(city.qr(), documents.refresh(NOW), NOW).outcome is Outcome.ACCEPTED


def forged_trust_lists(city: SampleCity) -> dict[str, bytes]:
    listed = city.trust_list()
    stranger = SampleCity(city.home / "stranger")
    genuine = sign_trust_list(listed, city.signer(Role.TRUST_LIST))
    return {
        "another anchor": sign_trust_list(stranger.trust_list(), stranger.signer(Role.TRUST_LIST)),
        "cut off": genuine[:-1],
        "changed": genuine[:500] + b"A" + genuine[501:],
        "garbage": os.urandom(200),
        "empty": b"",
        "from the future": sign_trust_list(
            replace(listed, issued_at=NOW + 301, expires_at=NOW + DAY), city.signer(Role.TRUST_LIST)
        ),
        "too large": genuine + b" " * (1 << 20),
    }


def test_a_forged_trust_list_counts_as_absent_and_the_last_good_one_serves(city: SampleCity) -> None:
    good = city.documents()
    good.refresh(NOW)
    for how, token in forged_trust_lists(city).items():
        city.write("trust-list.jwt", token)
        assert verify(city.qr(), city.known(), NOW).reason is Reason.TRUST_LIST_STALE, how
        assert verify(city.qr(), good.refresh(NOW), NOW).outcome is Outcome.ACCEPTED, how


@pytest.mark.parametrize("older", [{"version": 1}, {"issued_at": NOW - 1}])
def test_an_older_trust_list_is_not_taken(city: SampleCity, older: dict[str, Any]) -> None:
    documents = city.documents()
    city.publish()
    city.publish(lambda key: None if key.role is Role.CREDENTIAL else key)
    assert verify(city.qr(), documents.refresh(NOW), NOW).reason is Reason.UNKNOWN_KEY
    city.publish(**older)
    assert verify(city.qr(), documents.refresh(NOW), NOW).reason is Reason.UNKNOWN_KEY
    city.publish()
    assert verify(city.qr(), documents.refresh(NOW), NOW).outcome is Outcome.ACCEPTED


def test_what_was_seen_serves_after_a_restart_without_the_source(city: SampleCity, tmp_path: Path) -> None:
    city.statuses.set(7, 2)
    city.publish_statuses()
    city.documents(tmp_path / "cache").refresh(NOW)
    for file in sorted(city.published.rglob("*.*")):
        file.unlink()
    documents = city.documents(tmp_path / "cache")
    assert verify(city.qr(), documents.recall(NOW), NOW).reason is Reason.SUSPENDED
    assert verify(city.qr(), documents.refresh(NOW), NOW).reason is Reason.SUSPENDED


def test_nothing_older_than_seen_is_taken_after_a_restart(city: SampleCity, tmp_path: Path) -> None:
    old_trust, old_list = ((city.published / name).read_bytes() for name in ("trust-list.jwt", "status/1.cwt"))
    city.now += HOUR
    city.statuses.set(7, 1)
    city.publish()
    city.documents(tmp_path / "cache").refresh(city.now)
    city.write("trust-list.jwt", old_trust)
    city.write("status/1.cwt", old_list)
    documents = city.documents(tmp_path / "cache")
    documents.recall(city.now)
    known = documents.refresh(city.now)
    assert verify(city.qr(), known, city.now).reason is Reason.REVOKED
    assert known.trust_list is not None and known.trust_list.version == 2


def test_the_cache_is_checked_like_anything_else(city: SampleCity, tmp_path: Path) -> None:
    city.documents(tmp_path / "cache").refresh(NOW)
    stranger = SampleCity(tmp_path / "stranger")
    assert stranger.documents(tmp_path / "cache").recall(NOW).trust_list is None
    for file in (tmp_path / "cache").rglob("*.*"):
        file.write_bytes(b"spoilt")
    assert city.documents(tmp_path / "cache").recall(NOW).trust_list is None
    assert verify(city.qr(), city.documents(tmp_path / "cache").refresh(NOW), NOW).outcome is Outcome.ACCEPTED


def test_a_cache_that_cannot_be_written_costs_no_verdict(city: SampleCity, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    assert verify(city.qr(), city.documents(tmp_path / "cache").refresh(NOW), NOW).outcome is Outcome.ACCEPTED


def test_a_full_disk_leaves_the_old_cache_whole(
    city: SampleCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = city.documents(tmp_path / "cache")
    documents.refresh(NOW)
    before = {file: file.read_bytes() for file in (tmp_path / "cache").rglob("*.*")}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    city.now += HOUR
    city.statuses.set(7, 1)
    city.publish()
    assert verify(city.qr(), documents.refresh(city.now), city.now).reason is Reason.REVOKED
    assert {file: file.read_bytes() for file in (tmp_path / "cache").rglob("*.*")} == before


def test_only_what_changed_is_read_again(city: SampleCity) -> None:
    source = Counting(Folder(city.published))
    documents = PublishedDocuments(source, city.ring.anchor_certificate)
    documents.refresh(NOW)
    source.whole.clear()
    documents.refresh(NOW)
    assert source.whole == ["status-lists.json"]
    city.statuses.set(7, 1)
    city.now += 1
    city.publish_statuses()
    assert verify(city.qr(), documents.refresh(city.now), city.now).reason is Reason.REVOKED
    assert source.whole == ["status-lists.json", "status-lists.json", "status/1.cwt"]


@pytest.mark.parametrize(
    "announced",
    [
        b"{",
        b"[]",
        b'{"status_lists": 7}',
        b'{"status_lists": [7, null]}',
        b'{"status_lists": ["https://karten.example/status/.."]}',
        b'{"status_lists": ["../../anchor.pem", "", "status/%2e%2e", "a/1?b", "a/1#", "a/ ", "a/..\\\\x"]}',
        b"[" * 100_000,
    ],
)
def test_a_broken_announcement_never_reads_elsewhere_and_known_lists_stay_fresh(
    city: SampleCity, announced: bytes
) -> None:
    source = Counting(Folder(city.published))
    documents = PublishedDocuments(source, city.ring.anchor_certificate)
    documents.refresh(NOW)
    city.now += HOUR
    city.statuses.set(7, 1)
    city.publish_statuses()
    city.write("status-lists.json", announced)
    source.whole.clear()
    assert verify(city.qr(), documents.refresh(city.now), city.now).reason is Reason.REVOKED
    assert set(source.whole) <= {"status-lists.json", "status/1.cwt"}
    assert source.asked <= {"trust-list.jwt", "status-lists.json", "status/1.cwt", "status/1.jwt"} | TYPE_DOCUMENTS


def test_a_foreign_address_in_the_announcement_is_read_below_our_own_place_only(city: SampleCity) -> None:
    city.write("status-lists.json", json.dumps({"status_lists": ["https://evil.example/status/1"]}).encode())
    assert verify(city.qr(), city.known(), NOW).reason is Reason.STATUS_UNAVAILABLE


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_missing_or_broken_anchor_is_told_in_a_sentence(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "anchor.pem").write_bytes(content)
    with pytest.raises(AnchorInvalid) as refusal:
        read_anchor(tmp_path / "anchor.pem")
    assert "anchor.pem" in refusal.value.sentence
