"""Certificates: what we make follows its profile, and what does not fit is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from keys.certificates import EXTENDED_KEY_USAGES, check_apple, check_chain, check_role
from keys.errors import CertificateMismatch
from keys.issuing import (
    _authority_certificate,
    make_anchor,
    make_apple_like_chain,
    make_signer_certificate,
    new_ec_key,
    new_rsa_key,
)
from keys.key_ring import KeyRing
from keys.rotation import ISSUED_ROLES
from keys.signer import Role
from tests.keys.sample_city import APPLE, CITY, NOW


def leaf_of(ring, role):
    return ring.signer(role, NOW).chain[0]


def variant(
    ring,
    *,
    usages=None,
    critical=True,
    ca=None,
    key=None,
    more=None,
    digital=True,
    issuer=None,
    subject=None,
    digest=None,
):
    """A certificate under the ring's anchor that differs from the profile in one point."""
    anchor, anchor_key = ring.anchor_certificate, ring.signer(Role.ANCHOR, NOW).private_key
    key = key or new_ec_key()
    usage = dict.fromkeys(
        [
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ],
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject or x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "odd")]))
        .issuer_name(issuer or anchor.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=100))
        .add_extension(x509.KeyUsage(digital_signature=digital, key_cert_sign=not digital, **usage), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(anchor_key.public_key()),
            critical=False,
        )
    )
    if usages is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=critical)
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    if more is not None:
        builder = builder.add_extension(more, critical=True)
    return builder.sign(anchor_key, digest or hashes.SHA256())


def test_every_signer_fits_its_role_and_hangs_under_the_anchor(ring: KeyRing) -> None:
    check_role(ring.anchor_certificate, Role.ANCHOR)
    for role in ISSUED_ROLES:
        check_role(leaf_of(ring, role), role)
        check_chain(leaf_of(ring, role), (), ring.anchor_certificate, NOW)


@pytest.mark.parametrize("role", ISSUED_ROLES)
@pytest.mark.parametrize("other", [*ISSUED_ROLES, Role.ANCHOR])
def test_no_certificate_serves_another_role(ring: KeyRing, role: Role, other: Role) -> None:
    certificate = ring.anchor_certificate if other is Role.ANCHOR else leaf_of(ring, other)
    if other is role:
        return check_role(certificate, role)
    with pytest.raises(CertificateMismatch):
        check_role(certificate, role)


def test_an_independent_verifier_accepts_the_path_and_refuses_another_root(ring: KeyRing, new_ring) -> None:
    def verifier(anchor):
        free = ExtensionPolicy.permit_all()
        root = free.require_present(x509.BasicConstraints, Criticality.CRITICAL, None)
        builder = PolicyBuilder().store(Store([anchor])).time(NOW)
        return builder.extension_policies(ca_policy=root, ee_policy=free).build_client_verifier()

    leaf = leaf_of(ring, Role.CREDENTIAL)
    assert verifier(ring.anchor_certificate).verify(leaf, []).chain == [leaf, ring.anchor_certificate]
    with pytest.raises(VerificationError):
        verifier(new_ring().anchor_certificate).verify(leaf, [])


def test_the_anchor_follows_the_root_profile(ring: KeyRing) -> None:
    anchor = ring.anchor_certificate
    assert anchor.not_valid_after_utc - anchor.not_valid_before_utc <= timedelta(days=20 * 365.25)
    assert anchor.not_valid_before_utc == (NOW - timedelta(days=1)).replace(microsecond=0)
    assert [a.value for a in anchor.subject.get_attributes_for_oid(NameOID.COUNTRY_NAME)] == ["DE"]
    assert "Düsseldorf" in anchor.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    found = {extension.oid._name: extension for extension in anchor.extensions}
    assert {name for name, extension in found.items() if extension.critical} == {"basicConstraints", "keyUsage"}
    assert found["basicConstraints"].value.path_length == 0
    assert found["issuerAltName"].value.get_values_for_type(x509.UniformResourceIdentifier) == [CITY["public_url"]]
    point = found["cRLDistributionPoints"].value[0]
    assert point.full_name[0].value.startswith(CITY["public_url"]) and not point.reasons and not point.crl_issuer


def test_a_signer_follows_the_document_signer_profile(ring: KeyRing) -> None:
    leaf, anchor = leaf_of(ring, Role.CREDENTIAL), ring.anchor_certificate
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=457)
    assert leaf.not_valid_before_utc <= NOW - timedelta(days=1)
    found = {extension.oid._name: extension for extension in leaf.extensions}
    assert {name for name, extension in found.items() if extension.critical} == {"extendedKeyUsage", "keyUsage"}
    assert [usage.dotted_string for usage in found["extendedKeyUsage"].value] == ["1.0.18013.5.1.2"]
    own = anchor.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert found["authorityKeyIdentifier"].value.key_identifier == own.digest
    assert {"issuerAltName", "cRLDistributionPoints", "subjectKeyIdentifier"} <= found.keys()


