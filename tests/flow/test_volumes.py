"""The volumes of a whole city: a list of a million rows, fifty thousand offers, kills without end; else a part of it.

`make stress` runs the full volumes. Memory is that of a process of its own.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from issuers import lifecycle
from issuers.importing import batched
from issuers.installing import initialise
from issuers.models import audit, holders, passes
from issuers.office import Office
from issuers.settings import IssuerSettings
from issuers.sources.sample import SAMPLES, write_sample
from tests.city import City
from walletpass.passes import local_day
from web.database import read_transaction, write_transaction

STRESS = bool(os.environ.get("WALLETPASS_STRESS"))
ROWS, OFFERS, KILLED_ROWS, KILLS = (1_000_000, 50_000, 100_000, 25) if STRESS else (20_000, 2_000, 10_000, 2)
MEMORY = 300 << 10  # kB
TYPE = "resident_parking_permit"

# The peak from VmHWM: getrusage's includes that of the process that started this one.
_MEASURED = """
import re, sys
from pathlib import Path
from walletpass.cli import main
try:
    main()
finally:
    sys.stderr.write(re.search("VmHWM:\\\\s*([0-9]+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.fixture
def office(tmp_path: Path, key_folder_of_today: Path, database_url: str) -> Office:
    """An office at the real time of day, for commands in other processes."""
    home = tmp_path / "home"
    shutil.copytree(key_folder_of_today, home / "issuer")
    office = Office(IssuerSettings(home=home, database_url=database_url))
    initialise(office)
    return office


def register(office: Office, folder: Path, rows: int) -> Path:
    path = folder / "register.csv"
    write_sample(path, SAMPLES["parking-register"], rows, local_day(office.now()))
    return path


def start(office: Office, *words: str) -> subprocess.Popen[str]:
    settings = {"WALLETPASS_HOME": str(office.settings.home), "WALLETPASS_DATABASE_URL": office.settings.database_url}
    command = [sys.executable, "-c", _MEASURED, *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env={**os.environ, **settings}, stdout=pipe, stderr=pipe, text=True)


def counts(office: Office) -> set[int | None]:
    with read_transaction(office.engine) as connection:
        return {connection.scalar(select(func.count()).select_from(table)) for table in (passes, holders, audit)}


def test_a_citys_whole_list_is_imported_in_less_than_300_megabytes(office: Office, tmp_path: Path) -> None:
    out, peak = start(office, "import", TYPE, str(register(office, tmp_path, ROWS))).communicate()
    assert out.startswith(f"{ROWS} created")
    assert int(peak.split()[-1]) < MEMORY
    assert counts(office) == {ROWS}


def test_an_import_killed_again_and_again_ends_complete_and_without_doubles(office: Office, tmp_path: Path) -> None:
    path = register(office, tmp_path, KILLED_ROWS)
    chance = random.Random(1)
    for _ in range(KILLS):
        process = start(office, "import", TYPE, str(path))
        time.sleep(chance.uniform(0.5, 3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert len(counts(office)) == 1, "no pass without its holder and its record"
    out, _ = start(office, "import", TYPE, str(path)).communicate()
    assert out.endswith(" 0 failed\n")
    assert counts(office) == {KILLED_ROWS}


def test_as_many_offers_as_a_city_has_family_cards_are_distinct_and_stay_the_same(city_on: City) -> None:
    order = city_on.order()
    with write_transaction(city_on.office.engine) as connection:
        made = lifecycle.issue(connection, [city_on.entitles("family_card") for _ in range(OFFERS)], order)
    batches = list(batched([pass_.serial for pass_ in made], 500))
    first, again = (
        [item.qr_text for batch in batches for item in city_on.office.carry(batch, "qr", order)] for _ in range(2)
    )
    assert len(set(first)) == OFFERS and again == first
    city_on.publishes()
    assert {city_on.inspector_sees(text).reason for text in first[:: OFFERS // 20]} == {"accepted"}
