"""Keys in files: one encrypted PKCS#8 PEM per key (mode 0600), its certificates in a PEM beside it.

The encryption is the library's PBES2 (PBKDF2, AES-256): 0.4 ms to open, so a process start stays quick. It leans on a
passphrase with real entropy, which `keys.passphrase` makes. Opening an RSA key costs 40 ms more (it is validated).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from keys.atomic_file import make_private_folder, write_private
from keys.certificates import BROKEN
from keys.errors import KeyProblem, WrongPassphrase
from keys.signer import PrivateKey

MAX_PEM = 64 * 1024  # bytes


class FilePlace:
    """A `KeyPlace` in one folder."""

    def __init__(self, directory: Path, passphrase: bytes) -> None:
        if not passphrase:
            raise WrongPassphrase("The passphrase of the keys is empty.")
        self._directory = directory
        self._passphrase = passphrase

    def store(self, name: str, key: PrivateKey, chain: Sequence[x509.Certificate]) -> None:
        make_private_folder(self._directory)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(self._passphrase))
        if chain:
            certificates = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)
            write_private(self._chain_file(name), certificates)
        write_private(self._key_file(name), pem)

    def load(self, name: str) -> PrivateKey:
        pem = _read(self._key_file(name))
        try:
            key = load_pem_private_key(pem, self._passphrase)
        except TypeError:
            raise KeyProblem(f"The key file {name}.key.pem is not encrypted; it must be.") from None
        except (ValueError, UnsupportedAlgorithm):
            # The library does not tell a wrong passphrase from a damaged file, and nor can an AES-CBC reader.
            raise WrongPassphrase(f"The passphrase does not open the key {name}, or its file is damaged.") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise KeyProblem(f"The key {name} is neither an EC nor an RSA key.")
        return key

    def chain(self, name: str) -> tuple[x509.Certificate, ...]:
        path = self._chain_file(name)
        if not path.exists():
            return ()
        try:
            return tuple(x509.load_pem_x509_certificates(_read(path)))
        except BROKEN:
            raise KeyProblem(f"The certificate file {path.name} is damaged; restore it from a backup.") from None

    def _key_file(self, name: str) -> Path:
        return self._directory / f"{name}.key.pem"

    def _chain_file(self, name: str) -> Path:
        return self._directory / f"{name}.chain.pem"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_PEM + 1)
    except FileNotFoundError:
        raise KeyProblem(f"The file {path.name} is missing from the folder of the keys.") from None
    except OSError as error:
        raise KeyProblem(f"The file {path.name} cannot be read: {error.strerror}.") from None
    if len(content) > MAX_PEM:
        raise KeyProblem(f"The file {path.name} is too large for a key or certificate.")
    return content


def open_place(directory: Path, passphrase: bytes) -> FilePlace:
    """The keys in `directory`; the folder is made with the first key."""
    return FilePlace(directory, passphrase)