def test_a_signer_never_outlives_the_anchor(ring: KeyRing) -> None:
    anchor, anchor_key = ring.anchor_certificate, ring.signer(Role.ANCHOR, NOW).private_key
    late = anchor.not_valid_after_utc - timedelta(days=30)
    leaf = make_signer_certificate(new_ec_key(), Role.CREDENTIAL, anchor, anchor_key, late)
    assert leaf.not_valid_after_utc == anchor.not_valid_after_utc


def test_a_long_city_name_still_fits_the_certificate() -> None:
    key = new_ec_key()
    anchor = make_anchor(key, NOW, "https://karten.example", "Verbandsgemeinde " + "Ü" * 80)
    leaf = make_signer_certificate(new_ec_key(), Role.STATUS_LIST, anchor, key, NOW)
    check_chain(leaf, (), anchor, NOW)


CREDENTIAL = [EXTENDED_KEY_USAGES[Role.CREDENTIAL]]
VARIANTS = {
    "no extended key usage": ({}, "names no extended key usage"),
    "two extended key usages": (
        {"usages": [*CREDENTIAL, EXTENDED_KEY_USAGES[Role.STATUS_LIST]]},
        "is not that of the role credential",
    ),
    "the usage of a web client": ({"usages": [ExtendedKeyUsageOID.CLIENT_AUTH]}, "is not that of the role credential"),
    "any usage": ({"usages": [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]}, "is not that of the role credential"),
    "a usage that is not critical": ({"usages": CREDENTIAL, "critical": False}, "not marked critical"),
    "an authority": ({"usages": CREDENTIAL, "ca": True}, "one of an authority"),
    "the right to sign certificates": ({"usages": CREDENTIAL, "digital": False}, "not digital signature alone"),
    "another curve": (
        {"usages": CREDENTIAL, "key": ec.generate_private_key(ec.SECP384R1())},
        "not on the curve P-256",
    ),
    "an RSA key": ({"usages": CREDENTIAL, "key": new_rsa_key()}, "not on the curve P-256"),
}


@pytest.mark.parametrize(("change", "sentence"), VARIANTS.values(), ids=VARIANTS.keys())
def test_a_certificate_that_differs_from_the_profile_in_one_point_is_refused(ring: KeyRing, change, sentence) -> None:
    with pytest.raises(CertificateMismatch, match=sentence):
        check_role(variant(ring, **change), Role.CREDENTIAL)


def test_the_unchanged_variant_is_accepted(ring: KeyRing) -> None:
    certificate = variant(ring, usages=CREDENTIAL)
    check_role(certificate, Role.CREDENTIAL)
    check_chain(certificate, (), ring.anchor_certificate, NOW)


def test_an_unknown_critical_extension_is_refused(ring: KeyRing) -> None:
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    with pytest.raises(CertificateMismatch, match="critical extension"):
        check_chain(variant(ring, usages=CREDENTIAL, more=odd), (), ring.anchor_certificate)


def test_a_certificate_with_an_outdated_digest_is_refused(ring: KeyRing) -> None:
    with pytest.raises(CertificateMismatch, match="digest other than"):
        check_chain(variant(ring, usages=CREDENTIAL, digest=hashes.SHA224()), (), ring.anchor_certificate)


def test_a_key_written_as_a_compressed_point_is_refused_as_browsers_do(ring: KeyRing) -> None:
    certificate = variant(ring, usages=CREDENTIAL)
    tbs, key = certificate.tbs_certificate_bytes, certificate.public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    short = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    body = tbs[4:].replace(b"\x03\x42\x00" + point, b"\x03\x22\x00" + short).replace(b"\x30\x59\x30", b"\x30\x39\x30")
    inside = b"\x30\x82" + len(body).to_bytes(2, "big") + body
    signature = ring.signer(Role.ANCHOR, NOW).private_key.sign(inside, ec.ECDSA(hashes.SHA256()))
    rest = bytes.fromhex("300a06082a8648ce3d040302") + bytes((3, len(signature) + 1, 0)) + signature
    whole = b"\x30\x82" + (len(inside) + len(rest)).to_bytes(2, "big") + inside + rest
    compressed = x509.load_der_x509_certificate(whole)
    assert compressed.public_key() == key
    check_chain(compressed, (), ring.anchor_certificate)
    with pytest.raises(CertificateMismatch, match="not on the curve P-256"):
        check_role(compressed, Role.CREDENTIAL)


def test_a_chain_to_another_anchor_with_the_same_name_is_refused(ring: KeyRing, new_ring) -> None:
    with pytest.raises(CertificateMismatch, match="key identifiers differ"):
        check_chain(leaf_of(ring, Role.CREDENTIAL), (), new_ring().anchor_certificate)


