"""A real mail server on loopback that a test scripts: STARTTLS, sign-in, refusals, slowness.

Within a test `with SmtpServer() as server:`; for tests that kill processes `python -m tests.issuers.smtp_server`, which
prints one line of JSON with its ports and serves over HTTP: `GET /mails` what it received, `PUT /script` replies by
recipient, such as `{"a@example.org": "450 4.2.0 busy"}`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Received:
    """One mail that the server took."""

    sender: str
    to: list[str]
    raw: bytes
    connection: int
    message: EmailMessage = field(init=False)

    def __post_init__(self) -> None:
        self.message = cast(EmailMessage, message_from_bytes(self.raw, policy=policy.default))

    @property
    def text(self) -> str:
        return str(self.message.get_body(("plain",)).get_content())  # type: ignore[union-attr]

    @property
    def html(self) -> str:
        return str(self.message.get_body(("html",)).get_content())  # type: ignore[union-attr]

    def document(self) -> dict[str, Any]:
        headers = {name: str(value) for name, value in self.message.items()}
        return {"from": self.sender, "to": self.to, "headers": headers, "text": self.text, "html": self.html}


class SmtpServer:
    """`certificate`: files of chain and key for STARTTLS, which is demanded then; `login`: user and password.

    `script`: the reply to a recipient; `after_data`: the reply to a mail's text. `delay`: seconds before that reply.
    """

    def __init__(
        self,
        certificate: tuple[Path, Path] | None = None,
        login: tuple[str, str] | None = None,
        port: int = 0,
        delay: float = 0,
    ) -> None:
        self.mails: list[Received] = []
        self.script: dict[str, str] = {}
        self.after_data: dict[str, str] = {}
        self.delay, self.connections, self.tries = delay, 0, 0
        self._certificate, self._login, self._port = certificate, login, port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        made = asyncio.run_coroutine_threadsafe(self._listen(), self._loop)
        self._server = made.result(60)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(self._session, "127.0.0.1", self._port)

    async def _close(self) -> None:
        self._server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    def _session(self) -> SMTP:
        self.connections += 1
        tls = None
        if self._certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*self._certificate)
        return SMTP(
            _Handling(self, self.connections),
            hostname="mail.test",
            loop=self._loop,
            tls_context=tls,
            require_starttls=tls is not None,
            auth_required=self._login is not None,
            authenticator=self._signs_in,
        )

    def _signs_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        wanted = LoginPassword(*(part.encode() for part in self._login)) if self._login else None
        return AuthResult(success=given == wanted, handled=False)


class _Handling:
    """aiosmtpd's hooks, for one connection."""

    def __init__(self, server: SmtpServer, connection: int) -> None:
        self._server, self._connection = server, connection

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        self._server.tries += 1
        if reply := self._server.script.get(address):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self._server.delay)
        if reply := self._server.after_data.get(envelope.rcpt_tos[0]):
            return reply
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        taken = Received(envelope.mail_from or "", list(envelope.rcpt_tos), content, self._connection)
        self._server.mails.append(taken)
        return "250 OK"


def serve_what_was_received(server: SmtpServer) -> ThreadingHTTPServer:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer([mail.document() for mail in list(server.mails)])

        def do_PUT(self) -> None:
            server.script = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(server.script)

        def _answer(self, document: object) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Answer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0, help="seconds before a mail is taken")
    asked = parser.parse_args()
    with SmtpServer(port=asked.port, delay=asked.delay) as server:
        pages = serve_what_was_received(server)
        sys.stdout.write(json.dumps({"port": server.port, "http": pages.server_address[1]}) + "\n")
        sys.stdout.flush()
        pages.serve_forever()


if __name__ == "__main__":
    main()
