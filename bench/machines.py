"""Checks by machines over HTTP, beside a bare FastAPI hello: two servers and one caller, each a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from bench.installation import carried, city
from bench.measuring import ROUNDS, Row, measure
from verifiers.settings import VerifierSettings
from verifiers.tokens import VERIFY, open_tokens

CONNECTIONS = 32
SECONDS, WARMING = 0.8, 0.2  # of a round
_HELLO = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
_CHECK = (
    "POST /api/v1/verifications HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n"
    "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
)
Found = Mapping[str, float]
"""What one round found: `rate` in requests a second, `p50` and `p99` in seconds."""


def rate() -> Row:
    """Requests a second: QR text → verdict, with token, limits, log and figures."""
    rounds, peak = _measured()
    figure, limit = (statistics.median(each["rate"] for each in side) for side in zip(*rounds, strict=True))
    ratio = statistics.median(mine["rate"] / hello["rate"] for mine, hello in rounds)
    return Row("checks over HTTP", figure, "/s", "a FastAPI hello", limit, ratio, 0.55, peak)


def slowest() -> Row:
    """The 99th percentile of the same, as the ratio of the hello's to ours: wanted is at most 1.5 times it."""
    rounds, peak = _measured()
    figure, limit = (1e6 * statistics.median(each["p99"] for each in side) for side in zip(*rounds, strict=True))
    ratio = statistics.median(hello["p99"] / mine["p99"] for mine, hello in rounds)
    return Row("99th percentile of a check over HTTP", figure, "µs", "a FastAPI hello's", limit, ratio, 1 / 1.5, peak)


def _measured() -> tuple[list[tuple[Found, Found]], int]:
    """What each round but the first found about checks and about the hello; the most memory of the service, in MB."""
    with ExitStack() as running:
        made = running.enter_context(city(start=datetime.now(UTC)))
        texts = [item.qr_text for item in carried(made, 500)]
        made.publishes()
        settings = VerifierSettings(home=made.settings.home, verifier_checks_per_minute=10**9)
        secret = open_tokens(settings).create("Barrier", {("*", VERIFY)}, int(time.time()), None)[1]
        ports = _free_port(), _free_port()
        env = {
            "WALLETPASS_HOME": str(settings.home),
            "WALLETPASS_VERIFIER_PORT": str(ports[0]),
            "WALLETPASS_VERIFIER_CHECKS_PER_MINUTE": str(settings.verifier_checks_per_minute),
        }
        log = settings.home / "verifier.log"
        service = running.enter_context(_server(["walletpass", "serve", "verifier"], ports[0], "/readyz", log, env))
        running.enter_context(_server(["bench.hello", str(ports[1])], ports[1], "/", log.with_name("hello.log"), {}))
        ask = running.enter_context(_caller())
        checks, hellos = _plan(ports[0], [_check(text, secret) for text in texts]), _plan(ports[1], [_HELLO])
        rounds = [(ask(checks), ask(hellos)) for _ in range(ROUNDS + 1)]
        found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{service.pid}/status").read_text())
    return rounds[1:], int(found[1]) >> 10 if found else 0


def _check(text: str, secret: str) -> str:
    body = json.dumps({"presentation": text})
    return _CHECK.format(secret=secret, length=len(body), body=body)


def _plan(port: int, requests: Sequence[str]) -> bytes:
    plan = {"port": port, "requests": requests, "connections": CONNECTIONS, "seconds": SECONDS, "warming": WARMING}
    return json.dumps(plan).encode() + b"\n"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _caller() -> Iterator[Any]:
    """A function that has a plan carried out by the process that asks; it ends when it hears nothing more."""
    with subprocess.Popen(_module("bench.load"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        asking, answers = process.stdin, process.stdout
        assert asking and answers

        def ask(plan: bytes) -> Found:
            asking.write(plan)
            asking.flush()
            found: Found = json.loads(answers.readline())
            return found

        yield ask


@contextmanager
def _server(
    words: Sequence[str], port: int, path: str, log: Path, env: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A server that answers `path` with 200, with its log in a file; ended afterwards."""
    with log.open("wb") as written, subprocess.Popen(_module(*words), env=os.environ | env, stderr=written) as process:
        deadline = time.monotonic() + 60
        while not _answers(f"http://127.0.0.1:{port}{path}"):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield process
        process.send_signal(signal.SIGINT)


def _answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=5) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False


def _module(*words: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", *words]


if __name__ == "__main__":
    measure({"rate": rate, "slowest": slowest}, sys.argv[1:])
