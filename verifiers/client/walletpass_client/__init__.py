"""A client of a walletpass verifying service, for barriers, tills and library gates. Needs nothing but httpx2.

A verdict is one of three outcomes, always with a reason. Whatever keeps the service from judging raises `NotJudged`:
a network error is never "refused" and never "accepted".
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import TracebackType
from typing import Any

import httpx2

__all__ = ["Event", "NotJudged", "Outcome", "TooManyChecks", "Verdict", "Verifier", "WebhookInvalid", "verify_webhook"]

ATTEMPTS = 3
PAUSE = 0.2  # seconds before the second attempt, twice that before the third
TOLERANCE = 300  # seconds a webhook's time may differ from now
_AGAIN = frozenset({502, 503, 504})  # said by proxies and by a service that is starting or full

ClaimValue = str | int | bool | list[str]


class NotJudged(Exception):
    """Nothing is known about the pass. `code` is the service's (such as `token_invalid`), or `unreachable`,
    `answer_invalid`; `status` the HTTP status, 0 when there was no answer."""

    def __init__(self, code: str, sentence: str, status: int = 0) -> None:
        super().__init__(f"{sentence} [{code}]")
        self.code, self.sentence, self.status = code, sentence, status


class TooManyChecks(NotJudged):
    """The token asks more often than it may. `retry_after` is in seconds."""

    def __init__(self, sentence: str, retry_after: int) -> None:
        super().__init__("too_many_requests", sentence, 429)
        self.retry_after = retry_after


class WebhookInvalid(Exception):
    """The message is not one of ours, or not of now."""


class Outcome(StrEnum):
    """What a check says. `UNDETERMINED`: the service cannot know at this moment; it is not the pass's fault."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one check. `reason` is a stable code; `pass_type`, `claims` and `valid_until` (the last valid
    local day) are there once the signature holds; `status_age` is that of the status list used, in seconds."""

    outcome: Outcome
    reason: str
    pass_type: str | None
    claims: Mapping[str, ClaimValue]
    valid_until: date | None
    status_age: int | None


@dataclass(frozen=True, slots=True)
class Event:
    """A webhook's message. `id` is the same however often it arrives."""

    id: str
    type: str
    timestamp: datetime
    data: Mapping[str, Any]


class Verifier:
    """A verifying service at `address`. Keeps its connections open; for several threads at once.

    `timeout`: seconds for each attempt. Raises `ValueError` for an address that would show the token to the network.
    """

    def __init__(self, address: str, token: str, timeout: float = 5.0) -> None:
        url = httpx2.URL(address)
        if url.scheme != "https" and url.host not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("the address begins with https://; http:// only on this very machine")
        self._client = httpx2.Client(
            base_url=f"{address.rstrip('/')}/api/v1/",
            headers={"Authorization": f"Bearer {token}", "User-Agent": "walletpass-client"},
            timeout=timeout,
            follow_redirects=False,
        )

    def verify(self, text: str) -> Verdict:
        """Judge a code's text, exactly as it was read. Raises `NotJudged`."""
        return self._ask("verifications", {"json": {"presentation": text}})

    def verify_image(self, picture: bytes) -> Verdict:
        """Judge the code in a picture of at most 10 MB. Raises `NotJudged`, `code` `no_code_found` among others."""
        return self._ask("verifications/image", {"files": {"image": ("picture", picture)}})

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Verifier:
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _ask(self, path: str, content: Mapping[str, Any]) -> Verdict:
        """Again when no answer came: a check changes nothing, so it does not matter whether the first one arrived."""
        attempt = 1
        while True:
            try:
                response = self._client.post(path, **content)
            except httpx2.HTTPError as failure:
                if attempt == ATTEMPTS:
                    raise NotJudged("unreachable", f"The service cannot be reached: {failure}.") from failure
            else:
                if response.status_code not in _AGAIN or attempt == ATTEMPTS:
                    return _verdict(response)
            time.sleep(PAUSE * attempt)
            attempt += 1


def _verdict(response: httpx2.Response) -> Verdict:
    try:
        found = json.loads(response.content)
        if response.status_code != httpx2.codes.OK:
            raise _problem(response, found)
        until = found["valid_until"]
        return Verdict(
            outcome=Outcome(found["outcome"]),
            reason=str(found["reason"]),
            pass_type=found["pass_type"],
            claims=found["claims"] or {},
            valid_until=None if until is None else date.fromisoformat(until),
            status_age=found["status_age_seconds"],
        )
    except (ValueError, TypeError, KeyError, AttributeError) as failure:
        sentence = "The answer is not that of a verifying service."
        raise NotJudged("answer_invalid", sentence, response.status_code) from failure


def _problem(response: httpx2.Response, found: Mapping[str, Any]) -> NotJudged:
    """Problem details (RFC 9457)."""
    code, sentence = str(found["code"]), str(found["detail"])
    if response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
        return TooManyChecks(sentence, int(response.headers.get("retry-after", "60")))
    return NotJudged(code, sentence, response.status_code)


def verify_webhook(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> Event:
    """The event of a message, if `secret` (`whsec_…`) signed it within five minutes of `now`.

    `headers` in any case; `body` exactly as it arrived. Raises `WebhookInvalid`. Source: Standard Webhooks.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, sent_at = given["webhook-id"], given["webhook-timestamp"]
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        if abs(now - int(sent_at)) > TOLERANCE:
            raise WebhookInvalid("The message is not of now: one that was overheard, or a clock is wrong.")
        signature = hmac.digest(key, f"{message_id}.{sent_at}.".encode() + body, "sha256")
        expected = b"v1," + base64.b64encode(signature)
        if not any(hmac.compare_digest(expected, each.encode()) for each in given["webhook-signature"].split(" ")):
            raise WebhookInvalid("The message is not signed with this secret.")
        said = json.loads(body)
        return Event(message_id, said["type"], datetime.fromisoformat(said["timestamp"]), said["data"])
    except (KeyError, ValueError, TypeError, binascii.Error) as failure:
        raise WebhookInvalid("The message is not a webhook's.") from failure
