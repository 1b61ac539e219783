"""The archive, its manifest and its signature."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from issuers.settings import IssuerSettings
from issuers.wallets.apple import MEDIA_TYPE, build
from issuers.wallets.apple.cms import DetachedSignature
from keys.errors import CertificateMismatch, KeyNotFound
from tests.issuers.wallets.apple.apple_cms import OID_SIGNING_TIME, judges, signer_info
from tests.issuers.wallets.apple.apple_pass import NOW, TYPES, carry, demo_signer, opened


def test_a_pass_is_a_flat_archive_with_pictures_both_languages_manifest_and_signature(wallet):
    offer = wallet.offer(carry(TYPES["social_pass"]), "pkpass", NOW)
    assert (offer.media_type, offer.file_name) == (MEDIA_TYPE, "social_pass-k3V9xQ.pkpass")
    pictures = [f"{name}{size}.png" for name in ("icon", "logo") for size in ("", "@2x", "@3x")]
    strings = ["de.lproj/pass.strings", "en.lproj/pass.strings"]
    assert list(opened(offer).files) == [*strings, *pictures, "pass.json", "manifest.json", "signature"]


def test_the_archive_is_byte_for_byte_what_a_strict_reader_expects(wallet):
    body = wallet.offer(carry(TYPES["library_card"]), "pkpass", NOW).body
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        for entry in archive.infolist():
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert entry.compress_type == zipfile.ZIP_STORED and entry.flag_bits == 0
            assert entry.external_attr >> 16 == 0o100644
            assert body[entry.header_offset :].startswith(b"PK\3\4")
        size = sum(30 + len(e.filename) + e.file_size + 46 + len(e.filename) for e in archive.infolist())
    assert len(body) == size + 22, "nothing lies between or behind the entries"


@pytest.mark.parametrize("pass_type", TYPES)
def test_the_manifest_names_every_other_file_with_its_sha_1(offered, pass_type):
    files = offered(pass_type).files
    rest = {name: content for name, content in files.items() if name not in ("manifest.json", "signature")}
    expected = {name: hashlib.sha1(content).hexdigest() for name, content in rest.items()}
    assert json.loads(files["manifest.json"]) == expected


@pytest.mark.parametrize("pass_type", TYPES)
def test_the_signature_fits_the_manifest_and_no_other_bytes(offered, signer, tmp_path, pass_type):
    files = offered(pass_type).files
    signature, manifest = files["signature"], files["manifest.json"]
    for judge in judges(tmp_path):
        assert judge(signature, manifest, signer.chain[1])
        assert not judge(signature, manifest.replace(b"a", b"b", 1), signer.chain[1])
        assert not judge(signature[:-1] + bytes([signature[-1] ^ 1]), manifest, signer.chain[1])


def test_the_signature_is_detached_tells_its_time_and_brings_certificate_and_intermediate(offered, signer):
    signature = offered("volunteer_card").files["signature"]
    attributes, _, _, content = signer_info(signature)
    assert len(content) == 1, "the content type alone, no content"
    assert attributes[OID_SIGNING_TIME] == b"270115093000Z"
    assert set(pkcs7.load_der_pkcs7_certificates(signature)) == set(signer.chain)


def test_line_feeds_in_the_manifest_are_signed_as_they_are(wallet, signer, tmp_path):
    signature = wallet._manifest_signer().sign(b"one\ntwo\r\n", NOW)
    for judge in judges(tmp_path):
        assert judge(signature, b"one\ntwo\r\n", signer.chain[1])


@pytest.mark.parametrize(
    ("identifier", "team", "word"),
    [
        ("pass.de.example.other", "DEMOTEAM01", "pass.de.example.other"),
        ("pass.de.example.walletpass", "OTHERTEAM1", "team OTHERTEAM1"),
    ],
)
def test_a_certificate_of_another_pass_type_or_team_is_refused_before_signing(settings, identifier, team, word):
    stranger = demo_signer(identifier, team)
    with pytest.raises(CertificateMismatch, match=word):
        build(settings, lambda role: stranger).offer(carry(TYPES["library_card"]), "pkpass", NOW)


@pytest.mark.parametrize(("days", "word"), [(-400, "valid from"), (800, "ended on")])
def test_a_certificate_outside_its_time_is_refused_even_after_it_was_used(wallet, days, word):
    wallet.offer(carry(TYPES["library_card"]), "pkpass", NOW)
    with pytest.raises(CertificateMismatch, match=word):
        wallet.offer(carry(TYPES["library_card"]), "pkpass", NOW + timedelta(days=days))


def test_a_renewed_certificate_signs_the_next_pass(settings, signer):
    renewed = demo_signer(settings.apple_pass_type_identifier, settings.apple_team_identifier)
    at_hand = [signer]
    wallet = build(settings, lambda role: at_hand[-1])
    leaves = []
    for _ in range(2):
        signature = opened(wallet.offer(carry(TYPES["family_card"]), "pkpass", NOW)).files["signature"]
        leaves.append(signer_info(signature) and set(pkcs7.load_der_pkcs7_certificates(signature)))
        at_hand.append(renewed)
    assert leaves == [set(signer.chain), set(renewed.chain)]


def test_the_signature_is_what_a_general_library_writes(signer):
    leaf, intermediate = signer.chain
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"manifest").add_signer(leaf, signer.private_key, SHA256())
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCapabilities]
    theirs = builder.add_certificate(intermediate).sign(Encoding.DER, options)
    signed_at = signer_info(theirs)[0][OID_SIGNING_TIME].decode().replace("Z", "+0000")
    now = datetime.strptime(signed_at, "%y%m%d%H%M%S%z")
    ours = DetachedSignature(leaf, intermediate, signer.sign).of(b"manifest", now)
    assert ours == theirs


def test_a_missing_key_is_the_callers_to_hear(settings):
    def none(role):
        raise KeyNotFound(f"No key signs as {role}.")

    with pytest.raises(KeyNotFound):
        build(settings, none).offer(carry(TYPES["library_card"]), "pkpass", NOW)


def test_the_identifiers_come_from_the_settings(tmp_path):
    settings = IssuerSettings(apple_pass_type_identifier="pass.de.ort.x", apple_team_identifier="ABCDE12345")
    signer = demo_signer("pass.de.ort.x", "ABCDE12345")
    made = opened(build(settings, lambda role: signer).offer(carry(TYPES["library_card"]), "pkpass", NOW)).json
    assert (made["passTypeIdentifier"], made["teamIdentifier"]) == ("pass.de.ort.x", "ABCDE12345")
