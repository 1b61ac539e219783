"""A push server on this machine, as Apple documents APNs: HTTP/2 only, client certificate demanded, reasons as JSON.

Sources: "Sending notification requests to APNs" and "Handling notification responses from APNs". It keeps all that it
receives and answers as a test says. For tests with several processes:

    python -m tests.issuers.wallets.push_server --port 0 --ca clients.pem --folder F

prints the URL of the pushes, that of its counts, and the file that vouches for it (`WALLETPASS_APPLE_PUSH_CA`).
`GET` on the counts: what came; `PUT`: the answers from now on. `--ca`: the chain of the pass certificate.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re
import ssl
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.settings
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.verifiers.webhooks.receiver import certificate_for

_PATH = re.compile(r"/3/device/([0-9a-f]+)")
_FRAME = 16_000  # bytes of an answer that are sent together
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME: the certificates of tests are of the tests' time


@dataclass(frozen=True)
class Push:
    """One request: the token in its path, its headers, its body."""

    token: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Say:
    """How to answer. `delay` in seconds; `hang_up`: no answer, the connection is closed; `packed`: with gzip."""

    status: int = 200
    reason: str = ""
    timestamp: int | None = None
    delay: float = 0.0
    hang_up: bool = False
    packed: bool = False

    def body(self) -> bytes:
        said: dict[str, Any] = {"reason": self.reason} if self.reason else {}
        if self.timestamp is not None:
            said["timestamp"] = self.timestamp
        body = json.dumps(said).encode() if said else b""
        return gzip.compress(body) if self.packed else body


@dataclass
class PushServer:
    """`answers` by token, `otherwise` for all others; `received` and `connections` count."""

    clients: Path  # certificates (PEM) that issued the clients' ones
    folder: Path
    port: int = 0
    streams: int = 1000
    answers: dict[str, Say] = field(default_factory=dict)
    otherwise: Say = field(default_factory=Say)
    received: list[Push] = field(default_factory=list)
    connections: int = 0

    def start(self) -> PushServer:
        self.ca = self.folder / "push-server.pem"
        identity = certificate_for(self.folder, "localhost", "127.0.0.1")
        self.ca.write_bytes(x509.load_pem_x509_certificate(identity.read_bytes()).public_bytes(Encoding.PEM))
        self._tls = _server_context(identity, self.clients)
        self._loop = asyncio.new_event_loop()
        self._open: set[_Connection] = set()
        started = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(30)
        self.url = f"https://localhost:{self.port}"
        return self

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def hang_up(self) -> None:
        """Close every connection, as a server does with those that have been idle for long."""
        closed = threading.Event()

        def close() -> None:
            for connection in list(self._open):
                connection.transport.close()
            closed.set()

        self._loop.call_soon_threadsafe(close)
        assert closed.wait(30)

    def tokens(self) -> Counter[str]:
        return Counter(push.token for push in self.received)

    def _serve(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        making = self._loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port, ssl=self._tls)
        server = self._loop.run_until_complete(making)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()
        server.close()
        for connection in list(self._open):
            connection.transport.abort()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def answer(self, connection: _Connection, method: str, push: Push | None) -> Say:
        """What Apple checks, in its own words; else what the test said."""
        if method != "POST":
            return Say(405, "MethodNotAllowed")
        if push is None:
            return Say(404, "BadPath")
        self.received.append(push)
        if push.token in self.answers:
            return self.answers[push.token]
        if len(push.token) != 64:
            return Say(400, "BadDeviceToken")
        topic = push.headers.get("apns-topic")
        if topic is None:
            return Say(400, "MissingTopic")
        if topic != connection.topic:
            return Say(400, "TopicDisallowed")
        if push.headers.get("apns-priority") not in ("1", "5", "10"):
            return Say(400, "BadPriority")
        if push.headers.get("apns-push-type") not in ("alert", "background"):
            return Say(400, "InvalidPushType")
        try:
            empty = json.loads(push.body) == {}
        except ValueError:
            empty = False
        return self.otherwise if empty else Say(400, "PayloadEmpty")


class _Connection(asyncio.Protocol):
    """One HTTP/2 connection."""

    def __init__(self, server: PushServer) -> None:
        self._server = server
        self._http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self._asked: dict[int, tuple[dict[str, str], bytearray]] = {}

    def connection_made(self, transport: Any) -> None:
        tls = transport.get_extra_info("ssl_object")
        self.transport = transport
        certificate = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True))
        self.topic = certificate.subject.get_attributes_for_oid(NameOID.USER_ID)[0].value
        if tls.selected_alpn_protocol() != "h2":
            transport.abort()
            return
        self._server.connections += 1
        self._server._open.add(self)
        settings = {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self._server.streams}
        self._http.local_settings = h2.settings.Settings(client=False, initial_values=settings)
        self._http.initiate_connection()
        transport.write(self._http.data_to_send())

    def connection_lost(self, exc: Exception | None) -> None:
        self._server._open.discard(self)

    def data_received(self, data: bytes) -> None:
        for event in self._http.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                self._asked[event.stream_id] = (dict(event.headers), bytearray())
            elif isinstance(event, h2.events.DataReceived):
                self._asked[event.stream_id][1].extend(event.data)
                self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self._asked.pop(event.stream_id, None)
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.transport.close()
            if isinstance(event, h2.events.StreamEnded):
                self._take(event.stream_id)
        self.transport.write(self._http.data_to_send())

    def _take(self, stream: int) -> None:
        headers, body = self._asked.pop(stream)
        path = _PATH.fullmatch(headers[":path"])
        push = Push(path[1], headers, bytes(body)) if path else None
        say = self._server.answer(self, headers[":method"], push)
        if say.hang_up:
            self.transport.abort()
        elif say.delay:
            asyncio.get_running_loop().call_later(say.delay, self._say, stream, say)
        else:
            self._say(stream, say)

    def _say(self, stream: int, say: Say) -> None:
        if self.transport.is_closing() or stream not in self._http.streams or self._http.streams[stream].closed:
            return
        body = say.body()
        headers = [(":status", str(say.status)), ("apns-id", f"{stream:08X}-0000-0000-0000-000000000000")]
        if say.packed:
            headers.append(("content-encoding", "gzip"))
        self._http.send_headers(stream, headers, end_stream=not body)
        for start in range(0, len(body), _FRAME):
            self._http.send_data(stream, body[start : start + _FRAME], end_stream=start + _FRAME >= len(body))
        self.transport.write(self._http.data_to_send())


def _server_context(identity: Path, clients: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)
    context.set_alpn_protocols(["h2"])
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(clients)
    context.verify_flags = ssl.VerifyFlags(context.verify_flags | ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME)
    return context


def counts_server(server: PushServer, port: int = 0) -> ThreadingHTTPServer:
    """The counts over plain HTTP: `{"pushes", "connections", "tokens"}`; `PUT` sets `{"otherwise", "answers"}`."""

    class Counts(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            counts = {"pushes": len(server.received), "connections": server.connections, "tokens": server.tokens()}
            self._reply(json.dumps(counts).encode())

        def do_PUT(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.otherwise = Say(**said.get("otherwise", {}))
            server.answers = {token: Say(**say) for token, say in said.get("answers", {}).items()}
            self._reply(b"{}")

        def _reply(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the output clean."""

    counts = ThreadingHTTPServer(("127.0.0.1", port), Counts)
    counts.daemon_threads = True
    threading.Thread(target=counts.serve_forever, daemon=True).start()
    return counts


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--counts-port", type=int, default=0)
    options.add_argument("--ca", type=Path, required=True)
    options.add_argument("--folder", type=Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as own:
        server = PushServer(chosen.ca, chosen.folder or Path(own), chosen.port).start()
        counts = counts_server(server, chosen.counts_port)
        sys.stdout.write(f"{server.url} http://127.0.0.1:{counts.server_port} {server.ca}\n")
        sys.stdout.flush()
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
