"""Statements over many rows at once, in the way that each database's driver does best: several times faster.

Sources: postgresql.org/docs/current/populate.html (COPY instead of INSERT); psycopg 3, "Using COPY".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, Connection, Date, Table, bindparam, func
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the columns of the first, two at least; column defaults of Python are not applied.

    Raises SQLAlchemy's errors, `IntegrityError` for a taken key.
    """
    if not rows:
        return
    names, values = list(rows[0]), itemgetter(*rows[0])
    quoted = ", ".join(map(connection.dialect.identifier_preparer.quote, names))
    if connection.dialect.name == "postgresql":
        _copy(connection, f"COPY {table.name} ({quoted}) FROM STDIN", [values(row) for row in rows])
    else:
        marks = ", ".join("?" * len(names))
        stored = [values(row) for row in rows]
        if any(isinstance(table.c[name].type, Date) for name in names):
            stored = [tuple(v.isoformat() if isinstance(v, date) else v for v in row) for row in stored]
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({quoted}) VALUES ({marks})", stored)  # noqa: S608


def _copy(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """SQLAlchemy has no COPY; what the driver raises becomes what SQLAlchemy would have raised, without the values."""
    driver: Any = connection.dialect.loaded_dbapi
    open_connection: Any = connection.connection.driver_connection
    try:
        with open_connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except driver.IntegrityError as failure:
        raise IntegrityError(statement, None, failure, hide_parameters=True) from failure
    except driver.OperationalError as failure:
        raise OperationalError(statement, None, failure, hide_parameters=True) from failure
    except driver.Error as failure:
        raise DBAPIError(statement, None, failure, hide_parameters=True) from failure


def among(connection: Connection, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """`column IN values`. PostgreSQL gets one array: five hundred parameters take psycopg longer than the query."""
    if connection.dialect.name == "postgresql":
        return column == func.any(bindparam(None, list(values), type_=ARRAY(column.type)))
    return column.in_(values)
