"""The link that enrols a device (ADR 0012): shown once, as a QR code or to paste.

`<origin>/inspector/#enrol=<code>.<anchor>`: what stands behind the hash never leaves the browser, so no log has it.
`anchor` is the SHA-256 of the trust anchor's DER, Base64url: with it the anchor itself may come over the network.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives.serialization import Encoding

from verifiers.published import read_anchor
from verifiers.settings import VerifierSettings


def invitation_link(settings: VerifierSettings, code: str) -> str:
    """The link for an invitation's code; raises `AnchorInvalid`."""
    digest = hashlib.sha256(read_anchor(settings.anchor_path).public_bytes(Encoding.DER)).digest()
    return f"{settings.desk_origin}/inspector/#enrol={code}.{urlsafe_b64encode(digest).rstrip(b'=').decode()}"
