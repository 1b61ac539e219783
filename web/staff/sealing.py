"""The key that a copied database lacks: it seals TOTP keys and keys every digest of something short.

It lies in a file beside the database, 0600, made at the first start. Threat: a stolen backup or an SQL injection
(ASVS 2.4.5, 2.8.2). Losing it costs everybody the second factor, and nobody the account.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.atomic_file import create_private, make_private_folder

_KEY, _NONCE = 32, 12  # bytes


class Seal:
    """Seals and digests with keys derived from one secret; each purpose has its own."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _KEY:
            raise ValueError("a seal's secret has 32 bytes")
        self._secret = secret

    def digest(self, purpose: str, *parts: bytes) -> bytes:
        """HMAC-SHA256 of the parts, 32 bytes; their lengths count, so that none can be shifted into another."""
        code = hmac.new(self._key(purpose), digestmod=hashlib.sha256)
        for part in parts:
            code.update(len(part).to_bytes(4, "big") + part)
        return code.digest()

    def seal(self, content: bytes, owner: str) -> bytes:
        """AES-256-GCM: nonce, ciphertext, tag; opens for the same owner only."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self._key("seal")).encrypt(nonce, content, owner.encode())

    def open(self, sealed: bytes, owner: str) -> bytes | None:
        """The content, or None when it was sealed with another key, for another owner, or changed."""
        try:
            return AESGCM(self._key("seal")).decrypt(sealed[:_NONCE], sealed[_NONCE:], owner.encode())
        except (InvalidTag, ValueError):
            return None

    def _key(self, purpose: str) -> bytes:
        return hmac.digest(self._secret, b"walletpass staff " + purpose.encode(), "sha256")


def read_seal(file: Path) -> Seal:
    """The seal in this file, made when it is not there; two processes that start at once get the same."""
    make_private_folder(file.parent)
    with contextlib.suppress(FileExistsError):
        if not file.exists():
            create_private(file, secrets.token_bytes(_KEY))
    return Seal(file.read_bytes())
