"""An inspector's phone without a screen: two keys, a token, and requests with proofs, as the app sends them."""

from __future__ import annotations

import json
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from httpx2 import Response
from joserfc import jwe
from joserfc.jwk import ECKey
from starlette.testclient import TestClient

from tests.web.dpop_caller import Caller, public_members

ORIGIN = "http://localhost:8001"
API = "/api/v1/device"
REPORT: dict[str, Any] = {
    "app_version": "0.1.0",
    "waiting": 0,
    "quarantined": 0,
    "cases": 0,
    "lookups": {},
    "trust_list_version": None,
    "status_lists": {},
    "plate_lists": {},
    "keys": {"plate": {}, "use": {}},
}


class Phone:
    """`client` reaches the service; `origin` is the service's own word for its address."""

    def __init__(self, client: TestClient, origin: str = ORIGIN) -> None:
        self.client, self.origin = client, origin
        self.caller = Caller()
        self.agreement = ec.generate_private_key(ec.SECP256R1())
        self.token: str | None = None
        self.nonce: str | None = None

    def post(self, path: str, body: Any = None, **headers: str) -> Response:
        """Send, and once more with a fresh nonce where one is asked for."""
        answer = self.send(path, body, **headers)
        if answer.status_code == 401 and answer.json()["code"] == "use_dpop_nonce":
            answer = self.send(path, body, **headers)
        return answer

    def send(self, path: str, body: Any = None, **headers: str) -> Response:
        sent = {"DPoP": self.caller.proof("POST", f"{self.origin}{API}/{path}", self.nonce, self.token)}
        if self.token is not None:
            sent["Authorization"] = f"DPoP {self.token}"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.client.post(
            f"{API}/{path}", content=content, headers={"Content-Type": "application/json"} | sent | headers
        )
        self.nonce = answer.headers.get("dpop-nonce", self.nonce)
        return answer

    def enrol(self, code: str, **changes: Any) -> Response:
        body = {"code": code, "agreement_key": public_members(self.agreement), "app_version": "0.1.0"} | changes
        self.token = None
        answer = self.post("enrolment", body)
        if answer.status_code == 201:
            self.token = answer.json()["token"]
        return answer

    def contact(self, **changes: Any) -> Response:
        return self.post("contact", REPORT | {"now": int(time.time())} | changes)

    def decrypted(self, encrypted: str) -> bytes:
        pem = self.agreement.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        opened = jwe.decrypt_compact(encrypted, ECKey.import_key(pem), algorithms=["ECDH-ES", "A256GCM"])
        return opened.plaintext or b""
