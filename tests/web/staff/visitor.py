"""A person at the desk with a browser that keeps cookies, fills in forms and says where they came from."""

from __future__ import annotations

import base64
import re
from html import unescape
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from tests.web.staff.authenticator import Authenticator
from web.staff.accounts import Accounts
from web.staff.passwords import PasswordHasher
from web.staff.store import StaffStore
from web.staff.totp import code_at

NOW = 1_800_000_000
NAME, PASSWORD = "k.lange", "vier Möwen kreischen laut"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = float(NOW)

    def __call__(self) -> float:
        return self.seconds


class Visitor:
    def __init__(self, client: TestClient, url: str, store: StaffStore) -> None:
        self.client, self.url, self.store = client, url, store
        self.key = b""
        self.codes: list[str] = []

    def get(self, path: str = "", **options: Any) -> Response:
        return self.client.get(f"/desk{path}", **options)

    def token(self, page: Response) -> str:
        [*tokens] = re.findall(r'name="token" value="([0-9a-f]{64})"', page.text)
        assert len(set(tokens)) == 1, page.text
        return tokens[0]

    def post(
        self, path: str, form_at: str | None = None, headers: dict[str, str] | None = None, **fields: str
    ) -> Response:
        """Fill in the form of a page as a browser does."""
        form = {"token": self.token(self.get(form_at if form_at is not None else path))} | fields
        return self.send(path, form, headers)

    def send(self, path: str, form: dict[str, str], headers: dict[str, str] | None = None) -> Response:
        own = {"Origin": self.url, "Sec-Fetch-Site": "same-origin"} if headers is None else headers
        return self.client.post(f"/desk{path}", data=form, headers=own)

    def options(self, path: str) -> str:
        [text] = re.findall(r'data-options="([^"]+)"', self.get(path).text)
        return unescape(text)

    def sign_in(self, name: str = NAME, password: str = PASSWORD) -> Response:
        return self.post("/sign-in", user_name=name, password=password)

    def code(self, ahead: int = 0) -> str:
        return code_at(self.key, self.store.now() // 30 + ahead)

    def take_key(self) -> bytes:
        """Type the key of the enrolment page into an app."""
        [text] = re.findall(r"<code>([A-Z2-7 ]+)</code>", self.get("/factors").text)
        self.key = base64.b32decode(text.replace(" ", ""))
        return self.key

    def enrol(self, start: str, name: str = NAME, password: str = PASSWORD) -> Response:
        """The whole first sign-in, with an app."""
        assert where(self.sign_in(name, start)) == "/desk/password"
        assert where(self.post("/password", old=start, new=password, repeated=password)) == "/desk/factors"
        self.take_key()
        shown = self.post("/factors", change="totp", code=self.code())
        self.codes = re.findall(r"<li><code>([a-z2-7-]+)</code>", shown.text)
        return shown

    def enrol_passkey(self, authenticator: Authenticator) -> Response:
        answer = authenticator.create(self.options("/factors"), self.url)
        return self.post("/factors", change="passkey", credential=answer)

    def secret(self) -> str:
        """The session id the browser holds."""
        return next(cookie.value or "" for cookie in self.client.cookies.jar if cookie.name.endswith("session"))


def where(answer: Response) -> str:
    """Where a redirect leads; the status is the reason when it is none."""
    assert answer.status_code == 303, (answer.status_code, answer.text)
    return answer.headers["location"]


def somebody(store: StaffStore, hasher: PasswordHasher, visitor: Visitor, name: str = NAME) -> Visitor:
    """An account, enrolled and signed in."""
    _, start = Accounts(store, hasher).create(name, "Karla Lange", {"lead"})
    assert len(visitor.enrol(start, name).text) > 0 and len(visitor.codes) == 10
    return visitor
