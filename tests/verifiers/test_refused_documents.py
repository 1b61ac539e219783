"""Documents that nobody can read: each costs itself only, and is read and told once, not with every look."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.verifiers.counting_source import Counting
from tests.verifiers.sample_city import NOW, TYPES, SampleCity
from verifiers import published
from verifiers.documents import Document, Folder, Unchanged
from verifiers.published import RETRY, AnchorInvalid, PublishedDocuments, read_anchor
from verifiers.verification import verify
from walletpass.verdict import Outcome, Reason


def of_another_version(certificate: x509.Certificate) -> bytes:
    """The certificate in DER, said to be of X.509 version 6: the library has an exception of its own for that."""
    return certificate.public_bytes(Encoding.DER).replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05", 1)


def test_an_anchor_of_an_unknown_version_is_told_in_a_sentence(city: SampleCity, tmp_path: Path) -> None:
    lines = base64.encodebytes(of_another_version(city.ring.anchor_certificate))
    marks = b"-----%s CERTIFICATE-----\n"
    (tmp_path / "v6.pem").write_bytes(marks % b"BEGIN" + lines + marks % b"END")
    with pytest.raises(AnchorInvalid):
        read_anchor(tmp_path / "v6.pem")


def test_a_certificate_of_an_unknown_version_in_the_trust_list_keeps_no_other_document_from_being_read(
    city: SampleCity,
) -> None:
    documents = city.documents()
    documents.refresh(NOW)
    head, payload, signature = (city.published / "trust-list.jwt").read_bytes().split(b".")
    header = json.loads(base64.urlsafe_b64decode(head + b"=="))
    leaf = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
    header["x5c"][0] = base64.b64encode(of_another_version(leaf)).decode()
    changed = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=")
    city.write("trust-list.jwt", b".".join((changed, payload, signature)))
    city.statuses.set(7, 1)
    city.publish_statuses()
    assert verify(city.qr(), documents.refresh(NOW), NOW).reason is Reason.REVOKED


class Failing(Counting):
    """A source that fails in a way nobody foresaw when it is asked for these documents."""

    failing: tuple[str, ...] = ()

    def read(self, path: str, limit: int, tag: str = "") -> Document | Unchanged | None:
        if path in self.failing:
            raise RuntimeError("nobody foresaw this")
        return super().read(path, limit, tag)


@pytest.mark.parametrize("failing", ["trust-list.jwt", "status-lists.json", "status/1.cwt", "types"])
def test_no_document_keeps_the_others_from_being_read(city: SampleCity, failing: str) -> None:
    source = Failing(Folder(city.published))
    documents = PublishedDocuments(source, city.ring.anchor_certificate)
    documents.refresh(NOW)
    source.failing = tuple(f"{found.path()}.json" for found in TYPES) if failing == "types" else (failing,)
    city.statuses.set(7, 1)
    city.now += 1
    city.publish_statuses("jwt" if failing == "status/1.cwt" else "cwt")
    assert verify(city.qr(), documents.refresh(city.now), city.now).reason is Reason.REVOKED


@pytest.mark.parametrize("what", ["read_trust_list", "read_token", "from_document"])
def test_a_reader_that_fails_in_an_unforeseen_way_costs_one_document_and_no_start(
    city: SampleCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    city.documents(tmp_path / "cache").refresh(NOW)

    def fail(*_: object) -> None:
        raise x509.InvalidVersion("nobody foresaw this", 5)

    documents = city.documents(tmp_path / "cache")
    with monkeypatch.context() as broken:
        broken.setattr(published, what, fail)
        documents.recall(NOW)
        documents.refresh(NOW)
    assert verify(city.qr(), documents.refresh(NOW + RETRY), NOW + RETRY).outcome is Outcome.ACCEPTED


def test_what_was_refused_is_not_read_and_told_again_until_it_changes_or_time_has_passed(
    city: SampleCity, capfd: pytest.CaptureFixture[str]
) -> None:
    source = Counting(Folder(city.published))
    documents = PublishedDocuments(source, city.ring.anchor_certificate)
    documents.refresh(NOW)
    capfd.readouterr()
    refused = ["trust-list.jwt", "status/1.cwt"]
    for path in refused:
        city.write(path, b"broken")
    source.whole.clear()
    for later in range(30):
        documents.refresh(NOW + later)
    assert [path for path in source.whole if path != "status-lists.json"] == refused
    documents.refresh(NOW + RETRY)
    assert source.whole.count("trust-list.jwt") == 2
    told = "".join(capfd.readouterr())
    assert told.count("document_refused") == 2
    city.write("trust-list.jwt", b"broken otherwise")
    documents.refresh(NOW + RETRY)
    assert source.whole.count("trust-list.jwt") == 3


def test_a_list_from_the_future_is_taken_when_its_time_has_come(city: SampleCity) -> None:
    documents = city.documents()
    documents.refresh(NOW)
    text = city.qr()
    city.statuses.set(7, 1)
    city.now += 301
    city.publish_statuses()
    assert verify(text, documents.refresh(NOW), NOW).outcome is Outcome.ACCEPTED
    assert verify(text, documents.refresh(NOW + RETRY), NOW + RETRY).reason is Reason.REVOKED


def test_hostile_announcements_do_not_fill_the_memory(city: SampleCity) -> None:
    source = Failing(Folder(city.published))
    documents = PublishedDocuments(source, city.ring.anchor_certificate)
    for turn in range(6):
        uris = [f"https://karten.example/status/{turn}-{number}" for number in range(256)]
        city.write("status-lists.json", json.dumps({"status_lists": uris}).encode())
        source.failing = tuple(f"status/{turn}-{number}.cwt" for number in range(256))
        documents.refresh(NOW)
    assert len(documents._told) <= 1024
