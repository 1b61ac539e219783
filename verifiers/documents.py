"""Where published documents are read from: a folder, or a web address. Never anywhere but below it.

Paths are our own constants and checked identifiers; a URI found in a document is compared, never followed. What
cannot be read counts as absent, so that a bad network never changes a verdict by itself.
"""

from __future__ import annotations

import os
import socket
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx2

from keys.errors import WalletPassError

CONNECT_TIMEOUT = 5.0  # seconds
READ_TIMEOUT = 10.0
TOTAL_TIMEOUT = 30.0  # for one document, however slowly it or its headers trickle


class AddressInvalid(WalletPassError):
    """The place of the published documents is neither a folder nor an http(s) address."""

    code = "published_invalid"
    wrong_usage = True


@dataclass(frozen=True, slots=True)
class Document:
    """A document's bytes, and a tag that changes when they do."""

    content: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The document still has the tag that was asked with."""


class DocumentSource(Protocol):
    """Reads documents by their path below one place."""

    def read(self, path: str, limit: int, tag: str = "") -> Document | Unchanged | None:
        """The document, `Unchanged` when it still has `tag`, or None when it is absent or larger than `limit` bytes."""
        ...


class Folder:
    """Published documents in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str, limit: int, tag: str = "") -> Document | Unchanged | None:
        """See `DocumentSource`. The tag is made of the file's identity, size and time."""
        try:
            # Without O_NONBLOCK a pipe of that name would be waited for without end.
            descriptor = os.open(self._folder / path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
            with os.fdopen(descriptor, "rb") as file:
                seen = os.fstat(file.fileno())
                found = f"{seen.st_ino}-{seen.st_size}-{seen.st_mtime_ns}"
                if not stat.S_ISREG(seen.st_mode) or seen.st_size > limit:
                    return None
                if found == tag:
                    return Unchanged()
                content = file.read(limit + 1)
        except OSError:
            return None
        return Document(content, found) if len(content) <= limit else None


class Website:
    """Published documents below an http(s) address. Redirects are not followed; the tag is the ETag."""

    def __init__(self, address: str) -> None:
        url = httpx2.URL(address)
        if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
            raise AddressInvalid("The published documents are at an http(s) address without query or fragment.")
        self._address = address.rstrip("/")
        self._stream: Any = None  # the connection that was opened last
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
            follow_redirects=False,
            # Nothing packed: the limit then counts what arrives, and no bomb can be sent.
            headers={"Accept-Encoding": "identity", "User-Agent": "walletpass-verifier"},
        )

    def read(self, path: str, limit: int, tag: str = "") -> Document | Unchanged | None:
        """See `DocumentSource`."""
        headers = {"If-None-Match": tag} if tag else {}
        request = self._client.build_request(
            "GET", f"{self._address}/{path}", headers=headers, extensions={"trace": self._note}
        )
        try:
            with self._given_time() as deadline, closing(self._client.send(request, stream=True)) as response:
                if response.status_code == httpx2.codes.NOT_MODIFIED and tag:
                    return Unchanged()
                if response.status_code != httpx2.codes.OK or "content-encoding" in response.headers:
                    return None
                content = _bounded(response, limit, deadline)
                return None if content is None else Document(content, response.headers.get("etag", ""))
        except (httpx2.HTTPError, httpx2.InvalidURL):
            return None

    def _note(self, event: str, details: Mapping[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._stream = details["return_value"]

    @contextmanager
    def _given_time(self) -> Iterator[float]:
        """The client's own timeouts are for each read: whoever sends a byte at a time is cut off from outside."""
        watch = threading.Timer(TOTAL_TIMEOUT, self._cut_off)
        watch.daemon = True
        watch.start()
        try:
            yield time.monotonic() + TOTAL_TIMEOUT
        finally:
            watch.cancel()

    def _cut_off(self) -> None:
        found = self._stream and self._stream.get_extra_info("socket")
        if found:
            with suppress(OSError):
                # The plain socket's: that of TLS would let the reader go on without TLS.
                socket.socket.shutdown(found, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _bounded(response: httpx2.Response, limit: int, deadline: float) -> bytes | None:
    content = bytearray()
    for chunk in response.iter_raw():
        content += chunk
        if len(content) > limit or time.monotonic() > deadline:
            return None
    return bytes(content) if time.monotonic() <= deadline else None


def open_source(place: str) -> Folder | Website:
    """A `Website` for an http(s) address, else a `Folder`; raises `AddressInvalid` for a folder that is not there."""
    if "://" in place:
        try:
            return Website(place)
        except httpx2.InvalidURL:
            raise AddressInvalid("The address of the published documents cannot be read.") from None
    folder = Path(place)
    if not folder.is_dir():
        raise AddressInvalid(f"There is no folder {place}; name the one that `walletpass publish` writes.")
    return Folder(folder)
