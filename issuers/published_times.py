"""What the published folder itself tells about its age: so a database that was restored from an older copy is noticed.

A number is taken in the database before a document that bears it is written, so a document is never ahead of its own
database. If it is, revocations have been forgotten, and entries of status lists would be given out a second time.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from issuers.errors import DatabaseOlder
from issuers.models import publications, status_lists

TRUST_LIST = "trust-list.jwt"


class Told(NamedTuple):
    """`version` is the trust list's, `lists` the `iat` of each status list by its id; 0 where there is none.

    Signatures are not looked at: the folder is ours, and what is asked is whether somebody should look.
    """

    version: int
    lists: Mapping[str, int]

    def require_known(self, connection: Connection) -> None:
        """Raise `DatabaseOlder` when a document is ahead of the database.

        Read the documents first: what the database says later can only be more.
        """
        version = connection.scalar(select(publications.c.version).where(publications.c.name == TRUST_LIST)) or 0
        times = {
            row.id: row.issued_at for row in connection.execute(select(status_lists.c.id, status_lists.c.issued_at))
        }
        ahead = [f"status/{list_id}" for list_id, at in self.lists.items() if at > times.get(list_id, 0)]
        ahead += [TRUST_LIST] * (self.version > version)
        if ahead:
            raise DatabaseOlder(
                f"Published documents ({', '.join(ahead[:3])}) are newer than the database, which was restored from "
                "an older copy and lacks what was revoked since. Stop all processes, then run walletpass restored."
            )


def told_by(folder: Path, list_ids: Iterable[str] | None = None) -> Told:
    """The trust list and the named status lists; with None all that are there."""
    if list_ids is None:
        list_ids = [path.stem for path in (folder / "status").glob("*.jwt") if path.stem.isdecimal()]
    lists = {list_id: _number(folder / "status" / f"{list_id}.jwt", "iat") for list_id in list_ids}
    return Told(_number(folder / TRUST_LIST, "version"), lists)


def _number(path: Path, claim: str) -> int:
    """A claim of a signed document, unchecked; 0 when it cannot be read."""
    try:
        payload = path.read_bytes().split(b".")[1]
        claims: Any = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
        return int(claims[claim])
    except (OSError, ValueError, LookupError, TypeError):
        return 0
