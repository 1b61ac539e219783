"""Passkeys (WebAuthn Level 2) through the `webauthn` library, and challenges that need no storage until they are used.

The user is always verified (PIN, finger, face), so a passkey alone is two factors and serves as first one too.
"""

from __future__ import annotations

import json
import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import parse_authentication_credential_json, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from web.database import write_transaction
from web.staff.accounts import Account
from web.staff.errors import FactorRefused
from web.staff.store import StaffStore

CHALLENGE_LIFETIME = 15 * 60  # seconds a page with a challenge may stay open
LONGEST = 16 << 10  # characters of a browser's answer
_RANDOM, _TIME, _MAC = 16, 8, 32  # bytes
_REQUIRED = UserVerificationRequirement.REQUIRED
# What the library lets through when a hostile answer has the wrong shape.
_MALFORMED = (
    *(WebAuthnException, UnsupportedAlgorithm, struct.error),
    *(ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError),
)
_NOT_OURS = "The passkey could not be checked; open the page anew and try again."


@dataclass(frozen=True, slots=True)
class Passkey:
    """A registered passkey. Times are NumericDates."""

    id: bytes
    account_id: str
    public_key: bytes
    sign_count: int
    created_at: int
    used_at: int | None


@dataclass(frozen=True, slots=True)
class Presented:
    """Which passkey a browser's answer names, not yet believed."""

    credential_id: bytes
    user_handle: bytes | None


class Challenges:
    """A challenge is random, ours, bound to one browser's cookie, short-lived and good once (WebAuthn 13.4.3)."""

    def __init__(self, store: StaffStore) -> None:
        self._store = store

    def make(self, cookie: str) -> bytes:
        """Random bytes, the end, and a digest over both and the cookie."""
        end = (self._store.now() + CHALLENGE_LIFETIME).to_bytes(_TIME, "big")
        start = secrets.token_bytes(_RANDOM) + end
        return start + self._mac(start, cookie)

    def check(self, challenge: bytes, cookie: str) -> bytes:
        """The challenge itself; raises `FactorRefused` when it is not ours, another browser's or too old."""
        start, mac = challenge[: _RANDOM + _TIME], challenge[_RANDOM + _TIME :]
        if len(mac) != _MAC or not secrets.compare_digest(mac, self._mac(start, cookie)):
            raise FactorRefused(_NOT_OURS)
        if self._store.now() >= int.from_bytes(start[_RANDOM:], "big"):
            raise FactorRefused("The page was open for too long; open it anew and try again.")
        return challenge

    def use_up(self, challenge: bytes) -> None:
        """After the signature was found right; raises `FactorRefused` the second time."""
        table = self._store.tables.used_challenges
        row = {
            "digest": self._store.seal.digest("challenge", challenge),
            "expires_at": int.from_bytes(challenge[_RANDOM : _RANDOM + _TIME], "big"),
        }
        try:
            with write_transaction(self._store.engine) as connection:
                connection.execute(insert(table).values(row))
        except IntegrityError:
            raise FactorRefused("This answer was used before.") from None

    def _mac(self, start: bytes, cookie: str) -> bytes:
        return self._store.seal.digest("webauthn", start, cookie.encode("utf-8", "surrogatepass"))


class RelyingParty:
    """This service towards browsers. `origin` is scheme, host and port; the host alone is the RP ID."""

    def __init__(self, origin: str, name: str, challenges: Challenges) -> None:
        self._origin, self._name, self._challenges = origin, name, challenges
        self._id = urlsplit(origin).hostname or ""

    def registration_options(self, account: Account, existing: Sequence[Passkey], cookie: str) -> str:
        """JSON for `navigator.credentials.create`. The user handle is no personal data (WebAuthn 14.6.1)."""
        options = generate_registration_options(
            rp_id=self._id,
            rp_name=self._name,
            user_id=account.id.encode(),
            user_name=account.user_name,
            user_display_name=account.display_name,
            challenge=self._challenges.make(cookie),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED, user_verification=_REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=passkey.id) for passkey in existing],
        )
        return options_to_json(options)

    def authentication_options(self, allowed: Sequence[Passkey], cookie: str) -> str:
        """JSON for `navigator.credentials.get`; none allowed: whichever the person has for this service."""
        options = generate_authentication_options(
            rp_id=self._id,
            challenge=self._challenges.make(cookie),
            allow_credentials=[PublicKeyCredentialDescriptor(id=passkey.id) for passkey in allowed],
            user_verification=_REQUIRED,
        )
        return options_to_json(options)

    def registered(self, answer: str, account: Account, cookie: str, now: int) -> Passkey:
        """The new passkey in a browser's answer (WebAuthn 7.1); raises `FactorRefused`."""
        try:
            challenge = self._challenge(answer, cookie)
            found = verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._id,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except _MALFORMED as failure:
            raise FactorRefused(_NOT_OURS) from failure
        self._challenges.use_up(challenge)
        key = Passkey(found.credential_id, account.id, found.credential_public_key, found.sign_count, now, None)
        if len(key.id) > 1023 or len(key.public_key) > 1024:
            raise FactorRefused(_NOT_OURS)
        return key

    def presented(self, answer: str) -> Presented:
        """Which passkey an answer is about; raises `FactorRefused`."""
        try:
            found = parse_authentication_credential_json(_bounded(answer))
        except _MALFORMED as failure:
            raise FactorRefused(_NOT_OURS) from failure
        return Presented(found.raw_id, found.response.user_handle)

    def verified(self, answer: str, passkey: Passkey, cookie: str) -> VerifiedAuthentication:
        """Check an answer against its passkey (WebAuthn 7.2), the counter included; raises `FactorRefused`."""
        try:
            challenge = self._challenge(answer, cookie)
            found = verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._id,
                expected_origin=self._origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except _MALFORMED as failure:
            raise FactorRefused(_NOT_OURS) from failure
        self._challenges.use_up(challenge)
        return found

    def _challenge(self, answer: str, cookie: str) -> bytes:
        return self._challenges.check(_signed_challenge(_bounded(answer)), cookie)


def _bounded(answer: str) -> str:
    if len(answer) > LONGEST:
        raise FactorRefused(_NOT_OURS)
    return answer


def _signed_challenge(answer: str) -> bytes:
    """The challenge in the client's own words; the library compares it again with what was signed."""
    return parse_client_data_json(base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"])).challenge
