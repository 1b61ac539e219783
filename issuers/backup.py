"""A copy of what an installation is made of, taken while its processes go on."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from issuers.errors import BackupFailed
from issuers.office import Office
from keys.atomic_file import PRIVATE_FILE, make_private_folder
from keys.passphrase import KEYS_FOLDER, PASSPHRASE_FILE

DATABASE_FILE = "issuer.db"


def back_up(office: Office, folder: Path) -> bool:
    """Copy published documents, SQLite database and keys to a new folder, laid out as `WALLETPASS_HOME` is.

    In this order: a copied document is never newer than the copied database, which names no key that was not copied.
    False: the database is PostgreSQL and still has to be copied, by `pg_dump`. Raises `BackupFailed`.
    """
    settings = office.settings
    if folder.exists():
        raise BackupFailed(f"{folder} is there already; name a folder that is not, so that no copy is overwritten.")
    embedded = office.engine.dialect.name == "sqlite"
    try:
        make_private_folder(folder)
        make_private_folder(folder / "issuer")
        shutil.copytree(settings.published, folder / "published", ignore=shutil.ignore_patterns(".*"))
        if embedded:
            copy_database(settings.issuer_home / DATABASE_FILE, folder / "issuer" / DATABASE_FILE)
        with office.ring.changing():
            shutil.copytree(settings.issuer_home / KEYS_FOLDER, folder / "issuer" / KEYS_FOLDER)
        if (settings.issuer_home / PASSPHRASE_FILE).exists():
            shutil.copy2(settings.issuer_home / PASSPHRASE_FILE, folder / "issuer" / PASSPHRASE_FILE)
        shutil.copy2(settings.anchor, folder / "anchor.pem")
    except (OSError, shutil.Error, sqlite3.Error) as failure:
        raise BackupFailed("The copy is not complete; make room or choose another place, and begin anew.") from failure
    return embedded


def copy_database(source: Path, target: Path) -> None:
    """One state of a SQLite file that others are writing to (sqlite.org/backup.html); in one step, so none waits."""
    target.touch(PRIVATE_FILE)
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)