def test_a_signature_that_another_key_made_is_refused(ring: KeyRing) -> None:
    forged = make_signer_certificate(new_ec_key(), Role.CREDENTIAL, ring.anchor_certificate, new_ec_key(), NOW)
    with pytest.raises(CertificateMismatch, match="not signed by the one above"):
        check_chain(forged, (), ring.anchor_certificate)


def test_a_signer_cannot_issue_certificates(ring: KeyRing) -> None:
    signer = ring.signer(Role.CREDENTIAL, NOW)
    below = make_signer_certificate(new_ec_key(), Role.TRUST_LIST, signer.chain[0], signer.private_key, NOW)
    with pytest.raises(CertificateMismatch, match="may not issue"):
        check_chain(below, signer.chain, ring.anchor_certificate)


def test_the_anchor_allows_no_authority_beneath_it(ring: KeyRing) -> None:
    key = new_ec_key()
    name = x509.Name(
        [x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "odd")]
    )
    anchor, anchor_key = ring.anchor_certificate, ring.signer(Role.ANCHOR, NOW).private_key
    middle = _authority_certificate(name, anchor.subject, key, anchor_key, NOW, 0, anchor)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")]))
        .issuer_name(name)
        .public_key(new_ec_key().public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    with pytest.raises(CertificateMismatch, match="more certificates in the chain"):
        check_chain(builder.sign(key, hashes.SHA256()), (middle,), ring.anchor_certificate)


def test_a_self_signed_certificate_is_refused(ring: KeyRing) -> None:
    with pytest.raises(CertificateMismatch, match="self-signed"):
        check_chain(ring.anchor_certificate, (), ring.anchor_certificate)


@pytest.mark.parametrize(("days", "sentence"), [(-2, "begins only on"), (500, "ended on")])
def test_time_matters_only_when_it_is_asked_for(ring: KeyRing, days: int, sentence: str) -> None:
    leaf = leaf_of(ring, Role.CREDENTIAL)
    check_chain(leaf, (), ring.anchor_certificate)
    with pytest.raises(CertificateMismatch, match=sentence):
        check_chain(leaf, (), ring.anchor_certificate, NOW + timedelta(days=days))


def test_the_status_usage_can_be_set_but_not_to_that_of_another_role(ring: KeyRing) -> None:
    arc = "1.3.6.1.5.5.7.3.99"
    anchor, anchor_key = ring.anchor_certificate, ring.signer(Role.ANCHOR, NOW).private_key
    leaf = make_signer_certificate(new_ec_key(), Role.STATUS_LIST, anchor, anchor_key, NOW, arc)
    check_role(leaf, Role.STATUS_LIST, arc)
    check_role(leaf_of(ring, Role.STATUS_LIST), Role.STATUS_LIST, arc)  # those made before keep their right
    for wrong, sentence in ((EXTENDED_KEY_USAGES[Role.CREDENTIAL].dotted_string, "another role"), ("x", "not an OID")):
        with pytest.raises(CertificateMismatch, match=sentence):
            check_role(leaf, Role.STATUS_LIST, wrong)
    with pytest.raises(CertificateMismatch, match="not that of the role"):
        check_role(leaf, Role.STATUS_LIST)


def test_the_apple_like_chain_fits_and_holds_no_root(demo_ring: KeyRing) -> None:
    chain = demo_ring.signer(Role.APPLE_PASS, NOW).chain
    check_apple(chain, **APPLE, at=NOW)
    assert len(chain) == 2 and all(one.subject != one.issuer for one in chain)


def test_an_apple_chain_that_does_not_fit_is_refused_with_the_reason(demo_ring: KeyRing, ring: KeyRing) -> None:
    leaf, middle = demo_ring.signer(Role.APPLE_PASS, NOW).chain
    identifier, team = APPLE["pass_type_identifier"], APPLE["team_identifier"]
    _, stranger = make_apple_like_chain(new_rsa_key(), NOW, identifier, team)
    cases = [
        (
            (leaf, middle),
            "pass.other",
            team,
            NOW,
            "for the pass type pass.example.city, the settings say pass.o",
        ),
        ((leaf, middle), identifier, "TEAM999999", NOW, "belongs to the team TEAM012345, the settings say TEAM999999"),
        ((leaf,), identifier, team, NOW, "intermediate certificate .* is missing"),
        ((), identifier, team, NOW, "no Apple certificate"),
        ((leaf, stranger), identifier, team, NOW, "key identifiers differ"),
        ((leaf, middle, stranger), identifier, team, NOW, "longer than"),
        ((leaf, middle), identifier, team, NOW + timedelta(days=400), "ended on"),
        ((leaf_of(ring, Role.CREDENTIAL), middle), identifier, team, NOW, "not one for Apple passes"),
    ]
    for chain, wanted, wanted_team, at, sentence in cases:
        with pytest.raises(CertificateMismatch, match=sentence):
            check_apple(chain, wanted, wanted_team, at)
