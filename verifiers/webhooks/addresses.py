"""Where a webhook may lead: https, and to nobody's internal network unless a setting names it.

Threat (SSRF): whoever may enter an address makes the service call machines that only it can reach. A name is resolved
once and the connection goes to the address that was checked, so that it cannot lead elsewhere a moment later (DNS
rebinding). Source: OWASP Server-Side Request Forgery Prevention; RFC 6890 (special-purpose addresses).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import urlsplit

from verifiers.webhooks.errors import WebhookAddressInvalid

LONGEST = 500  # characters
_HTTPS, _HTTP = 443, 80
# Addresses that carry an IPv4 address to be reached: NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380).
_CARRIERS = tuple(IPv6Network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96"))
_SITE_LOCAL = IPv6Network("fec0::/10")  # deprecated (RFC 3879), and still called global by the library
Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class AddressRefused(Exception):
    """The name leads to no address that may be called."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads. `host` is a name or an address, as it stands in the URL; `path` has the query too."""

    encrypted: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """For the header Host (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (_HTTPS if self.encrypted else _HTTP) else f"{host}:{self.port}"


def read_url(url: str) -> Target:
    """Take a webhook's URL apart; raises `WebhookAddressInvalid`."""
    if len(url) > LONGEST or not url.isascii() or any(character <= " " for character in url):
        raise WebhookAddressInvalid(f"A webhook's address has at most {LONGEST} characters, without blanks.")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise WebhookAddressInvalid("The webhook's address cannot be read.") from None
    if not host or parts.username is not None or parts.fragment:
        raise WebhookAddressInvalid("A webhook's address has a host, and neither a password nor a fragment.")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise WebhookAddressInvalid("A webhook's address begins with https://; http:// only on this very machine.")
    encrypted = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(encrypted, host, port or (_HTTPS if encrypted else _HTTP), path)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def resolve(target: Target, private_networks: Collection[Network]) -> list[str]:
    """The addresses of the target that may be called; raises `AddressRefused` or `OSError` (no such name)."""
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    allowed = [each for each in addresses if may_be_called(each, private_networks)]
    if not allowed:
        raise AddressRefused
    return allowed


def may_be_called(address: str, private_networks: Collection[Network]) -> bool:
    """Whether it is a public address, or in a network that the setting names."""
    found: Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if any(found.version == network.version and found in network for network in private_networks):
        return True
    carried = isinstance(found, IPv6Address) and any(found in carrier for carrier in _CARRIERS)
    site = isinstance(found, IPv6Address) and found in _SITE_LOCAL
    return found.is_global and not found.is_multicast and not carried and not site
