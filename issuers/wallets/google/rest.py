"""Classes and objects at Google: put there, brought up to date, given messages. Safe to repeat.

Source: Google Wallet API, REST resources `genericclass` and `genericobject`; "Performance tips" (PATCH: null takes a
field away, and the answer is the whole resource); "Trigger push notifications" (three a day for each pass).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx2

from issuers.wallets.google.access_tokens import AccessTokens, GoogleUnauthorised
from issuers.wallets.google.exchange import Answer, exchange
from issuers.wallets.google.pace import Pace
from issuers.wallets.google.save_link import encode
from walletpass.errors import WalletPassError

TEXT, TEXT_AND_NOTIFY = "TEXT", "TEXT_AND_NOTIFY"


class GoogleRefused(WalletPassError):
    """Google does not take this class, object or message: trying again does not help."""

    code = "google_refused"


class GoogleForbidden(WalletPassError):
    """The service account may not write for the issuer: somebody has to look at Google's console."""

    code = "google_forbidden"


class GoogleBusy(WalletPassError):
    """More was asked than Google allows."""

    code = "google_busy"


class GoogleUnavailable(WalletPassError):
    """Google answered, but not as it should: it has an outage."""

    code = "google_unavailable"


class ClassMissing(WalletPassError):
    """The object's class is not at Google (any longer, or not yet everywhere)."""

    code = "google_class_missing"


class _NotifiedEnough(GoogleBusy):
    """The phone shows no more notifications of this pass today."""


class Kind(StrEnum):
    """The two resources, by their names in addresses."""

    CLASS = "genericClass"
    OBJECT = "genericObject"


# Fields of ours that may be there at one time and not at another. What somebody adds at Google's console stays.
_MAY_VANISH: Mapping[Kind, Collection[str]] = {
    Kind.CLASS: ("callbackOptions",),
    Kind.OBJECT: ("barcode", "logo", "passConstraints", "textModulesData"),
}


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource as Google has it now; `new` when it was not there before."""

    members: Mapping[str, Any]
    new: bool

    @property
    def messages(self) -> list[dict[str, Any]]:
        found = self.members.get("messages")
        return [message for message in found if isinstance(message, dict)] if isinstance(found, list) else []


class GoogleRest:
    """The interface below one address. Any thread may ask; all go at one pace."""

    def __init__(self, url: str, client: httpx2.Client, tokens: AccessTokens, pace: Pace) -> None:
        self._url, self._client = f"{url}/walletobjects/v1", client
        self._tokens, self._pace = tokens, pace

    def put(self, kind: Kind, wanted: Mapping[str, Any], *, likely_new: bool = False) -> Stored:
        """Make it what is wanted, whether it is there or not; `likely_new` saves a request where that is right.

        Messages stay, unless `wanted` has a word on them.

        Raises `GoogleRefused` for this resource; for all others too `GoogleForbidden`, `GoogleBusy`,
        `GoogleUnavailable`, `GoogleUnreachable`, `GoogleUnauthorised`.
        """
        present = {name: value for name, value in wanted.items() if value not in (None, [])}
        gone = {name for name in (*wanted, *_MAY_VANISH[kind]) if name not in present}
        patch, path = present | dict.fromkeys(gone), f"{kind}/{wanted['id']}"
        answer = None if likely_new else self._ask("PATCH", path, patch)
        if answer is None or answer.status == 404:
            answer = self._ask("POST", kind, present)
            if answer.status == 404:
                raise ClassMissing("Google does not know the class of this object yet; it is put again later.")
            if answer.status != 409:
                return Stored(_resource(answer), new=True)
            answer = self._ask("PATCH", path, patch)  # somebody saved a link just now
        stored = Stored(_resource(answer), new=False)
        if any(stored.members.get(name) for name in gone):  # a code must be gone whatever null means to Google
            whole = present if "messages" in wanted else present | {"messages": stored.messages}
            whole = {name: value for name, value in whole.items() if value}
            return Stored(_resource(self._ask("PUT", path, whole)), new=False)
        return stored

    def set_messages(self, object_id: str, messages: Collection[Mapping[str, Any]]) -> None:
        """Exactly these stay; nobody is notified. Raises as `put`."""
        _resource(self._ask("PATCH", f"{Kind.OBJECT}/{object_id}", {"messages": list(messages) or None}))

    def add_message(self, object_id: str, message: Mapping[str, Any]) -> None:
        """Add a message and notify; without notifying when that was done too often today. Raises as `put`."""
        path = f"{Kind.OBJECT}/{object_id}/addMessage"
        try:
            _resource(self._ask("POST", path, {"message": {**message, "messageType": TEXT_AND_NOTIFY}}))
        except _NotifiedEnough:
            _resource(self._ask("POST", path, {"message": {**message, "messageType": TEXT}}))

    def _ask(self, method: str, path: str, body: Mapping[str, Any]) -> Answer:
        """The answer, if it is a success, 404 or 409. A token that is refused is replaced once."""
        token, content = self._tokens.current(), encode(body).encode()
        answer = self._send(method, path, content, token)
        if answer.status == 401:
            answer = self._send(method, path, content, self._tokens.another(token))
        if answer.status in (200, 404, 409):
            return answer
        raise _failure(answer)

    def _send(self, method: str, path: str, content: bytes, token: str) -> Answer:
        self._pace.wait()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"}
        return exchange(self._client, method, f"{self._url}/{path}", headers, content)


def _resource(answer: Answer) -> dict[str, Any]:
    members = answer.members()
    if answer.status != 200 or not members:
        raise GoogleUnavailable("Google does not answer as it should; it is asked again later.")
    return members


def _failure(answer: Answer) -> WalletPassError:
    """Google's status and, where one status means two things, the reason in its words."""
    status, reasons = answer.status, answer.body.decode("utf-8", "replace").lower()
    if status in (400, 403, 429) and ("quotaexceededexception" in reasons or '"quotaexceeded"' in reasons):
        return _NotifiedEnough("The phone shows no more notifications of this pass today.")
    if status == 429 or (status == 403 and "ratelimitexceeded" in reasons):
        return GoogleBusy("Google is asked more often than it allows; it is asked again later.")
    if status == 401:
        return GoogleUnauthorised("Google refuses the access token that it gave; look at the service account.")
    if status == 403:
        return GoogleForbidden(
            "The service account may not write for WALLETPASS_GOOGLE_ISSUER_ID; add it in the Google Pay & Wallet "
            "console, as a developer."
        )
    if 400 <= status < 500 and status != 408:
        return GoogleRefused("Google does not take what it was sent; see walletpass jobs list.")
    return GoogleUnavailable("Google has an outage; it is asked again later.")
