"""Published documents from a real web server: bounded, never elsewhere, and remembered by their ETag."""

from __future__ import annotations

import gzip
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.verifiers.sample_city import HOUR, NOW, SampleCity
from verifiers import documents as documents_module
from verifiers.documents import AddressInvalid, Document, Folder, Unchanged, Website, open_source
from verifiers.published import PublishedDocuments
from verifiers.verification import verify
from walletpass.verdict import Outcome, Reason

Respond = Callable[[BaseHTTPRequestHandler], bool]


class Server:
    """Serves a folder below /published with ETags; `respond` may answer in its place. `asked` are the paths."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[tuple[str, int]] = []
        self.respond: Respond = lambda _: False
        outer = self

        class Answers(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if outer.respond(self):
                    outer.asked.append((self.path, 0))
                    return
                file = folder / self.path.removeprefix("/published/")
                content = file.read_bytes() if file.is_file() else b""
                tag = f'"{sha256(content).hexdigest()}"'
                status = 404 if not file.is_file() else 304 if self.headers.get("If-None-Match") == tag else 200
                outer.asked.append((self.path, status))
                send(self, status, content if status == 200 else b"", {"ETag": tag})

            def log_message(self, *_: object) -> None:
                """Keep the test's output clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.address = f"http://127.0.0.1:{self._server.server_port}/published"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def send(handler: BaseHTTPRequestHandler, status: int, content: bytes, headers: dict[str, str] | None = None) -> bool:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(content)
    return True


@pytest.fixture
def server(city: SampleCity) -> Iterator[Server]:
    server = Server(city.published)
    yield server
    server.stop()


def test_a_web_address_serves_as_well_as_a_folder_and_unchanged_lists_are_not_sent_again(
    city: SampleCity, server: Server
) -> None:
    documents = PublishedDocuments(Website(server.address), city.ring.anchor_certificate)
    assert verify(city.qr(), documents.refresh(NOW), NOW).outcome is Outcome.ACCEPTED
    server.asked.clear()
    assert verify(city.qr(), documents.refresh(NOW), NOW).outcome is Outcome.ACCEPTED
    assert server.asked == [
        ("/published/trust-list.jwt", 304),
        ("/published/status-lists.json", 200),
        ("/published/status/1.cwt", 304),
    ]
    city.now += HOUR
    city.statuses.set(7, 2)
    city.publish_statuses()
    assert verify(city.qr(), documents.refresh(city.now), city.now).reason is Reason.SUSPENDED


def test_a_server_that_goes_away_changes_no_verdict(city: SampleCity, server: Server) -> None:
    documents = PublishedDocuments(Website(server.address), city.ring.anchor_certificate)
    city.statuses.set(7, 1)
    city.publish_statuses()
    documents.refresh(NOW)
    server.respond = lambda handler: send(handler, 503, b"down")
    assert verify(city.qr(), documents.refresh(NOW), NOW).reason is Reason.REVOKED
    server.stop()
    assert verify(city.qr(), documents.refresh(NOW), NOW).reason is Reason.REVOKED


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(city: SampleCity, server: Server, status: int) -> None:
    elsewhere = Server(city.published)
    server.respond = lambda handler: send(handler, status, b"", {"Location": elsewhere.address + "/trust-list.jwt"})
    assert Website(server.address).read("trust-list.jwt", 1 << 20) is None
    assert elsewhere.asked == []
    elsewhere.stop()


def test_a_document_that_is_too_large_or_packed_counts_as_absent(server: Server) -> None:
    site = Website(server.address)
    server.respond = lambda handler: send(handler, 200, b"x" * 1000)
    assert site.read("a", 1000) == Document(b"x" * 1000, "")
    assert site.read("a", 999) is None
    packed = gzip.compress(bytes(10_000_000))
    server.respond = lambda handler: send(handler, 200, packed, {"Content-Encoding": "gzip"})
    assert site.read("a", 1 << 20) is None


def test_a_document_that_breaks_off_counts_as_absent(server: Server) -> None:
    def break_off(handler: BaseHTTPRequestHandler) -> bool:
        handler.close_connection = True
        return send(handler, 200, b"half", {"Content-Length": "8"})

    server.respond = break_off
    assert Website(server.address).read("a", 100) is None


def test_a_document_that_trickles_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents_module, "TOTAL_TIMEOUT", 0.2)

    def trickle(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", "8")
        handler.end_headers()
        for _ in range(8):
            time.sleep(0.05)
            handler.wfile.write(b"x")
        return True

    server.respond = trickle
    assert Website(server.address).read("a", 1000) is None


@pytest.mark.parametrize("asked_before", [False, True])
def test_headers_that_trickle_are_given_up_too(
    server: Server, monkeypatch: pytest.MonkeyPatch, asked_before: bool
) -> None:
    monkeypatch.setattr(documents_module, "TOTAL_TIMEOUT", 0.3)

    def trickle(handler: BaseHTTPRequestHandler) -> bool:
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        with suppress(OSError):
            for _ in range(40):
                time.sleep(0.05)
                handler.wfile.write(b"x")
        return True

    site = Website(server.address)
    if asked_before:  # then the connection is kept and used again
        assert isinstance(site.read("trust-list.jwt", 1 << 20), Document)
    respond, server.respond = server.respond, trickle
    started = time.monotonic()
    assert site.read("trust-list.jwt", 1 << 20) is None
    assert time.monotonic() - started < 1
    server.respond = respond
    assert isinstance(site.read("trust-list.jwt", 1 << 20), Document)


def test_a_document_that_ends_with_its_connection_is_whole_or_absent(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents_module, "TOTAL_TIMEOUT", 0.3)

    def without_length(handler: BaseHTTPRequestHandler, seconds: float) -> bool:
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        time.sleep(seconds)
        with suppress(OSError):
            handler.wfile.write(b" and half")
        return True

    server.respond = lambda handler: without_length(handler, 0)
    assert Website(server.address).read("a", 100) == Document(b"half and half", "")
    server.respond = lambda handler: without_length(handler, 1)
    assert Website(server.address).read("a", 100) is None


@pytest.mark.parametrize(
    "place", ["ftp://example.org/x", "http://", "https://example.org/p?q=1", "http://[::1", "x://y"]
)
def test_an_address_that_is_none_is_refused_with_a_sentence(place: str) -> None:
    with pytest.raises(AddressInvalid):
        open_source(place)


def test_a_folder_that_is_not_there_is_refused_and_one_that_is_opens(tmp_path: Path) -> None:
    with pytest.raises(AddressInvalid, match="There is no folder"):
        open_source(str(tmp_path / "gone"))
    assert isinstance(open_source(str(tmp_path)), Folder)


def test_a_folder_reads_what_is_small_and_regular_and_notices_change(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "a").write_bytes(b"12345")
    found = folder.read("a", 5)
    assert isinstance(found, Document) and found.content == b"12345"
    assert isinstance(folder.read("a", 5, found.tag), Unchanged)
    assert folder.read("a", 4) is None
    assert folder.read("gone", 5) is None
    (tmp_path / "b").mkdir()
    assert folder.read("b", 5) is None
    os.mkfifo(tmp_path / "c")  # opened to be read, a pipe waits for a writer
    assert folder.read("c", 5) is None
    (tmp_path / "beside").write_bytes(b"54321")
    (tmp_path / "beside").rename(tmp_path / "a")
    assert folder.read("a", 5, found.tag) != Unchanged()
