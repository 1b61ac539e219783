"""The save link: `https://pay.google.com/gp/v/save/` and an RS256 JWT signed by the Google service account.

Source: Google Wallet, "Issue passes on the web" (`typ` savetowallet, `aud` google; browsers may cut off a JWT of more
than 1,800 characters); RFC 7515 section 7.1 for the compact form.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable

from cryptography.hazmat.primitives.asymmetric import rsa

from keys.errors import KeyProblem
from keys.signer import Signer

SAVE_URL = "https://pay.google.com/gp/v/save/"
MAX_JWT = 1800  # characters

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class SaveLinks:
    """Save links signed by one service account. `payload_room` is how many bytes of payload fit a link."""

    def __init__(self, signer: Signer, origins: Collection[str]) -> None:
        key = signer.private_key
        if not isinstance(key, rsa.RSAPrivateKey):
            raise KeyProblem("The key of the Google service account is no RSA key; import its JSON file again.")
        self.signer = signer
        self._header = _base64url(b'{"alg":"RS256","typ":"JWT"}') + b"."
        claims = {"iss": signer.subject, "aud": "google", "typ": "savetowallet", "origins": sorted(origins)}
        self._claims = encode(claims)[:-1]
        signature = len(_base64url(bytes(key.key_size // 8)))
        characters = MAX_JWT - len(self._header) - 1 - signature
        self.payload_room = characters * 3 // 4 - len(self._signed_claims("", 9_999_999_999))

    def _signed_claims(self, payload: str, issued_at: int) -> bytes:
        return f'{self._claims},"iat":{issued_at},"payload":{payload}}}'.encode()

    def link(self, payloads: Iterable[str], issued_at: int) -> str:
        """The link with the first of the JSON `payloads` that fits, else the last. `issued_at` is a NumericDate.

        What a payload leaves out, Google must know already. Later payloads are made only when they are needed.
        """
        payload = ""
        for payload in payloads:
            if len(payload.encode()) <= self.payload_room:
                break
        message = self._header + _base64url(self._signed_claims(payload, issued_at))
        return SAVE_URL + b".".join((message, _base64url(self.signer.sign(message)))).decode("ascii")


def _base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
