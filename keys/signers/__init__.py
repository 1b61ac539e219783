"""The places a key can live. One file each; its name is the scheme of the key's URI and it has `open_place`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cryptography import x509

from keys.errors import KeyProblem
from keys.signer import PrivateKey


class KeyPlace(Protocol):
    """Keeps private keys, each with its chain, under a name such as `credential-00ff00ff00ff00ff`."""

    def store(self, name: str, key: PrivateKey, chain: Sequence[x509.Certificate]) -> None:
        """Keep a key. The name follows from the key, so a second time (after a kill, say) changes nothing."""
        ...

    def load(self, name: str) -> PrivateKey:
        """Raises `WrongPassphrase`, or `KeyProblem` when it is absent or damaged."""
        ...

    def chain(self, name: str) -> tuple[x509.Certificate, ...]:
        """Leaf first; empty for a key without a certificate. Needs no passphrase."""
        ...


def open_place(scheme: str, directory: Path, passphrase: bytes) -> KeyPlace:
    """The place named by a URI scheme; raises `KeyProblem` for an unknown one."""
    if scheme not in {found.name for found in pkgutil.iter_modules(__path__)}:
        raise KeyProblem(f"No place for keys is called {scheme!r}.")
    place: KeyPlace = importlib.import_module(f"{__name__}.{scheme}").open_place(directory, passphrase)
    return place
