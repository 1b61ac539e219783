"""Backup and restore, as docs/operations.md says: copy, lose everything, restore into a fresh home, and go on."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select, text
from typer.testing import CliRunner

from issuers import restoring
from issuers.backup import back_up
from issuers.commands import backups
from issuers.errors import BackupFailed, DatabaseOlder
from issuers.models import credentials, passes
from issuers.office import Office
from issuers.publication import Publication
from issuers.settings import IssuerSettings
from issuers.status_lists import current_array
from keys.atomic_file import write_public
from tests.city import City
from tests.issuers.disaster import Disaster, learns
from verifiers.documents import Folder
from verifiers.published import PublishedDocuments, read_anchor
from verifiers.verification import verify
from walletpass.errors import StatusListInvalid
from walletpass.passes import Pass
from walletpass.verdict import Reason
from web.database import read_transaction


class Inspector:
    """Has seen the newest documents and takes none that are older."""

    def __init__(self, city: City) -> None:
        self.city = city
        source = SimpleNamespace(read=lambda *words: Folder(self.city.settings.published).read(*words))
        self._documents = PublishedDocuments(source, read_anchor(city.settings.anchor))
        self.fetches()

    def fetches(self) -> None:
        self._set = self._documents.refresh(int(self.city.clock()))

    def sees(self, code: str) -> Reason:
        return verify(code, self._set, int(self.city.clock())).reason

    def serves(self) -> dict[str, bytes]:
        """The documents as a verifying service passes them on, by path."""
        return self._documents.taken()

    @property
    def newest(self) -> tuple[int, int]:
        """The trust list's version and the first status list's `iat`."""
        trust, [*lists] = self._set.trust_list, self._set.status_lists.values()
        assert trust
        return trust.version, min(one.issued_at for one in lists if one.uri.endswith("/1"))


def serials(city: City) -> dict[str, int]:
    with read_transaction(city.office.engine) as connection:
        return {row.serial: row.status for row in connection.execute(select(passes))}


def permits(city: City, *names: str) -> tuple[dict[str, Pass], dict[str, str]]:
    """New permits and their codes, by name."""
    made = {name: city.grants("resident_parking_permit", number=name) for name in names}
    return made, {name: city.qr(pass_) for name, pass_ in made.items()}


def test_everything_goes_on_from_a_copy_of_now(disaster: Disaster) -> None:
    city = disaster.city
    made, codes = permits(city, "valid", "revoked", "suspended")
    city.revokes(made["revoked"])
    city.suspends(made["suspended"])
    inspector, before = Inspector(city), serials(city)
    seen, told = {name: inspector.sees(code) for name, code in codes.items()}, inspector.newest
    assert seen == {"valid": Reason.ACCEPTED, "revoked": Reason.REVOKED, "suspended": Reason.SUSPENDED}
    disaster.copy()
    restored = disaster.restore()
    assert serials(restored) == before
    restored.later(seconds=5)
    restored.publishes()
    inspector.city = restored
    inspector.fetches()
    assert {name: inspector.sees(code) for name, code in codes.items()} == seen
    assert all(now > then for now, then in zip(inspector.newest, told, strict=True))
    assert restored.qr(made["valid"]) == codes["valid"]
    restored.revokes(made["valid"])
    inspector.fetches()
    assert inspector.sees(codes["valid"]) is Reason.REVOKED


@pytest.fixture
def older(disaster: Disaster) -> SimpleNamespace:
    """A database of yesterday beside the published folder of today."""
    city = disaster.city
    made, codes = permits(city, "valid", "revoked", "suspended", "replaced", "revoked before")
    city.revokes(made["revoked before"])
    disaster.copy()
    city.later(hours=20)
    city.revokes(made["revoked"])
    city.suspends(made["suspended"])
    city.withdraws(made["replaced"], "qr")
    new, new_codes = permits(city, "made since", "made and revoked since")
    city.revokes(new["made and revoked since"])
    city.publishes()
    inspector = Inspector(city)
    assert inspector.sees(new_codes["made since"]) is Reason.ACCEPTED
    city.later(minutes=10)
    restored = disaster.restore(published=city.settings.published)
    inspector.city = restored
    return SimpleNamespace(city=restored, made=made | new, codes=codes | new_codes, inspector=inspector)


def reconcile(older: SimpleNamespace, **options: Any) -> restoring.Restored:
    found = learns(older.city, **options)
    older.inspector.fetches()
    return found


def seen_by(older: SimpleNamespace) -> dict[str, str]:
    return {name: older.inspector.sees(code).value for name, code in older.codes.items()}


STILL_KNOWN = {
    "valid": "accepted",
    "revoked": "revoked",
    "suspended": "suspended",
    "replaced": "revoked",
    "revoked before": "revoked",
    "made and revoked since": "revoked",
}


def test_an_older_database_is_refused_until_it_has_learnt_what_was_published(older: SimpleNamespace) -> None:
    office = older.city.office
    with pytest.raises(DatabaseOlder, match="walletpass restored"):
        _ = office.engine
    running = Publication(
        older.city.settings, office.connect(), office.catalogue, office.ring, older.city.clock, older.city.clock.sleep
    )
    before = {path: path.read_bytes() for path in older.city.settings.published.rglob("*.jwt")}
    for publish in (running.publish_all, running.publish_keys):
        with pytest.raises(DatabaseOlder):
            publish()
    assert {path: path.read_bytes() for path in before} == before


def test_after_walletpass_restored_nothing_that_was_revoked_is_valid_again(older: SimpleNamespace) -> None:
    told = older.inspector.newest
    found = reconcile(older)
    assert (found.lists, found.withdrawn, found.unknown) == (1, 2, 1)
    names = {pass_.serial: name for name, pass_ in older.made.items()}
    assert sorted(names[serial] for serial in found.suspended) == ["replaced", "revoked", "suspended"]
    assert all(now > then for now, then in zip(older.inspector.newest, told, strict=True))
    assert seen_by(older) == STILL_KNOWN | {"made since": "accepted"}
    older.city.later(hours=2)
    older.city.office.publication.resign_if_due()
    older.inspector.fetches()
    assert seen_by(older) == STILL_KNOWN | {"made since": "accepted"}


def test_credentials_that_the_database_does_not_know_can_be_refused(older: SimpleNamespace) -> None:
    reconcile(older, refuse_unknown=True)
    assert seen_by(older) == STILL_KNOWN | {"made since": "revoked"}


def test_what_a_verifier_still_serves_takes_the_place_of_a_lost_folder(older: SimpleNamespace) -> None:
    published = older.city.settings.published
    shutil.rmtree(published)
    for path, content in older.inspector.serves().items():
        (published / path).parent.mkdir(parents=True, exist_ok=True)
        write_public(published / path, content)
    assert not list((published / "status").glob("*.jwt"))
    reconcile(older)
    assert seen_by(older) == STILL_KNOWN | {"made since": "accepted"}


def test_no_entry_is_given_out_a_second_time(older: SimpleNamespace) -> None:
    reconcile(older)
    older.city.qr(older.city.grants("resident_parking_permit", number="made since"))
    with read_transaction(older.city.office.engine) as connection:
        newest = select(credentials.c.list_id).order_by(credentials.c.id.desc()).limit(1)
        assert connection.scalar(newest) == "2"
        assert current_array(connection, "1").raw.count(0) < 256, "what was published about lost credentials is kept"


def test_learning_twice_changes_nothing_more(older: SimpleNamespace) -> None:
    reconcile(older)
    before = serials(older.city)
    again = reconcile(older)
    assert (again.lists, again.withdrawn, again.suspended, again.unknown) == (0, 0, [], 0)
    assert serials(older.city) == before
    assert seen_by(older) == STILL_KNOWN | {"made since": "accepted"}


def test_a_list_that_nobody_of_us_signed_is_not_learnt_from(older: SimpleNamespace) -> None:
    path = older.city.settings.published / "status" / "1.jwt"
    genuine = path.read_bytes()
    head, payload, _ = genuine.split(b".")
    write_public(path, b".".join((head, payload, b"A" * 86)))
    with pytest.raises(StatusListInvalid, match="newest copy of the keys"):
        reconcile(older)
    write_public(path, genuine)
    assert len(reconcile(older).suspended) == 3


def test_when_the_published_folder_is_lost_too_verifiers_still_take_what_comes_next(disaster: Disaster) -> None:
    """What was revoked since the copy is valid again until the departments say so: nobody is left who knows."""
    city = disaster.city
    made, codes = permits(city, "revoked since", "revoked before")
    city.revokes(made["revoked before"])
    disaster.copy()
    for _ in range(30):  # a day of new versions
        city.later(minutes=48)
        city.office.publication.resign_if_due()
        city.publishes()
    city.revokes(made["revoked since"])
    inspector = Inspector(city)
    told = inspector.newest
    restored = disaster.restore()
    restored.later(seconds=5)
    learns(restored)
    inspector.city = restored
    inspector.fetches()
    assert all(now > then for now, then in zip(inspector.newest, told, strict=True))
    assert inspector.sees(codes["revoked before"]) is Reason.REVOKED
    assert inspector.sees(codes["revoked since"]) is Reason.ACCEPTED
    restored.revokes(made["revoked since"])
    inspector.fetches()
    assert inspector.sees(codes["revoked since"]) is Reason.REVOKED


def test_sqlite_is_copied_whole_while_others_write(city: City, tmp_path: Path) -> None:
    stop, failures, made = threading.Event(), [], []

    def issue() -> None:
        try:
            while not stop.is_set():
                made.append(city.grants("library_card"))
        except BaseException as failure:
            failures.append(failure)

    writers = [threading.Thread(target=issue) for _ in range(2)]
    for writer in writers:
        writer.start()
    while len(made) < 20:
        stop.wait(0.01)
    committed = len(made)
    assert back_up(city.office, tmp_path / "copy")
    stop.set()
    for writer in writers:
        writer.join()
    copied = Office(IssuerSettings(home=tmp_path / "copy", status_list_size=1024))
    with read_transaction(copied.engine) as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        rows = connection.execute(text("SELECT count(*) FROM passes")).scalar_one()
        assert rows == connection.execute(text("SELECT count(*) FROM holders")).scalar_one() >= committed
    assert failures == []


def test_a_copy_is_for_its_owner_only_and_never_over_another(city: City, tmp_path: Path) -> None:
    back_up(city.office, tmp_path / "copy")
    copied = [tmp_path / "copy", *(tmp_path / "copy").rglob("*")]
    private = [path for path in copied if "published" not in path.parts and path.name != "anchor.pem"]
    assert [path for path in private if path.stat().st_mode & 0o077] == []
    with pytest.raises(BackupFailed, match="there already"):
        back_up(city.office, tmp_path / "copy")


def test_the_commands_say_what_to_do_next(disaster: Disaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "open_office", lambda: disaster.city.office)
    from_command = CliRunner().invoke
    app = backups.typer.Typer()
    app.command()(backups.backup)
    app.command()(backups.restored)
    home = disaster.city.settings.home
    for wrong, sentence in ((home / "copy", "inside WALLETPASS_HOME"), (tmp_path / "disk" / "copy", "mounted?")):
        refused = from_command(app, ["backup", str(wrong)])
        assert (refused.exit_code, sentence in refused.output, wrong.parent.exists()) == (2, True, wrong.parent == home)
    said = from_command(app, ["backup", str(tmp_path / "there")]).output
    assert ("pg_dump" in said) is bool(disaster.city.settings.database_url)
    assert (tmp_path / "there" / "issuer" / "issuer.db").exists() is not bool(disaster.city.settings.database_url)
    assert '"suspended": []' in from_command(app, ["restored", "--json"]).output
    assert "newer than the database: 0" in from_command(app, ["restored"]).output
