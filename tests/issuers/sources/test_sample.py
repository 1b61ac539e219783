"""The sample lists: the same for the same seed, every row importable, and the committed ones are these."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from issuers.sources.csv_file import SourceFile
from issuers.sources.entitlements import read_entitlements
from issuers.sources.sample import SAMPLES, ZONES, sample_rows, write_sample
from walletpass.entitlement import Entitlement

TODAY = date(2026, 11, 23)
COMMITTED = Path(__file__).parents[3] / "docs" / "samples"
COMMITTED_ROWS = 24


@pytest.mark.parametrize("name", SAMPLES)
def test_the_committed_samples_are_what_the_code_makes(tmp_path, name):
    write_sample(tmp_path / "sample.csv", SAMPLES[name], COMMITTED_ROWS, TODAY)
    assert (tmp_path / "sample.csv").read_bytes() == (COMMITTED / f"{name}.csv").read_bytes()


def test_no_other_sample_is_committed():
    assert {path.stem for path in COMMITTED.iterdir()} == set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_row_of_a_sample_can_be_imported(tmp_path, catalogue, name):
    sample, path = SAMPLES[name], tmp_path / "sample.csv"
    write_sample(path, sample, 500, TODAY, seed=7)
    file = SourceFile(path)
    found = list(read_entitlements(file, catalogue.named(sample.pass_type), TODAY, frozenset(ZONES)))
    assert len(found) == 500 and all(isinstance(item, Entitlement) for item in found)
    assert file.delimiter == sample.delimiter
    assert file.encoding == sample.encoding.replace("latin-1", "cp1252")
    ended = sum(item.valid_until < TODAY for item in found)
    assert 0 < ended < 250


def test_a_seed_decides_everything_and_a_longer_sample_begins_like_a_shorter_one():
    sample = SAMPLES["parking-register"]
    assert list(sample_rows(sample, 5, TODAY)) == list(sample_rows(sample, 50, TODAY))[:5]
    assert list(sample_rows(sample, 5, TODAY, seed=2)) != list(sample_rows(sample, 5, TODAY))


def test_the_city_of_the_sample_has_41_zones_with_umlauts():
    assert len(set(ZONES)) == 41 and "MÜ" in ZONES


_READ_TWO = """
import re, sys
from datetime import date
from pathlib import Path
from issuers.sources.entitlements import read_entitlements
from walletpass.entitlement import Entitlement
from walletpass.pass_types import load_catalogue

permit = load_catalogue().named("resident_parking_permit")
for name in sys.argv[1:]:
    found = read_entitlements(Path(name), permit, date(2026, 11, 23))
    rows = sum(isinstance(item, Entitlement) for item in found)
    print(rows, re.search("VmHWM:\\s*([0-9]+) kB", Path("/proc/self/status").read_text())[1])
"""
# VmHWM, not getrusage: the latter's peak includes that of the process that started this one.


def test_a_hundred_times_longer_list_takes_hardly_more_memory(tmp_path):
    for rows in (1_000, 100_000):
        with (tmp_path / str(rows)).open("w", encoding="cp1252") as file:
            file.write("permit_no;zone;plate1;plate2;valid_from;valid_until;given_name;family_name;email\n")
            file.writelines(f"BP-{n};A1;D-AB {n % 999 + 1};;01.01.2026;31.12.2026;Zoë;Weiß;\n" for n in range(rows))
    command = [sys.executable, "-c", _READ_TWO, str(tmp_path / "1000"), str(tmp_path / "100000")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (few, before), (many, after) = (map(int, line.split()) for line in printed.splitlines())
    assert (few, many) == (1_000, 100_000)
    assert after - before < 12 << 10  # kB; twelve bytes a slot for the numbers seen are 3 MiB of it
