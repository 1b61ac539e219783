"""Google's wallet interface on loopback, stricter than Google: for tests, and on its own for tests that kill processes.

    python -m tests.issuers.wallets.google_emulator --public-key account.pem --account wallet@city.example

prints its address. Tokens: `{address}/token`. Interface: `{address}/walletobjects/v1/…`. `GET {address}/state` shows
what it holds and counts, `POST {address}/script` makes it fail: `{"status": 503, "times": 3, "path": "addMessage"}`.
Every body is held against Google's discovery document.
"""

from __future__ import annotations

import argparse
import json
import secrets
import socket
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jsonschema_rs
import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from tests.issuers.wallets.google_discovery import validator

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/wallet_object.issuer"
RESOURCES = {"genericClass": "GenericClass", "genericObject": "GenericObject"}
REQUIRED = {"genericClass": {"id"}, "genericObject": {"id", "classId", "cardTitle", "header"}}
MOST_MESSAGES, NOTIFICATIONS_A_DAY = 10, 3
TOKEN_LIFE = 3599


class Refusal(Exception):
    """An answer that is no success: status and Google's reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason

    def answer(self) -> Response:
        errors = [{"domain": "walletobjects", "reason": self.reason, "message": self.reason}]
        return JSONResponse({"error": {"code": self.status, "message": self.reason, "errors": errors}}, self.status)


class Emulator:
    """What Google holds of one issuer. `clock` is the time that it compares; the rate goes by a clock of its own."""

    def __init__(
        self,
        public_key: RSAPublicKey,
        account: str,
        issuer_id: str,
        *,
        requests_per_second: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.public_key, self.account, self.issuer_id, self.clock = public_key, account, issuer_id, clock
        self.requests_per_second = requests_per_second  # 0: any number
        self.address = ""
        self.stored: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in RESOURCES}
        self.notified: dict[str, list[tuple[float, str]]] = {}  # by object: when, and the message's id
        self.requests: Counter[str] = Counter()  # by method and what is asked, answered or not
        self.answers: Counter[int] = Counter()
        self.problems: list[str] = []  # what the document does not allow
        self.honours_null = True
        self.on_its_way: Callable[[str], None] = lambda request: None  # what happens before a request is looked at
        self._tokens: dict[str, float] = {}
        self._script: list[dict[str, Any]] = []
        self._arrivals: deque[float] = deque()
        self._lock = threading.Lock()

    @property
    def objects(self) -> dict[str, dict[str, Any]]:
        """By the part of the id behind the issuer's."""
        return {name.partition(".")[2]: found for name, found in self.stored["genericObject"].items()}

    def messages_notified(self, suffix: str) -> list[str]:
        return [message for _, message in self.notified.get(f"{self.issuer_id}.{suffix}", ())]

    def fails(self, status: int, times: int = 1, path: str = "", reason: str = "scripted", after: int = 0) -> None:
        """The next requests whose path holds `path` are answered so; the first `after` of them are not."""
        self._script.append({"status": status, "times": times, "path": path, "reason": reason, "after": after})

    def forget_tokens(self) -> None:
        self._tokens.clear()

    def state(self) -> dict[str, Any]:
        """All that tests of other processes look at."""
        with self._lock:
            return {
                "objects": self.objects,
                "classes": self.stored["genericClass"],
                "notified": {name: [message for _, message in sent] for name, sent in self.notified.items()},
                "requests": dict(self.requests),
                "answers": {str(status): count for status, count in self.answers.items()},
                "problems": self.problems,
            }

    # Tokens

    def grant(self, form: bytes) -> dict[str, Any]:
        fields = parse_qs(form.decode(), strict_parsing=True)
        if fields.get("grant_type") != [GRANT]:
            raise Refusal(400, "unsupported_grant_type")
        try:
            claims = jwt.decode(
                fields["assertion"][0],
                self.public_key,
                algorithms=["RS256"],
                audience=f"{self.address}/token",
                issuer=self.account,
                options={"verify_exp": False, "verify_iat": False, "require": ["iss", "aud", "iat", "exp", "scope"]},
            )
        except (jwt.PyJWTError, KeyError):
            raise Refusal(400, "invalid_grant") from None
        now = self.clock()
        if not (now - 3600 <= claims["iat"] <= now + 60 and now < claims["exp"] <= claims["iat"] + 3600):
            raise Refusal(400, "invalid_grant")
        if claims["scope"] != SCOPE:
            raise Refusal(400, "invalid_scope")
        token = f"ya29.{secrets.token_urlsafe(60)}"
        self._tokens[token] = now + TOKEN_LIFE
        return {"access_token": token, "expires_in": TOKEN_LIFE, "token_type": "Bearer"}

    # The interface

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> dict[str, Any]:
        """The resource that a request is answered with. Raises `Refusal`."""
        kind, _, rest = path.partition("/")
        resource, _, action = rest.partition("/")
        with self._lock:
            self.requests[f"{method} {kind}{'/' + action if action else ''}"] += 1
            self._limit()
            self._play(path)
            token = authorization.removeprefix("Bearer ")
            if self._tokens.get(token, 0) <= self.clock():
                raise Refusal(401, "authError")
            if kind not in RESOURCES:
                raise Refusal(404, "notFound")
            sent = self._parsed(body)
            if method == "POST" and action == "addMessage" and kind == "genericObject":
                return self._add_message(resource, sent)
            if method == "POST" and not rest:
                return self._insert(kind, sent)
            if method in ("PUT", "PATCH") and resource and not action:
                return self._replace(kind, resource, sent, patch=method == "PATCH")
            raise Refusal(404, "notFound")

    def _limit(self) -> None:
        now = time.monotonic()
        while self._arrivals and self._arrivals[0] <= now - 1:
            self._arrivals.popleft()
        if self.requests_per_second and len(self._arrivals) >= self.requests_per_second:
            raise Refusal(429, "rateLimitExceeded")
        self._arrivals.append(now)

    def _play(self, path: str) -> None:
        for line in self._script:
            if line["path"] not in path or not line["times"]:
                continue
            if line["after"]:
                line["after"] -= 1
                continue
            line["times"] -= 1
            raise Refusal(line["status"], line["reason"])

    def _parsed(self, body: bytes) -> dict[str, Any]:
        try:
            sent = json.loads(body)
        except ValueError:
            raise Refusal(400, "parseError") from None
        if not isinstance(sent, dict):
            raise Refusal(400, "parseError")
        return sent

    def _check(self, name: str, sent: dict[str, Any]) -> None:
        try:
            validator(name).validate(sent)
        except jsonschema_rs.ValidationError as fault:
            self.problems.append(f"{name}: {fault.message[:200]}")
            raise Refusal(400, "invalidResource") from None

    def _insert(self, kind: str, sent: dict[str, Any]) -> dict[str, Any]:
        self._whole(kind, sent)
        if not sent["id"].startswith(f"{self.issuer_id}."):
            raise Refusal(403, "permissionDenied")
        if sent["id"] in self.stored[kind]:
            raise Refusal(409, "existingResource")
        if kind == "genericObject" and sent["classId"] not in self.stored["genericClass"]:
            raise Refusal(404, "classNotFound")
        self.stored[kind][sent["id"]] = sent
        return sent

    def _replace(self, kind: str, resource: str, sent: dict[str, Any], *, patch: bool) -> dict[str, Any]:
        known = self.stored[kind].get(resource)
        if known is None:
            raise Refusal(404, "resourceNotFound")
        if patch:
            gone = {name for name, value in sent.items() if value is None} if self.honours_null else set()
            changed = {name: value for name, value in sent.items() if value is not None}
            sent = {name: value for name, value in (known | changed).items() if name not in gone}
        self._whole(kind, sent)
        if sent["id"] != resource:
            raise Refusal(400, "invalidResource")
        self.stored[kind][resource] = sent
        return sent

    def _whole(self, kind: str, sent: dict[str, Any]) -> None:
        self._check(RESOURCES[kind], sent)
        if not REQUIRED[kind] <= sent.keys() or len(sent.get("messages", ())) > MOST_MESSAGES:
            self.problems.append(f"{kind}: a field is missing, or there are too many messages")
            raise Refusal(400, "invalidResource")

    def _add_message(self, resource: str, sent: dict[str, Any]) -> dict[str, Any]:
        known = self.stored["genericObject"].get(resource)
        if known is None:
            raise Refusal(404, "resourceNotFound")
        self._check("AddMessageRequest", sent)
        message = sent["message"]
        if len(known.get("messages", ())) >= MOST_MESSAGES:
            raise Refusal(400, "tooManyMessages")
        if message.get("messageType") == "TEXT_AND_NOTIFY":
            sent_before, now = self.notified.setdefault(resource, []), self.clock()
            if sum(at > now - 86400 for at, _ in sent_before) >= NOTIFICATIONS_A_DAY:
                raise Refusal(403, "QuotaExceededException")
            sent_before.append((now, message["id"]))
        known["messages"] = [*known.get("messages", ()), message]
        return {"resource": known}


