"""Signing a message so that its receiver knows whose it is, and that it is of now.

Source: Standard Webhooks, "Webhook metadata", "Signature scheme" (symmetric, v1). Threats: forged messages; a message
that was overheard and is sent again: its id and time are signed with it.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Mapping

PREFIX = "whsec_"
_SECRET_BYTES = 32  # the standard asks for 24 to 64
_ID_BYTES = 18


def new_secret() -> bytes:
    """The key that a webhook's messages are signed with."""
    return secrets.token_bytes(_SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """As it is handed to the receiver."""
    return PREFIX + base64.b64encode(secret).decode()


def new_message_id() -> str:
    """Of a message: the same in each attempt, so that the receiver takes it once."""
    return f"msg_{secrets.token_urlsafe(_ID_BYTES)}"


def signed_headers(secret: bytes, message_id: str, sent_at: int, body: bytes) -> Mapping[str, str]:
    """The three headers of a message. `sent_at` is the NumericDate of this attempt."""
    content = f"{message_id}.{sent_at}.".encode() + body
    signature = base64.b64encode(hmac.digest(secret, content, "sha256")).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(sent_at), "webhook-signature": f"v1,{signature}"}
