"""Keys in memory: gone with the process. For tests and for trying things out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509

from keys.errors import KeyProblem
from keys.signer import PrivateKey


class MemoryPlace:
    """A `KeyPlace` that writes nothing."""

    def __init__(self) -> None:
        self._stored: dict[str, tuple[PrivateKey, tuple[x509.Certificate, ...]]] = {}

    def store(self, name: str, key: PrivateKey, chain: Sequence[x509.Certificate]) -> None:
        self._stored[name] = key, tuple(chain)

    def load(self, name: str) -> PrivateKey:
        return self._find(name)[0]

    def chain(self, name: str) -> tuple[x509.Certificate, ...]:
        return self._find(name)[1]

    def _find(self, name: str) -> tuple[PrivateKey, tuple[x509.Certificate, ...]]:
        if name not in self._stored:
            raise KeyProblem(f"The key {name} is not in memory.")
        return self._stored[name]


def open_place(directory: Path, passphrase: bytes) -> MemoryPlace:
    """An empty place; directory and passphrase mean nothing here."""
    del directory, passphrase
    return MemoryPlace()
