"""Which program may work on which schema, so that machines are upgraded one after the other.

A migration that takes away what older programs write or read raises `oldest_code`; all others leave it. A program goes
on, and may be started again, on a newer schema that names it or an older one there.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from issuers.errors import NotInitialised
from issuers.models import REVISION, installation
from web.database import revision

NOTHING_HERE = "Nothing is set up here yet; run walletpass init first (see WALLETPASS_HOME)."
_OLDEST_CODE = installation.c.name == "oldest_code"  # a row that migrations write


def require_fitting_schema(connection: Connection) -> None:
    """Raise `NotInitialised` unless this program may work on the schema as it is."""
    found = revision(connection)
    if found is None:
        raise NotInitialised(NOTHING_HERE)
    if found == REVISION:
        return
    if not is_newer(found):
        raise NotInitialised("The database is of an older version; bring it up to date with walletpass init.")
    oldest = connection.scalar(select(installation.c.value).where(_OLDEST_CODE))
    if oldest is None or oldest > REVISION:
        raise NotInitialised(
            "A newer version has changed the database so that this one cannot use it; update this one."
        )


def is_newer(found: str) -> bool:
    """Whether a revision is later than ours. They are numbers of four digits; anything else is none of ours."""
    return found.isdecimal() and found > REVISION
