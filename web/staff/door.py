"""What a request to the desk carries: cookies, form tokens, where it comes from. Everything here distrusts it.

Threats: a form sent by another site (CSRF, also of the sign-in form itself), a session id planted beforehand, a cookie
read by a script or sent without encryption (ASVS 3.4, 4.2.2; OWASP CSRF Prevention Cheat Sheet).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from keys.errors import WalletPassError
from web.limits import caller_address
from web.staff.errors import ForeignRequest
from web.staff.sessions import ABSOLUTE
from web.staff.sign_in import Attempt
from web.staff.store import Caller, StaffStore

_DEVICE_KNOWN_FOR = 90 * 86400  # seconds
_LOCAL = ("localhost", "127.0.0.1", "::1")
_COOKIE = re.compile(r"[A-Za-z0-9_-]{20,120}")
_BROWSERS = ("Firefox", "Edg", "OPR", "Chrome", "Safari")  # the first that is named: the later ones pose as others
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "CrOS", "Linux")
_SHOWN = {"Edg": "Edge", "OPR": "Opera", "Mac OS": "macOS", "CrOS": "ChromeOS"}


class DeskAddressInvalid(WalletPassError):
    """The desk's address is no origin, or would send passwords in the clear."""

    code = "desk_address_invalid"
    wrong_usage = True


class Door:
    """Cookies and checks for the desk of one service. `service` keeps the cookies of two services on one host apart."""

    def __init__(self, store: StaffStore, service: str, origin: str) -> None:
        found = urlsplit(origin)
        if found.scheme not in ("http", "https") or not found.hostname or origin != f"{found.scheme}://{found.netloc}":
            raise DeskAddressInvalid("The desk's address is scheme, host and port, such as https://desk.example.org.")
        if found.scheme == "http" and found.hostname not in _LOCAL:
            raise DeskAddressInvalid("The desk sends passwords; beyond this machine its address begins with https://.")
        self._store, self._origin, self.secure = store, origin, found.scheme == "https"
        prefix = f"__Host-{service}" if self.secure else service  # RFC 6265bis section 4.1.3.2
        self._session, self._form, self._device = f"{prefix}-session", f"{prefix}-form", f"{prefix}-device"

    def session_cookie(self, request: Request) -> str:
        """The session id a request claims to have; empty: none."""
        return _cookie(request, self._session)

    def form_cookie(self, request: Request) -> str:
        """What ties the sign-in form to this browser; a new one when there is none. It opens nothing."""
        return _cookie(request, self._form) or secrets.token_urlsafe(32)

    def token(self, cookie: str) -> str:
        """The hidden field of every form of whoever has this cookie."""
        return self._store.seal.digest("form", cookie.encode()).hex()

    def check(self, request: Request, token: object, cookie: str) -> None:
        """Raise `ForeignRequest` unless our own page sent this form from this browser.

        Sec-Fetch-Site and Origin cannot be set by scripts (Fetch Metadata; RFC 6454 section 7.3); a browser that sends
        neither is not let in. The token holds where a sibling subdomain could pose as the same site.
        """
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        if (site is None and origin is None) or site not in (None, "same-origin") or origin not in (None, self._origin):
            raise ForeignRequest(f"The form was not sent by this page; open {self._origin} and try again.")
        expected = self.token(cookie)
        if not isinstance(token, str) or not secrets.compare_digest(
            token.encode("utf-8", "replace"), expected.encode()
        ):
            raise ForeignRequest("The form is older than this session; open the page anew and try again.")

    def attempt(self, request: Request, user_name: str = "") -> Attempt:
        """Who tries to sign in."""
        device, _, proof = _cookie(request, self._device).partition("_")
        known = bool(device) and secrets.compare_digest(proof, self._device_proof(device, user_name))
        return Attempt(caller_address(request), caller(request), device if known else "")

    def let_in(self, response: Response, secret: str) -> None:
        """Hand out a new session id."""
        self._set(response, self._session, secret, ABSOLUTE)

    def give_form(self, response: Response, cookie: str) -> None:
        """Set the sign-in form's cookie."""
        self._set(response, self._form, cookie, None)

    def remember_device(self, response: Response, user_name: str) -> None:
        """After a complete sign-in: failures by strangers no longer hold up this browser (`web.staff.delays`)."""
        device = secrets.token_hex(12)
        self._set(response, self._device, f"{device}_{self._device_proof(device, user_name)}", _DEVICE_KNOWN_FOR)

    def let_out(self, response: Response) -> None:
        """Take the session id away."""
        self._set(response, self._session, "", 0)

    def headers(self) -> Mapping[str, str]:
        """For every page of the desk. With `no-referrer` browsers would send `Origin: null` with our own forms."""
        transport = {"Strict-Transport-Security": "max-age=31536000"} if self.secure else {}
        return {"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "Vary": "Cookie", **transport}

    def _device_proof(self, device: str, user_name: str) -> str:
        name = user_name.strip().lower().encode("utf-8", "surrogatepass")
        return self._store.seal.digest("device", device.encode(), name).hex()

    def _set(self, response: Response, name: str, value: str, seconds: int | None) -> None:
        response.set_cookie(name, value, seconds, path="/", secure=self.secure, httponly=True, samesite="strict")


def _cookie(request: Request, name: str) -> str:
    """A cookie that could be ours; of several with one name none, since somebody planted the others."""
    sent = [part.strip() for line in request.headers.getlist("cookie") for part in line.split(";")]
    values = [part.removeprefix(f"{name}=") for part in sent if part.startswith(f"{name}=")]
    return values[0] if len(values) == 1 and _COOKIE.fullmatch(values[0]) else ""


def caller(request: Request) -> Caller:
    """The network (/24 or /48) and two words of the user agent: enough for its owner, no movement profile."""
    host, agent = request.client.host if request.client else "", request.headers.get("user-agent", "")
    try:
        address = ip_address(host)
        network = str(ip_network((address, 24 if address.version == 4 else 48), strict=False))
    except ValueError:
        network = ""
    words = [next((word for word in words if word in agent), "") for words in (_BROWSERS, _SYSTEMS)]
    return Caller(network, ", ".join(_SHOWN.get(word, word) for word in words if word))
