"""A private key of the verifying service's own: a JWK on the curve P-256 in `verifier/`, made at its first use.

None of these keys is in a trust list or signs anything that a pass is judged by.
"""

from __future__ import annotations

import json
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from keys.atomic_file import create_private, make_private_folder
from keys.errors import WalletPassError


class KeyFileInvalid(WalletPassError):
    """The file of a key cannot be read, or holds something else."""

    code = "key_file_invalid"
    wrong_usage = True


def open_key(path: Path) -> ECKey:
    """The key in this file; two processes that start at once get the same. Raises `KeyFileInvalid`."""
    try:
        if not path.exists():
            _create(path)
        key = ECKey.import_key(json.loads(path.read_bytes()))
        if not key.is_private or key.curve_name != "P-256":
            raise KeyFileInvalid(f"{path} holds no private key on the curve P-256; restore it from a backup.")
        assert key.private_key is not None  # read now and not at its first use, so that a broken one is noticed here
        return key
    except OSError as failure:
        raise KeyFileInvalid(f"The key {path} cannot be used: {failure.strerror}.") from None
    except (JoseError, ValueError, TypeError, KeyError):
        raise KeyFileInvalid(f"{path} holds no key; restore it from a backup, or remove it.") from None


def public_jwk(key: ECKey) -> str:
    """The public half as JSON, for those who are to know it."""
    return json.dumps(key.as_dict(private=False), sort_keys=True)


def _create(path: Path) -> None:
    if not path.parent.is_dir():
        make_private_folder(path.parent)
    made = ECKey.generate_key("P-256").as_dict(private=True)
    try:
        create_private(path, json.dumps(made, sort_keys=True).encode())
    except FileExistsError:
        return  # another process was first
