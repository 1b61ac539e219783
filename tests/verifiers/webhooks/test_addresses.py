"""Where a webhook may lead: the table of what is refused, and a name that leads elsewhere a moment later."""

from __future__ import annotations

import socket
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.verifiers.webhooks.receiver import Receiver, certificate_for
from verifiers.webhooks.addresses import AddressRefused, may_be_called, read_url, resolve
from verifiers.webhooks.errors import WebhookAddressInvalid
from verifiers.webhooks.sending import Sender


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hooks",
        "http://127.0.0.1.example.org/",
        "ftp://example.org/",
        "https://",
        "https:///hooks",
        "https://name:word@example.org/",
        "https://example.org/#part",
        "https://example.org:99999/",
        "https://[::1/",
        "https://example.org/a b",
        "https://example.org/a\r\nHost: b",
        "https://exämple.org/",
        "https://example.org/" + "a" * 500,
        "javascript:alert(1)",
        "",
    ],
)
def test_an_address_that_cannot_be_a_webhooks_is_refused(url: str) -> None:
    with pytest.raises(WebhookAddressInvalid):
        read_url(url)


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://example.org", "example.org", "/"),
        ("https://example.org:443/a?b=c", "example.org", "/a?b=c"),
        ("https://example.org:8443/a", "example.org:8443", "/a"),
        ("http://localhost:9000/", "localhost:9000", "/"),
        ("http://127.0.0.1/x", "127.0.0.1", "/x"),
        ("http://[::1]:9000/x", "[::1]:9000", "/x"),
    ],
)
def test_an_address_is_taken_apart(url: str, authority: str, path: str) -> None:
    target = read_url(url)
    assert (target.authority, target.path) == (authority, path)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",  # where clouds hand out credentials
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "239.1.1.1",
        "192.0.2.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "ff0e::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "fec0::1",
        "::127.0.0.1",
    ],
)
def test_an_address_inside_is_not_called_unless_its_network_is_named(address: str) -> None:
    assert not may_be_called(address, ())


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14"])
def test_a_public_address_is_called(address: str) -> None:
    assert may_be_called(address, ())


def test_a_network_that_is_named_is_called_and_its_neighbour_is_not() -> None:
    named = (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))
    assert (
        may_be_called("10.1.2.3", named) and may_be_called("::ffff:10.1.2.3", named) and may_be_called("fd12::1", named)
    )
    assert not may_be_called("10.2.2.3", named) and not may_be_called("fe80::1", named)


def test_of_several_addresses_only_those_that_may_be_called_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ["10.0.0.1", "93.184.215.14", "93.184.215.14"]
    entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in found]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
    target = read_url("https://receiver.example/")
    assert resolve(target, ()) == ["93.184.215.14"]
    del entries[1:]
    with pytest.raises(AddressRefused):
        resolve(target, ())


def test_a_name_is_asked_once_and_the_address_that_was_checked_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the second answer would be another machine's address."""
    certificate = certificate_for(tmp_path, "receiver.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    receiver = Receiver(certificate)
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolver(host: str, port: int, *rest: Any, **options: Any) -> Any:
        if host != "receiver.example":
            return real(host, port, *rest, **options)
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", port, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    sender = Sender([ip_network("127.0.0.1/32")])
    answer = sender.send(read_url(f"https://receiver.example:{receiver.port}/hooks"), {}, b"{}")
    assert (answer.word, asked) == ("200", ["receiver.example"])
    assert sender.send(read_url(f"https://receiver.example:{receiver.port}/hooks"), {}, b"{}").word == "address_refused"
    assert len(receiver.received) == 1
    receiver.stop()
