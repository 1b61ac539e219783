"""One attempt against real servers: what each of them answers, and what none of them can make the sender do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.verifiers.webhooks.conftest import LOOPBACK
from tests.verifiers.webhooks.receiver import Receiver, certificate_for, status
from verifiers.webhooks.addresses import read_url
from verifiers.webhooks.sending import Answer, Sender


def sent(receiver: Receiver, total_time: float = 5) -> Answer:
    return Sender(LOOPBACK, total_time).send(read_url(receiver.address), {"webhook-id": "msg_1"}, b'{"a":1}')


@pytest.mark.parametrize(("code", "delivered"), [(200, True), (204, True), (400, False), (410, False), (500, False)])
def test_a_status_is_the_answer(receiver: Receiver, code: int, delivered: bool) -> None:
    receiver.respond = status(code)
    answer = sent(receiver)
    assert answer == Answer(code, str(code))
    assert answer.delivered is delivered
    [request] = receiver.received
    assert (request.path, request.body) == ("/hooks?gate=7", b'{"a":1}')
    assert request.headers["host"] == f"localhost:{receiver.port}"
    assert request.headers["webhook-id"] == "msg_1"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, code: int) -> None:
    elsewhere = Receiver()
    receiver.respond = status(code, Location=elsewhere.address)
    assert sent(receiver) == Answer(code, str(code))
    assert elsewhere.received == []
    elsewhere.stop()


def test_a_receiver_that_says_nothing_or_trickles_is_given_up(receiver: Receiver) -> None:
    let_go = threading.Event()

    def silent(handler: BaseHTTPRequestHandler) -> None:
        let_go.wait(10)

    def trickling(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not let_go.wait(0.05):
            handler.wfile.write(b"x")

    for respond in (silent, trickling):
        receiver.respond = respond
        started = time.monotonic()
        assert sent(receiver, total_time=0.3) == Answer(0, "timeout")
        assert time.monotonic() - started < 5
    let_go.set()


def test_a_huge_answer_costs_neither_time_nor_memory(receiver: Receiver) -> None:
    def huge(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(bytes(1 << 20))
        except OSError:
            ended.set()

    ended = threading.Event()
    receiver.respond = huge
    assert sent(receiver).delivered
    assert ended.wait(5)


@pytest.mark.parametrize("answer", [b"\x00\xff" * 100, b"HTTP/1.1 abc OK\r\n\r\n", b"", b"SSH-2.0-OpenSSH\r\n"])
def test_garbage_is_no_answer(receiver: Receiver, answer: bytes) -> None:
    def garbage(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(answer)

    receiver.respond = garbage
    assert sent(receiver).word in ("not_http", "connection_failed")


@pytest.mark.parametrize("lines", [b"X: " + b"a" * 70_000 + b"\r\n", b"X: a\r\n" * 200])
def test_headers_without_end_are_no_answer(receiver: Receiver, lines: bytes) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n")

    receiver.respond = endless
    assert sent(receiver) == Answer(0, "not_http")


def test_nobody_there_is_a_word_and_no_exception() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert Sender(LOOPBACK).send(read_url(f"http://127.0.0.1:{port}/"), {}, b"").word == "connection_refused"
    assert Sender().send(read_url(f"http://127.0.0.1:{port}/"), {}, b"").word == "address_refused"
    for name in ("nowhere.invalid", "a" * 70 + ".example", "a..b"):
        assert Sender(LOOPBACK).send(read_url(f"https://{name}/"), {}, b"").word == "name_unknown"


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[Receiver]:
    receiver = Receiver(certificate_for(tmp_path, "localhost"))
    yield receiver
    receiver.stop()


def test_a_receiver_with_a_certificate_is_believed_only_if_somebody_known_vouches_for_its_name(
    encrypted: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sent(encrypted) == Answer(0, "tls_failed")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "localhost.pem"))
    assert sent(encrypted).delivered
    other = read_url(encrypted.address.replace("localhost", "127.0.0.1"))
    assert Sender(LOOPBACK).send(other, {}, b"").word == "tls_failed"
    assert len(encrypted.received) == 1


def test_a_receiver_that_speaks_no_tls_gets_nothing(receiver: Receiver) -> None:
    answer = Sender(LOOPBACK, 2).send(read_url(receiver.address.replace("http:", "https:")), {}, b"secret")
    assert answer.status == 0
    assert receiver.received == []
