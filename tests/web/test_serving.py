"""The server around an app: whose word about addresses counts, and how long a request's headers may take."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import ip_network

import pytest
import uvicorn
from fastapi import FastAPI, Request

from web import edge, patience
from web.edge import IPNetwork, server_options
from web.limits import caller_address

Serve = Callable[..., int]
GET = b"GET /caller HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Runs a small app as our services are run; gives its port."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def run(*trusted_proxies: IPNetwork) -> int:
        app = FastAPI()

        @app.get("/caller")
        async def caller(request: Request) -> str:
            return caller_address(request)

        @app.post("/length")
        async def length(request: Request) -> int:
            return len(await request.body())

        server = uvicorn.Server(uvicorn.Config(app, port=0, **server_options(trusted_proxies)))
        thread = threading.Thread(target=server.run)
        thread.start()
        running.append((server, thread))
        while not server.started:
            time.sleep(0.01)
        return int(server.servers[0].sockets[0].getsockname()[1])

    yield run
    for server, thread in running:
        server.should_exit = True
        thread.join()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def answered(line: socket.socket, request: bytes) -> bytes:
    line.sendall(request)
    return line.recv(65536)


@pytest.mark.parametrize(
    ("trusted", "counted"),
    [((), b'"127.0.0.1"'), (("10.0.0.0/8",), b'"127.0.0.1"'), (("10.0.0.0/8", "127.0.0.1"), b'"192.0.2.7"')],
)
def test_a_caller_is_counted_by_a_header_only_if_a_trusted_proxy_sent_it(
    serve: Serve, trusted: tuple[str, ...], counted: bytes
) -> None:
    with connected(serve(*map(ip_network, trusted))) as line:
        assert answered(line, GET + b"X-Forwarded-For: 198.51.100.1, 192.0.2.7\r\n\r\n").endswith(counted)


@pytest.mark.parametrize("begin", [b"", b"\r\n", GET], ids=["nothing", "a blank line", "half a request"])
def test_who_does_not_finish_the_headers_in_time_is_gone(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    monkeypatch.setattr(patience, "HEADER_TIME", 0.3)
    port = serve()
    for before in (b"", GET + b"\r\n"):  # on a new connection, and on one that was answered
        if not begin and before:
            continue  # then it is idle, which is the keep-alive's affair
        with connected(port) as line:
            if before:
                assert answered(line, before).startswith(b"HTTP/1.1 200")
            started = time.monotonic()
            line.sendall(begin)
            assert line.recv(1) == b""
            assert 0.2 < time.monotonic() - started < 2


def test_headers_that_trickle_are_cut_off_all_the_same(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEADER_TIME", 0.3)
    with connected(serve()) as line:
        started = time.monotonic()
        line.sendall(GET)
        with suppress(ConnectionError):
            while time.monotonic() - started < 3:
                line.sendall(b"X: y\r\n")
                time.sleep(0.05)
        assert time.monotonic() - started < 2


def test_headers_without_end_are_refused(serve: Serve) -> None:
    with connected(serve()) as line:
        line.sendall(GET)
        with suppress(ConnectionError):  # a time out would be none
            for _ in range(1000):
                line.sendall(b"X-A: " + b"a" * 1000 + b"\r\n")
            assert line.recv(100)[:12] in (b"", b"HTTP/1.1 400")


def test_a_body_may_take_longer_than_the_headers_and_a_connection_serves_again(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "HEADER_TIME", 0.2)
    with connected(serve()) as line:
        for _ in range(2):
            line.sendall(b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n")
            for _ in range(4):
                line.sendall(b"x" * 50_000)
                time.sleep(0.1)
            assert line.recv(65536).endswith(b"\r\n\r\n200000")
            time.sleep(0.3)  # idle: longer than headers may take, shorter than the keep-alive time


def test_with_too_many_connections_a_request_is_put_off_until_some_have_gone(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "MAX_CONNECTIONS", 4)
    monkeypatch.setattr(patience, "HEADER_TIME", 0.5)
    port = serve()
    idle = [connected(port) for _ in range(4)]
    with connected(port) as line:
        assert answered(line, GET + b"\r\n").startswith(b"HTTP/1.1 503")
    assert [line.recv(1) for line in idle] == [b""] * 4
    with connected(port) as line:
        assert answered(line, GET + b"\r\n").startswith(b"HTTP/1.1 200")
    for line in idle:
        line.close()
