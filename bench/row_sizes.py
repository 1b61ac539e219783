"""What a pass, a credential and a job take in PostgreSQL, indexes included: `python -m bench.row_sizes`.

The figures stand in `bench.sizing`, which multiplies them.
"""

from __future__ import annotations

import sys

from sqlalchemy import text

from bench.databases import database
from bench.installation import carried, city
from issuers import lifecycle
from issuers.lifecycle import Action
from tests.city import City
from web.database import read_transaction, write_transaction

PASSES = 5_000
TABLES = ("passes", "holders", "credentials", "audit", "outbox")


def main() -> None:
    """Bytes per row of each table after the passes were offered, suspended and reinstated."""
    with database("postgresql") as url, city(url) as made:
        serials = [item.pass_.serial for item in carried(made, PASSES)]
        for action in (Action.SUSPEND, Action.REINSTATE):
            for serial in serials:  # one by one, as at a counter: one row of the outbox names one entry
                with write_transaction(made.office.engine) as connection:
                    lifecycle.set_status(connection, [serial], action, made.order())
        for table in TABLES:
            sys.stdout.write(f"{table:<12} {_bytes_per_row(made, table):6.0f} bytes a row\n")


def _bytes_per_row(made: City, table: str) -> float:
    with made.office.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"VACUUM FULL {table}"))
    with read_transaction(made.office.engine) as connection:
        size = connection.execute(text(f"SELECT pg_total_relation_size('{table}')")).scalar_one()
        rows = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
    return float(size) / float(rows)


if __name__ == "__main__":
    main()
