"""Short secrets at rest in a database: sealed with the passphrase of the keys, which is not kept there.

AES-256-GCM under a key that scrypt makes of the passphrase (RFC 7914; NIST SP 800-38D). What the secret is about is
authenticated with it, so that two sealed secrets cannot be exchanged for one another.
"""

from __future__ import annotations

import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from keys.errors import WrongPassphrase

_SALT, _NONCE = 16, 12  # bytes
_COST, _BLOCK = 1 << 14, 8  # 16 MB and about 50 ms


def seal(secret: bytes, passphrase: bytes, about: str) -> bytes:
    """Salt, nonce and ciphertext; `about` is needed again to open it."""
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    return salt + nonce + AESGCM(_stretched(passphrase, salt)).encrypt(nonce, secret, about.encode())


def unseal(sealed: bytes, passphrase: bytes, about: str) -> bytes:
    """The secret; raises `WrongPassphrase` for another passphrase, another `about` or damage."""
    salt, nonce, ciphertext = sealed[:_SALT], sealed[_SALT : _SALT + _NONCE], sealed[_SALT + _NONCE :]
    try:
        return AESGCM(_stretched(passphrase, salt)).decrypt(nonce, ciphertext, about.encode())
    except (InvalidTag, ValueError):
        raise WrongPassphrase(f"The passphrase does not open the sealed {about}, or it is damaged.") from None


@lru_cache(maxsize=16)  # what was sealed or opened a while ago is opened again; the passphrase is in memory anyway
def _stretched(passphrase: bytes, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_COST, r=_BLOCK, p=1).derive(passphrase)
