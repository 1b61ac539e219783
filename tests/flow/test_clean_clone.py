"""The two commands of the README, typed by a stranger: a fresh clone, an empty home, nothing set."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(clone: Path, env: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """`make run`, until it says that it is ready."""
    with log.open("wb") as output:
        process = subprocess.Popen(["make", "run"], cwd=clone, env=env, stdout=output, stderr=output, process_group=0)
    deadline = time.monotonic() + 600
    while "Ctrl-C stops all" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGINT)
            raise AssertionError(log.read_text())
        time.sleep(0.05)
    return process


def stop(process: subprocess.Popen[bytes], ports: list[int]) -> None:
    """Ctrl-C in the terminal reaches the whole group."""
    os.killpg(process.pid, signal.SIGINT)
    process.wait(30)
    for port in ports:
        with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
            probe.connect(("127.0.0.1", port))


def walletpass(clone: Path, env: dict[str, str], *words: str) -> str:
    """What a command prints, whether or not it ends with 0."""
    command = [str(clone / ".venv" / "bin" / "walletpass"), *words]
    return subprocess.run(command, cwd=clone, env=env, stdout=subprocess.PIPE, check=False).stdout.decode()


def assert_the_worker_works(clone: Path, env: dict[str, str]) -> None:
    """The permit of the demo's examples is carried: its wallets are to be told."""
    words = ("passes", "list", "--type", "resident_parking_permit", "--status", "valid", "--json")
    example = json.loads(walletpass(clone, env, *words))[0]
    walletpass(clone, env, "passes", "suspend", example["serial"], "--reason", "a test")
    deadline = time.monotonic() + 60
    while json.loads(walletpass(clone, env, "jobs", "list", "--json"))["waiting"]:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_make_run_sets_up_a_city_and_serves_it_twice(tmp_path: Path) -> None:
    clone, home = tmp_path / "walletpass", tmp_path / "home"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(clone)], check=True)
    ports = [free_port(), free_port()]
    env = {
        "HOME": str(home),
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv")),  # spares the downloads
        "PATH": f"{Path(shutil.which('python3') or '').parent}:/usr/bin:/bin",
        "WALLETPASS_PORT": str(ports[0]),
        "WALLETPASS_VERIFIER_PORT": str(ports[1]),
    }
    first = start(clone, env, tmp_path / "first.log")
    try:
        tokens = clone / "var" / "demo" / "tokens.txt"
        assert tokens.stat().st_mode & 0o777 == 0o600
        assert re.search(r"^desk: demo [a-z0-9-]{23}$", tokens.read_text(), re.MULTILINE)
        for port in ports:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
                assert answer.status == 200
        greeting = (tmp_path / "first.log").read_text()
        assert re.search(r"/desk, start password of demo: [a-z0-9-]{23}, good once", greeting)
        assert re.search(r"/inspector/#enrol=\S+", greeting)
        assert all(
            re.search(word, greeting)
            for word in ("Issuing service", "Verifying service", "Worker", r"tokens\.txt", "Try:")
        )
        assert_the_worker_works(clone, env)
    finally:
        stop(first, ports)
    before = tokens.read_bytes()
    stop(start(clone, env, tmp_path / "second.log"), ports)
    assert tokens.read_bytes() == before, "a second start keeps the data"
    assert "Setting up" not in (tmp_path / "second.log").read_text()
