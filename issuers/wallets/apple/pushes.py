"""Pushes to phones through APNs: HTTP/2 with the pass certificate as client certificate, on one connection that stays.

Sources: Apple, "Adding a Web Service to Update Passes" (topic, certificate, empty dictionary, production host) and
"Handling notification responses from APNs" (statuses and reasons). All that goes wrong comes back as an answer with a
code; a host that is dead or refuses us is not asked again for each of thousands of phones.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import ssl
import tempfile
import threading
from collections.abc import Callable, Collection, Coroutine
from enum import Enum, auto
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.x509.oid import NameOID

from issuers.settings import IssuerSettings
from issuers.wallets import SignerSource
from keys.atomic_file import write_private
from keys.certificates import check_apple
from keys.signer import Role, Signer
from walletpass.errors import WalletPassError

T = TypeVar("T")

AT_ONCE = 100  # requests on the connection
CONNECT_TIME, ANSWER_TIME, BATCH_TIME = 5.0, 10.0, 45.0  # seconds
KEPT = 120.0  # seconds that an idle connection stays: firewalls forget longer ones without telling
STORED = 30 * 86400  # seconds that Apple keeps a push for a phone that is off
FAILURES_IN_A_ROW = 20  # of the server's own, after which it is left alone
APPLES_HOSTS = ".push.apple.com"
_BODY = b"{}"
_LONGEST_ANSWER = 4096  # bytes; Apple's have a hundred
_BAD_TOKEN = ("BadDeviceToken", "DeviceTokenNotForTopic")
_BAD_TOPIC = ("TopicDisallowed", "BadTopic", "MissingTopic")
_LOST = (httpx2.ReadError, httpx2.WriteError, httpx2.CloseError, httpx2.ProtocolError)


class PushUnusable(WalletPassError):
    """The connection cannot be made ready: certificate, key or CA file."""

    code = "apple_push_unusable"


class Outcome(Enum):
    SENT = auto()
    GONE = auto()  # the push token is good no longer
    LATER = auto()
    STOPPED = auto()  # later, and so are all others: it is not about this phone
    FAILED = auto()


class Answer(NamedTuple):
    """What became of a push. `since` (milliseconds): when Apple found a token to be gone, if it says so."""

    outcome: Outcome
    code: str = ""
    since: int | None = None


SENT = Answer(Outcome.SENT)
UNREACHABLE = Answer(Outcome.STOPPED, "apple_unreachable")
SLOW = Answer(Outcome.STOPPED, "apple_slow")
BUSY = Answer(Outcome.LATER, "apple_busy")
_DEAD = Answer(Outcome.STOPPED, "apple_busy")


class _Stop(Exception):
    """Not an error of ours: the end of a round."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class Pushes:
    """One connection to APNs. `now` gives seconds since 1970. Its network lives in a thread of its own."""

    def __init__(self, settings: IssuerSettings, signer_for: SignerSource, now: Callable[[], float]) -> None:
        self._settings, self._signer_for, self._now = settings, signer_for, now
        self._signer: Signer | None = None
        self._context: ssl.SSLContext | None = None
        self._client: httpx2.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def off(self) -> str:
        """Why no push is sent, if none is: there is no address, or it is Apple's and the certificate is not.

        A demonstration's stand-in would only be refused, and Apple would hear of it.
        """
        host = urlsplit(self._settings.apple_push_url).hostname or ""
        if not host:
            return "no_address"
        apples = host.endswith(APPLES_HOSTS)
        return "no_certificate_of_apple" if apples and not _is_from_apple(self._own_signer().chain) else ""

    def send(self, tokens: Collection[str]) -> dict[str, Answer]:
        """Push to each of these tokens once; an answer for each, within about a minute.

        Raises `CertificateMismatch`, `KeyNotFound` and `PushUnusable` before anything is sent.
        """
        signer = self._own_signer()
        if signer is not self._signer:  # renewed: what is signed with the new one is pushed with the new one
            self._context = client_context(signer, self._settings.apple_push_ca)
            self._run(self._let_go())
            self._signer = signer
        return self._run(self._send(list(tokens)))

    def close(self) -> None:
        """Let go of the connection and the thread."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._run(self._let_go())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        self._loop = None

    def _own_signer(self) -> Signer:
        settings, signer = self._settings, self._signer_for(Role.APPLE_PASS)
        if signer is not self._signer:
            check_apple(signer.chain, settings.apple_pass_type_identifier, settings.apple_team_identifier)
        return signer

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="apple-pushes", daemon=True)
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _send(self, tokens: list[str]) -> dict[str, Answer]:
        answers: dict[str, Answer] = {}
        stopped, lost = await self._round(tokens, answers)
        if lost:  # an idle connection was closed, or Apple asks to come anew: once more, at once
            stopped, _ = await self._round([token for token in tokens if token not in answers], answers)
        return dict.fromkeys(tokens, stopped) | answers

    async def _round(self, tokens: list[str], answers: dict[str, Answer]) -> tuple[Answer, bool]:
        """Push until all have answers or it makes no sense: then what is to be said of the rest.

        Also whether a connection that was there has been lost.
        """
        waiting, row = iter(tokens), 0
        headers = {"apns-expiration": str(int(self._now()) + STORED)}

        async def work() -> None:
            nonlocal row
            for token in waiting:
                answer = answers[token] = await self._push(token, headers)
                row = row + 1 if answer == BUSY else 0
                if answer.outcome is Outcome.STOPPED or row >= FAILURES_IN_A_ROW:
                    raise _Stop(answer if answer.outcome is Outcome.STOPPED else _DEAD)

        tasks = [asyncio.create_task(work()) for _ in range(min(AT_ONCE, len(tokens)))]
        if not tasks:
            return SENT, False
        _, unfinished = await asyncio.wait(tasks, timeout=BATCH_TIME, return_when=asyncio.FIRST_EXCEPTION)
        for task in unfinished:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        failures = [each for each in ended if isinstance(each, Exception)]
        if not failures and not unfinished:
            return SENT, False
        await self._let_go()
        if not failures:
            return SLOW, False
        if isinstance(failures[0], _Stop):
            return failures[0].answer, False
        if isinstance(failures[0], httpx2.HTTPError):
            return UNREACHABLE, isinstance(failures[0], _LOST)
        raise failures[0]

    async def _push(self, token: str, headers: dict[str, str]) -> Answer:
        client = self._client or self._connected()
        async with client.stream("POST", f"/3/device/{token}", content=_BODY, headers=headers) as answer:
            body = b""
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > _LONGEST_ANSWER:  # not Apple's: the connection goes, and what else it would have sent
                    return UNREACHABLE
        return SENT if answer.status_code == 200 else meaning(answer.status_code, body)

    def _connected(self) -> httpx2.AsyncClient:
        settings = self._settings
        assert self._context is not None
        self._client = httpx2.AsyncClient(
            base_url=settings.apple_push_url,
            verify=self._context,
            http1=False,
            http2=True,
            timeout=httpx2.Timeout(ANSWER_TIME, connect=CONNECT_TIME),
            limits=httpx2.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEPT),
            headers={
                "accept-encoding": "identity",  # nothing packed: the limit then counts what arrives
                "apns-topic": settings.apple_pass_type_identifier,
                "apns-push-type": settings.apple_push_type,
                "apns-priority": str(settings.apple_push_priority),
            },
        )
        return self._client

    async def _let_go(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def meaning(status: int, body: bytes) -> Answer:
    """What Apple's answer says about one push. A status that is not documented is not about the phone."""
    said = _object(body)
    reason, since = said.get("reason"), said.get("timestamp")
    if status == 400 and reason in _BAD_TOKEN:
        return Answer(Outcome.GONE, "apple_token_bad")
    if status == 410:
        return Answer(Outcome.GONE, "apple_token_gone", since if type(since) is int else None)
    if status == 413:
        return Answer(Outcome.FAILED, "apple_push_too_large")
    if status == 429 or status >= 500:
        return BUSY
    if status == 403:
        return Answer(Outcome.STOPPED, "apple_certificate_refused")
    if status == 400 and reason in _BAD_TOPIC:
        return Answer(Outcome.STOPPED, "apple_topic_refused")
    return Answer(Outcome.STOPPED, "apple_push_refused")


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def client_context(signer: Signer, authority: str) -> ssl.SSLContext:
    """TLS with the pass certificate. The library reads keys from files only: for that moment there is one, encrypted.

    `authority`: a file of CA certificates; empty: the system's.
    """
    try:
        context = ssl.create_default_context(cafile=authority or None)
        password = secrets.token_hex(32)
        encrypted = BestAvailableEncryption(password.encode())
        key = signer.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encrypted)
        chain = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in signer.chain)
        with tempfile.TemporaryDirectory(prefix="walletpass-") as folder:
            file = Path(folder) / "client.pem"
            write_private(file, key + chain)
            context.load_cert_chain(file, password=password)
    except OSError as failure:
        raise PushUnusable(f"Pushes cannot be sent: certificate, key or CA file: {failure.strerror}.") from None
    return context


def _is_from_apple(chain: tuple[x509.Certificate, ...]) -> bool:
    names = chain[-1].subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return [name.value for name in names] == ["Apple Inc."]
