"""The key with which the verifying service receives the plate lists' keys: it opens what was sent, and signs nothing.

Made at its first use in `verifier/`, readable by its owner only. Its public half (a JWK) goes to the issuing side by
hand; its thumbprint is the service's name there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from keys.atomic_file import PRIVATE_FOLDER, create_private
from keys.errors import WalletPassError
from walletpass.errors import PlateListInvalid
from walletpass.plate_keys import JWE_ALGORITHMS, unpack_keys

KEY_FILE = "plate-receiver.jwk"


class ReceivingKeyInvalid(WalletPassError):
    """The file of the receiving key cannot be read, or holds something else."""

    code = "receiving_key_invalid"
    wrong_usage = True


@dataclass(frozen=True, slots=True)
class ReceivingKey:
    """`id` is the thumbprint (RFC 7638)."""

    id: str
    _key: ECKey

    @classmethod
    def open(cls, folder: Path) -> ReceivingKey:
        """The key in `folder`, made when it is not there; raises `ReceivingKeyInvalid`."""
        path = folder / KEY_FILE
        try:
            if not path.exists():
                _create(path)
            key = ECKey.import_key(json.loads(path.read_bytes()))
            if not key.is_private or key.curve_name != "P-256":
                raise ReceivingKeyInvalid(f"{path} holds no private key on the curve P-256; restore it from a backup.")
            return cls(key.thumbprint(), key)
        except OSError as failure:
            raise ReceivingKeyInvalid(f"The receiving key {path} cannot be used: {failure.strerror}.") from None
        except (JoseError, ValueError, TypeError, KeyError):
            raise ReceivingKeyInvalid(f"{path} holds no key; restore it from a backup, or remove it.") from None

    def public_jwk(self) -> str:
        """For the issuing side."""
        return json.dumps(self._key.as_dict(private=False), sort_keys=True)

    def decrypt(self, encrypted: str) -> dict[date, bytes]:
        """The keys of the plate lists, by day; raises `PlateListInvalid`."""
        try:
            opened = jwe.decrypt_compact(encrypted, self._key, algorithms=list(JWE_ALGORITHMS))
        except (JoseError, ValueError, TypeError, KeyError):
            raise PlateListInvalid("The keys of the plate lists are not encrypted for this service.") from None
        return unpack_keys(opened.plaintext or b"")


def _create(path: Path) -> None:
    path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    made = ECKey.generate_key("P-256").as_dict(private=True)
    try:
        create_private(path, json.dumps(made, sort_keys=True).encode())
    except FileExistsError:
        return  # another process was first
