"""Importing a parking register: read, checked, compared and stored, against the bare inserts of the same rows."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine, Table, delete

from bench.databases import database
from bench.installation import PERMIT, city
from bench.measuring import Row, measure, medians, rate
from issuers.importing import BATCH, Import
from issuers.models import audit, holders, passes
from issuers.sources.entitlements import read_rows
from issuers.sources.sample import SAMPLES, write_sample
from tests.city import City
from web.database import read_transaction, write_transaction

ROWS = 5_000
TABLES = (passes, holders, audit)


def imports(kind: str) -> Row:
    """Rows per second on the database of that kind; both ways begin with empty tables and commit every 500 rows."""
    with database(kind) as url, city(url) as made, TemporaryDirectory(prefix="walletpass-bench-") as folder:
        register = Path(folder) / "register.csv"
        write_sample(register, SAMPLES["parking-register"], ROWS, made.today)
        _import(made, register)
        stored = _stored(made.office.engine)
        measured = []
        for _ in range(5):
            _empty(made.office.engine)
            imported = rate(lambda: _import(made, register))
            _empty(made.office.engine)
            measured.append((imported, rate(lambda: _insert(made.office.engine, stored))))
        figure, limit, ratio = medians(measured)
        return Row(f"rows imported into {kind}", figure, "/s", "bare executemany of them", limit, ratio, None)


def _import(made: City, register: Path) -> int:
    office = made.office
    declared = office.catalogue.named(PERMIT)
    rows = read_rows(register, declared, made.today)
    report = Import(office.engine, declared, made.order()).run(rows, lambda: None)
    assert report.created == ROWS - report.failed and report.failed < ROWS // 100
    return ROWS


def _stored(engine: Engine) -> list[tuple[Table, list[tuple[Any, ...]]]]:
    """What the import wrote, as the driver gives it."""
    with read_transaction(engine) as connection:
        return [
            (table, [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table.name} ORDER BY serial")])
            for table in TABLES
        ]


def _insert(engine: Engine, stored: list[tuple[Table, list[tuple[Any, ...]]]]) -> int:
    """The same rows into the same tables, in as many transactions, with nothing but the driver."""
    mark = "?" if engine.dialect.name == "sqlite" else "%s"
    for start in range(0, ROWS, BATCH):
        with write_transaction(engine) as connection:
            driver: Any = connection.connection.driver_connection
            for table, rows in stored:
                marks = ",".join([mark] * len(table.columns))
                driver.cursor().executemany(f"INSERT INTO {table.name} VALUES ({marks})", rows[start : start + BATCH])
    return ROWS


def _empty(engine: Engine) -> None:
    with write_transaction(engine) as connection:
        for table in reversed(TABLES):
            connection.execute(delete(table))


if __name__ == "__main__":
    measure({"imports": imports}, sys.argv[1:])
