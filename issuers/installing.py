"""Setting up an installation, and bringing an older one up to date: the only parts that need migrations."""

from __future__ import annotations

from sqlalchemy import insert, select

from issuers import repository, status_lists
from issuers.lifecycle import PUBLISH_LIST
from issuers.models import installation
from issuers.office import IS_URL, Office
from issuers.versions import require_fitting_schema
from keys.atomic_file import make_private_folder, write_public
from keys.demo import add_new_roles, create_demo_keys
from keys.key_ring import KeyRing
from keys.passphrase import KEYS_FOLDER
from web.database import read_transaction, revision, write_transaction
from web.migrations import upgrade

_MIGRATIONS = "issuers.migrations"


def bring_up_to_date(office: Office) -> None:
    """Migrate what an older version left, keys of new roles included; raises `NotInitialised`.

    A database that is not set up stays so.
    """
    engine = office.connect()
    with read_transaction(engine) as connection:
        there = revision(connection) is not None
    if there:
        upgrade(engine, _MIGRATIONS)
    engine.dispose()
    if there and add_new_roles(office.ring, office.now()):
        office.publication.publish_keys()


def initialise(office: Office) -> list[str]:
    """Database, keys, anchor, status lists and published documents; idempotent. Returns warnings."""
    settings = office.settings
    settings.home.mkdir(parents=True, exist_ok=True)
    make_private_folder(settings.issuer_home)
    passphrase, warning = office.passphrase()
    engine = office.connect(create=True)
    upgrade(engine, _MIGRATIONS)
    with write_transaction(engine) as connection:
        require_fitting_schema(connection)
        url = connection.scalar(select(installation.c.value).where(IS_URL))
        office.check_url(url)
        if url is None:
            connection.execute(insert(installation).values(name="public_url", value=settings.public_url))
        added = status_lists.ensure_room(connection, 0, settings.status_lists_open, settings.status_list_size)
        repository.add_outbox(connection, PUBLISH_LIST, added, int(office.seconds()))
    engine.dispose()
    anchor = create_demo_keys(
        KeyRing.open(settings.issuer_home / KEYS_FOLDER, passphrase),
        office.now(),
        public_url=settings.public_url,
        city_name=settings.city_name,
        pass_type_identifier=settings.apple_pass_type_identifier,
        team_identifier=settings.apple_team_identifier,
        status_eku=settings.status_signing_eku,
    )
    if not settings.anchor.exists():
        write_public(settings.anchor, anchor)
    office.publication.publish_all()
    office.publication.publish_keys()
    office.plates.publish()
    return [warning] if warning else []
