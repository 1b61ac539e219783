"""The access token for Google's interface: asked for with a JWT that the service account's key signs.

Source: RFC 7523 section 2.1 (JWT bearer grant); Google Identity, "Using OAuth 2.0 for server to server applications".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from urllib.parse import urlencode

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from issuers.wallets import SignerSource
from issuers.wallets.google.exchange import Answer, GoogleUnreachable, exchange
from keys.errors import KeyProblem
from keys.signer import Role
from walletpass.errors import WalletPassError

SCOPE = "https://www.googleapis.com/auth/wallet_object.issuer"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_LIFE = 600  # seconds; Google takes an hour at most
_EARLY = 120  # seconds before its end that a token is used no longer
_LONGEST = 3600
_MAX_TOKEN = 4096  # characters
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class GoogleUnauthorised(WalletPassError):
    """Google does not take the service account's key, or the tokens that it gave for it."""

    code = "google_unauthorised"


class AccessTokens:
    """The token of one process, kept until shortly before its end. `seconds` is the time that Google compares."""

    def __init__(
        self,
        signer_for: SignerSource,
        url: str,
        client: httpx2.Client,
        seconds: Callable[[], float],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._signer_for, self._url, self._client = signer_for, url, client
        self._seconds, self._elapsed = seconds, elapsed
        self._lock, self._token, self._until = Lock(), "", 0.0

    def current(self) -> str:
        """A token that is good for some minutes. Raises `GoogleUnauthorised`, `GoogleUnreachable`, `KeyProblem`."""
        with self._lock:
            if not self._token or self._elapsed() >= self._until:
                self._fetch()
            return self._token

    def another(self, refused: str) -> str:
        """A token that is not the one that was just refused; of several who ask, the first one fetches it."""
        with self._lock:
            if self._token == refused:
                self._token = ""
                self._fetch()
        return self.current()

    def _fetch(self) -> None:
        form = urlencode({"grant_type": GRANT, "assertion": self._assertion()}).encode()
        asked_at = self._elapsed()
        answer = exchange(self._client, "POST", self._url, _FORM, form)
        if answer.status in (400, 401, 403):
            raise GoogleUnauthorised(
                "Google gives no access token for the service account's key; import the key that its console shows."
            )
        self._token, life = _granted(answer)
        self._until = asked_at + max(life - _EARLY, life / 2)

    def _assertion(self) -> str:
        signer = self._signer_for(Role.GOOGLE_SERVICE_ACCOUNT)
        key = signer.private_key
        if not isinstance(key, rsa.RSAPrivateKey):
            raise KeyProblem("The key of the Google service account is no RSA key; import its JSON file again.")
        now = int(self._seconds())
        claims = {"iss": signer.subject, "scope": SCOPE, "aud": self._url, "iat": now, "exp": now + _ASSERTION_LIFE}
        return jwt.encode(claims, key, algorithm="RS256")


def _granted(answer: Answer) -> tuple[str, float]:
    """The token and its life in seconds."""
    members = answer.members() if answer.status == httpx2.codes.OK else {}
    token, life = members.get("access_token"), members.get("expires_in")
    fits = isinstance(token, str) and 0 < len(token) <= _MAX_TOKEN and token.isascii() and token.isprintable()
    if not fits or " " in str(token):
        raise GoogleUnreachable("Google's token address gives no token at this moment; it is asked again later.")
    return str(token), min(life, _LONGEST) if isinstance(life, int) and life > 0 else _LONGEST
