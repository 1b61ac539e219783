"""The key with which the verifying service receives the plate lists' keys: it opens what was sent, and signs nothing.

Made at its first use in `verifier/`, readable by its owner only. Its public half (a JWK) goes to the issuing side by
hand; its thumbprint is the service's name there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from verifiers.key_file import open_key, public_jwk
from walletpass.errors import PlateListInvalid
from walletpass.plate_keys import JWE_ALGORITHMS, unpack_keys

KEY_FILE = "plate-receiver.jwk"


@dataclass(frozen=True, slots=True)
class ReceivingKey:
    """`id` is the thumbprint (RFC 7638)."""

    id: str
    _key: ECKey

    @classmethod
    def open(cls, folder: Path) -> ReceivingKey:
        """The key in `folder`, made when it is not there; raises `KeyFileInvalid`."""
        key = open_key(folder / KEY_FILE)
        return cls(key.thumbprint(), key)

    def public_jwk(self) -> str:
        """For the issuing side."""
        return public_jwk(self._key)

    def decrypt(self, encrypted: str) -> dict[date, bytes]:
        """The keys of the plate lists, by day; raises `PlateListInvalid`."""
        try:
            opened = jwe.decrypt_compact(encrypted, self._key, algorithms=list(JWE_ALGORITHMS))
        except (JoseError, ValueError, TypeError, KeyError):
            raise PlateListInvalid("The keys of the plate lists are not encrypted for this service.") from None
        return unpack_keys(opened.plaintext or b"")
