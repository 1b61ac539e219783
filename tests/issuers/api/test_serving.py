"""`walletpass serve issuer` as a process: it starts, answers, logs no person, and stops when it is told to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from issuers.installing import initialise
from issuers.office import Office
from issuers.settings import IssuerSettings


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes], Path]]:
    """The address, the process and its log. Nobody moves a process's clock, so it has a home of today."""
    settings = IssuerSettings(home=tmp_path / "home", status_list_size=1024)
    initialise(Office(settings))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "log"
    environment = os.environ | {
        "WALLETPASS_HOME": str(settings.home),
        "WALLETPASS_PORT": str(port),
        "WALLETPASS_STATUS_LIST_SIZE": "1024",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "walletpass", "serve", "issuer"], env=environment, stderr=output
        )
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while not answers(address + "/healthz"):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield address, process, log
        process.kill()
        process.wait()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def test_the_service_answers_and_ends_in_peace(served: tuple[str, subprocess.Popen[bytes], Path]) -> None:
    address, process, log = served
    assert answers(address + "/readyz")
    assert answers(address + "/status/1")
    assert not answers(address + "/api/v1/passes/Xaver-Müller?name=Xaver".replace("ü", "%C3%BC"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) in (0, -signal.SIGTERM)
    text = log.read_text()
    assert "/status/{list_id}" in text and "Xaver" not in text and "Traceback" not in text


def test_a_home_that_was_never_set_up_is_told_in_a_sentence(tmp_path: Path) -> None:
    environment = os.environ | {"WALLETPASS_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "walletpass", "serve", "issuer", "--port", "1"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "walletpass init" in ended.stderr
