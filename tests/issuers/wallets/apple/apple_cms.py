"""Two judges of a detached CMS signature: thirty lines on DER, always there, and OpenSSL where installed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

OID_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
OID_SIGNING_TIME = bytes.fromhex("2a864886f70d010905")

Node = tuple[int, bytes, bytes]  # tag, content, whole encoding


def nodes(der: bytes) -> list[Node]:
    """The DER values in a row."""
    found = []
    while der:
        length, start = der[1], 2
        if length & 0x80:
            start = 2 + (length & 0x7F)
            length = int.from_bytes(der[2:start], "big")
        found.append((der[0], der[start : start + length], der[: start + length]))
        der = der[start + length :]
    return found


def signer_info(signature: bytes) -> tuple[dict[bytes, bytes], bytes, bytes, list[Node]]:
    """(attributes by OID, attributes as signed, raw signature, encapsulated content) of the only signer, RFC 5652."""
    signed_data = nodes(nodes(nodes(nodes(signature)[0][1])[1][1])[0][1])
    (info,) = nodes(signed_data[-1][1])
    parts = nodes(info[1])
    attributes = next(part for part in parts if part[0] == 0xA0)
    pairs = [nodes(attribute[1]) for attribute in nodes(attributes[1])]
    values = {oid[1]: nodes(value[1])[0][1] for oid, value in pairs}
    raw = next(part for part in reversed(parts) if part[0] == 0x04)[1]
    return values, b"\x31" + attributes[2][1:], raw, nodes(signed_data[2][1])


def judged_by_hand(signature: bytes, manifest: bytes, intermediate: x509.Certificate) -> bool:
    leaf, middle = sorted(pkcs7.load_der_pkcs7_certificates(signature), key=lambda c: c.subject == intermediate.subject)
    leaf.verify_directly_issued_by(middle)
    values, signed, raw, content = signer_info(signature)
    if middle != intermediate or len(content) != 1 or values[OID_MESSAGE_DIGEST] != hashlib.sha256(manifest).digest():
        return False
    try:
        leaf.public_key().verify(raw, signed, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def judged_by_openssl(signature: bytes, manifest: bytes, intermediate: x509.Certificate, folder: Path) -> bool:
    for name, content in (
        ("signature", signature),
        ("manifest", manifest),
        ("anchor", intermediate.public_bytes(Encoding.PEM)),
    ):
        (folder / name).write_bytes(content)
    command = "openssl smime -verify -inform DER -binary -in signature -content manifest -out verified"
    trust = "-CAfile anchor -partial_chain -purpose any -attime 1800000000"
    return subprocess.run([*command.split(), *trust.split()], cwd=folder, capture_output=True).returncode == 0


def judges(folder: Path) -> list[Callable[[bytes, bytes, x509.Certificate], bool]]:
    found = [judged_by_hand]
    if shutil.which("openssl"):
        found.append(lambda *evidence: judged_by_openssl(*evidence, folder))
    return found
