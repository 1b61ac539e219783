"""Checks by machines over HTTP, beside a bare FastAPI hello: two servers and one caller, each a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.installation import carried, city
from bench.measuring import ROUNDS, Row, measure
from verifiers.settings import VerifierSettings
from verifiers.tokens import VERIFY, open_tokens

CONNECTIONS = 32
SECONDS, WARMING = 1.0, 0.2  # of a round
_HELLO = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
_CHECK = (
    "POST /api/v1/verifications HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n"
    "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
)


def rate() -> Row:
    """Requests a second: QR text → verdict, with token, limits, log and figures."""
    measured = _measured()
    figure, limit = (statistics.median(each["rate"] for each in side) for side in zip(*measured, strict=True))
    ratio = statistics.median(mine["rate"] / hello["rate"] for mine, hello in measured)
    return Row("checks over HTTP", figure, "/s", "a FastAPI hello", limit, ratio, 0.55)


def slowest() -> Row:
    """The 99th percentile of the same; the ratio is the hello's to ours, so wanted is 1 / 1.5."""
    measured = _measured()
    figure, limit = (1e6 * statistics.median(each["p99"] for each in side) for side in zip(*measured, strict=True))
    ratio = statistics.median(hello["p99"] / mine["p99"] for mine, hello in measured)
    return Row("99th percentile of a check over HTTP", figure, "µs", "a FastAPI hello's", limit, ratio, 1 / 1.5)


def _measured() -> list[tuple[dict[str, float], dict[str, float]]]:
    """What each round found about checks and about the hello, without the first round."""
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
        running.enter_context(_server(["walletpass", "serve", "verifier"], ports[0], log, env))
        running.enter_context(_server(["bench.hello", str(ports[1])], ports[1], log.with_name("hello.log"), {}))
        caller = running.enter_context(_process(["bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        plans = [_plan(ports[0], [_check(text, secret) for text in texts]), _plan(ports[1], [_HELLO])]
        rounds = [tuple(_asked(caller, plan) for plan in plans) for _ in range(ROUNDS + 1)]
    return rounds[1:]  # type: ignore[return-value]


def _check(text: str, secret: str) -> str:
    body = json.dumps({"presentation": text})
    return _CHECK.format(secret=secret, length=len(body), body=body)


def _plan(port: int, requests: Sequence[str]) -> bytes:
    plan = {"port": port, "requests": requests, "connections": CONNECTIONS, "seconds": SECONDS, "warming": WARMING}
    return json.dumps(plan).encode() + b"\n"


def _asked(caller: subprocess.Popen[bytes], plan: bytes) -> Any:
    assert caller.stdin and caller.stdout
    caller.stdin.write(plan)
    caller.stdin.flush()
    return json.loads(caller.stdout.readline())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _server(module: Sequence[str], port: int, log: Path, env: Mapping[str, str]) -> Iterator[None]:
    """A server that takes connections, with its log in a file; ended afterwards."""
    with log.open("wb") as written, _process(module, env=os.environ | env, stderr=written) as process:
        deadline = time.monotonic() + 30
        while True:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        time.sleep(1.5)  # it reads what is published
        yield


@contextmanager
def _process(module: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-W", "ignore", "-m", *module], **options) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)


if __name__ == "__main__":
    measure({"rate": rate, "slowest": slowest}, sys.argv[1:])
