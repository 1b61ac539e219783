"""The sample lists: the same for the same seed, every row importable, and the committed ones are these."""

from __future__ import annotations

import resource
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


_READ_ALL = """
import sys
from datetime import date
from pathlib import Path
from issuers.sources.entitlements import read_entitlements
from walletpass.entitlement import Entitlement
from walletpass.pass_types import load_catalogue
permit = load_catalogue().named("resident_parking_permit")
found = read_entitlements(Path(sys.argv[1]), permit, date(2026, 11, 23))
print(sum(isinstance(item, Entitlement) for item in found))
"""


def test_a_long_list_is_read_in_little_memory(tmp_path):
    rows, megabytes = 120_000, 128
    path = tmp_path / "long.csv"
    lines = (f"BP-{n};A1;D-AB {n % 999 + 1};;01.01.2026;31.12.2026;Zoë;Weiß;\n" for n in range(rows))
    with path.open("w", encoding="cp1252") as file:
        file.write("permit_no;zone;plate1;plate2;valid_from;valid_until;given_name;family_name;email\n")
        file.writelines(lines)

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    read = subprocess.run(
        [sys.executable, "-c", _READ_ALL, str(path)], preexec_fn=bounded, capture_output=True, text=True, check=False
    )
    assert (read.stdout.strip(), read.stderr) == (str(rows), "")
