"""The newest documents seen, on disk: a restart without network still verifies, and nobody can roll us back.

Everything read here is verified again like anything else: the cache is a memory, not an authority. A full disk costs
the memory, never the service: files are written beside and renamed, and failures are only logged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

import structlog

from keys.atomic_file import make_private_folder, write_public

_LOG = structlog.get_logger(__name__)
_TRUST_LIST = "trust-list.jwt"
MAX_FILES = 1024


class SeenDocuments:
    """A folder with the newest trust list, type documents by digest, one token per status list, and plate lists."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def trust_list(self) -> bytes | None:
        """The newest trust list, as it came."""
        return _read(self._folder / _TRUST_LIST)

    def keep_trust_list(self, token: bytes) -> None:
        """Remember a trust list that was taken."""
        self._keep(_TRUST_LIST, token)

    def type_document(self, sha256: str) -> bytes | None:
        """A type document by its digest (lowercase hex, 64 characters)."""
        return _read(self._folder / "types" / f"{sha256}.json")

    def keep_type_document(self, sha256: str, content: bytes) -> None:
        """Remember a type document whose digest was checked."""
        self._keep(f"types/{sha256}.json", content)

    def status_tokens(self) -> Iterator[bytes]:
        """Every status list token kept, in no order."""
        folder = self._folder / "status"
        try:
            files = sorted(folder.glob("*.token"))[:MAX_FILES]
        except OSError:
            return
        for file in files:
            if (content := _read(file)) is not None:
                yield content

    def keep_status_token(self, uri: str, token: bytes) -> None:
        """Remember the newest token of the list named `uri`."""
        self._keep(f"status/{hashlib.sha256(uri.encode()).hexdigest()}.token", token)

    def plate_document(self, path: str, limit: int) -> bytes | None:
        """A plate list, or the keys to them (still encrypted), by its path below the published folder."""
        found = _read(self._folder / path)
        return found if found is not None and len(found) <= limit else None

    def keep_plate_document(self, path: str, content: bytes) -> None:
        """Remember a plate list, or the keys to them, that was taken."""
        self._keep(path, content)

    def forget_plate_documents(self, current: Collection[str]) -> None:
        """Remove the plate lists whose paths are not among these: a day that is over is nobody's business."""
        try:
            for file in (self._folder / "plates").glob("*.cwt"):
                if f"plates/{file.name}" not in current:
                    file.unlink(missing_ok=True)
        except OSError as failure:
            _LOG.warning("plate_list_not_forgotten", problem=failure.strerror)

    def _keep(self, name: str, content: bytes) -> None:
        path = self._folder / name
        try:
            make_private_folder(path.parent)
            write_public(path, content)
        except OSError as failure:
            _LOG.warning("seen_document_not_kept", document=name, problem=failure.strerror)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
