"""Processes that die in the middle, and two that do the same at once: real processes, both databases."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from issuers.installing import initialise
from issuers.models import audit, holders, passes
from issuers.office import Office
from issuers.settings import IssuerSettings
from issuers.sources.sample import SAMPLES, write_sample
from walletpass.passes import local_day
from web.database import read_transaction

ROWS = 5_000
TYPE = "resident_parking_permit"


@pytest.fixture
def office(tmp_path: Path, key_folder_of_today: Path, database_url: str) -> Office:
    """An office at the real time of day, for commands in other processes."""
    home = tmp_path / "home"
    shutil.copytree(key_folder_of_today, home / "issuer")
    office = Office(IssuerSettings(home=home, database_url=database_url, status_list_size=1024, status_lists_open=1))
    initialise(office)
    return office


@pytest.fixture
def register(office: Office, tmp_path: Path) -> Path:
    path = tmp_path / "register.csv"
    write_sample(path, SAMPLES["parking-register"], ROWS, local_day(office.now()))
    return path


def start_import(office: Office, register: Path) -> subprocess.Popen[bytes]:
    env = {
        **os.environ,
        "WALLETPASS_HOME": str(office.settings.home),
        "WALLETPASS_DATABASE_URL": office.settings.database_url,
    }
    words = [sys.executable, "-m", "walletpass", "import", TYPE, str(register), "--json"]
    return subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def count(office: Office, table: Any) -> int:
    with read_transaction(office.engine) as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def state(office: Office) -> list[tuple[Any, ...]]:
    with read_transaction(office.engine) as connection:
        columns = (passes.c.external_number, passes.c.status, passes.c.valid_until, passes.c.claims)
        query = select(*columns, holders.c.family_name).join_from(passes, holders)
        return sorted(tuple(row) for row in connection.execute(query))


def wait_for_some(office: Office, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not 0 < count(office, passes) < ROWS:
        assert process.poll() is None, "the import ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_an_import_killed_in_the_middle_and_run_again_ends_like_one_clean_run(office: Office, register: Path) -> None:
    process = start_import(office, register)
    wait_for_some(office, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    half = count(office, passes)
    assert 0 < half < ROWS, "it was killed in the middle"
    assert count(office, holders) == half, "no pass without its holder"
    again = start_import(office, register)
    assert again.wait() == 0, again.stderr and again.stderr.read()
    assert count(office, passes) == count(office, holders) == count(office, audit) == ROWS
    interrupted = state(office)
    third = start_import(office, register)
    assert third.wait() == 0
    assert state(office) == interrupted
    assert len({row[0] for row in interrupted}) == ROWS


def test_two_processes_importing_the_same_list_at_once_create_each_pass_once(office: Office, register: Path) -> None:
    both = [start_import(office, register) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=180)
        assert process.returncode == 0, (out, err)
    assert count(office, passes) == count(office, audit) == ROWS