def create_app(emulator: Emulator) -> FastAPI:
    app = FastAPI(openapi_url=None)

    @app.exception_handler(Refusal)
    def refused(_: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, Refusal)
        emulator.answers[refusal.status] += 1
        return refusal.answer()

    @app.post("/token")
    async def token(request: Request) -> dict[str, Any]:
        emulator.requests["POST token"] += 1
        emulator._play("token")
        return emulator.grant(await request.body())

    @app.api_route("/walletobjects/v1/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def interface(request: Request, path: str) -> Response:
        authorization = request.headers.get("authorization", "")
        await run_in_threadpool(emulator.on_its_way, f"{request.method} {path}")
        found = emulator.answer(request.method, path, authorization, await request.body())
        emulator.answers[200] += 1
        return JSONResponse(found)

    @app.get("/state")
    def state() -> dict[str, Any]:
        return emulator.state()

    @app.post("/script")
    async def script(request: Request) -> dict[str, Any]:
        emulator.fails(**await request.json())
        return {}

    return app


@contextmanager
def serving(emulator: Emulator, port: int = 0) -> Iterator[Emulator]:
    """The emulator behind a free port of this machine; its address is known from then on."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        emulator.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(create_app(emulator), log_config=None, access_log=False, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield emulator
        finally:
            server.should_exit = True
            thread.join(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--public-key", type=Path, required=True)
    parser.add_argument("--account", required=True)
    parser.add_argument("--issuer-id", default="3388000000000000000")
    parser.add_argument("--requests-per-second", type=int, default=20)
    asked = parser.parse_args()
    key = load_pem_public_key(asked.public_key.read_bytes())
    assert isinstance(key, RSAPublicKey)
    emulator = Emulator(key, asked.account, asked.issuer_id, requests_per_second=asked.requests_per_second)
    with serving(emulator, asked.port):
        sys.stdout.write(f"{emulator.address}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
