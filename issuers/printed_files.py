"""Where printed letters lie, in a folder for the printing office, and how they go again: they are full of addresses."""

from __future__ import annotations

from pathlib import Path

from issuers.office import Office
from issuers.print_batches import note_deleted, with_files
from keys.atomic_file import make_private_folder, write_private
from web.database import read_transaction, write_transaction

FOLDER = "print"  # in the issuing service's own folder
_DAY = 86400


def folder_of(office: Office) -> Path:
    return office.settings.issuer_home / FOLDER


def write_printed(office: Office, name: str, body: bytes) -> None:
    """A batch's file, whole or not at all, for its owner only."""
    folder = folder_of(office)
    make_private_folder(folder)
    write_private(folder / name, body)


def delete_printed(office: Office) -> int:
    """Delete the files that were printed longer ago than they are kept; how many. What was printed stays on record."""
    before = int(office.seconds()) - office.settings.print_kept_days * _DAY
    with read_transaction(office.engine) as connection:
        old = with_files(connection, before)
    for number, name in old:
        (folder_of(office) / name).unlink(missing_ok=True)
        with write_transaction(office.engine) as connection:
            note_deleted(connection, number)
    return len(old)
