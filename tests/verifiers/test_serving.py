"""`walletpass serve verifier` as a process of its own: it starts, logs JSON without secrets, and stops when asked."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.verifiers.sample_city import SampleCity

_RUN = "import sys; from walletpass.cli import main; sys.argv[0] = 'walletpass'; main()"


def serve(home: Path, port: int) -> subprocess.Popen[bytes]:
    environment = {
        "PATH": os.environ["PATH"],
        "WALLETPASS_HOME": str(home),
        "WALLETPASS_VERIFIER_PORT": str(port),
        "WALLETPASS_REFRESH_INTERVAL": "0.1",
    }
    command = [sys.executable, "-c", _RUN, "serve", "verifier"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ready(port: int, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz?secret=4711") as answer:
                return bool(answer.status == 200)
        except (URLError, ConnectionError):
            time.sleep(0.1)
    return False


def test_the_service_starts_answers_logs_and_stops(tmp_path: Path) -> None:
    SampleCity(tmp_path, now=int(time.time()) - 60).publish()
    port = free_port()
    process = serve(tmp_path, port)
    try:
        assert ready(port, process)
        urlopen(f"http://127.0.0.1:{port}/?secret=4711").close()
    finally:
        process.send_signal(signal.SIGINT)
        output, log = process.communicate(timeout=20)
    assert output == b""
    lines = [json.loads(line) for line in log.decode().splitlines()]
    assert any(line["event"] == "request" and line["route"] == "/" and line["status"] == 200 for line in lines)
    assert b"4711" not in log


def test_a_service_without_an_anchor_says_so_and_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "published").mkdir()
    process = serve(tmp_path, free_port())
    log = process.communicate(timeout=20)[1].decode()
    assert process.returncode == 2
    assert log.rstrip().endswith("[anchor_invalid]")
