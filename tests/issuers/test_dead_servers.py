"""Apple's, Google's and the mail server take connections and say nothing. Issuing, revoking and publishing go on."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from issuers.models import outbox
from issuers.notices import Inform, tell_holders
from issuers.tasks import load_tasks
from issuers.worker import Worker
from tests.city import City
from tests.issuers.api.conftest import Serve, serve
from tests.issuers.test_worker import until, working
from tests.issuers.wallets.iphone import IPhone
from web.database import read_transaction, write_transaction

__all__ = ["serve"]
KINDS = {"update-apple", "update-google", "mail"}


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        yield int(listening.getsockname()[1])


def held(city: City) -> set[str]:
    """The kinds of which a worker holds something now."""
    with read_transaction(city.office.engine) as connection:
        rows = select(outbox.c.kind).where(outbox.c.done_at.is_(None), outbox.c.claim.is_not(None))
        return set(connection.scalars(rows.distinct()))


def test_silent_servers_hold_up_their_own_messages_and_nothing_else(
    make_city: Callable[..., City], serve: Serve, silent: int
) -> None:
    city = make_city(
        apple_push_url=f"https://localhost:{silent}",
        google_api_url=f"http://127.0.0.1:{silent}",
        google_token_url=f"http://127.0.0.1:{silent}/token",
        smtp_host="127.0.0.1",
        smtp_port=silent,
        mail_from="karten@stadt.example",
        print_after=0,
    )
    service = serve(city)
    permit = city.grants("resident_parking_permit")
    text = city.qr(permit)
    IPhone(service.client).adds(city.offers(permit, "apple").body)
    city.offers(permit, "google")
    with write_transaction(city.office.engine) as connection:
        tell_holders(connection, [permit.serial], "renewed", Inform.MAIL, city.order(), mail_possible=True)
    city.suspends(permit)
    with working(Worker(city.office, "one", load_tasks(city.office), {})):
        until(lambda: held(city) == KINDS)
        assert service.changes(permit.serial, "revocations", {"reason": "fraud"}).status_code == 200
        assert city.inspector_sees(text).reason == "revoked"
        other = service.creates("BP-2").json()["serial"]
        shown = service.changes(other, "offers", {"wallet": "qr"}).text
        assert city.inspector_sees(shown).outcome == "accepted"
        with write_transaction(city.office.engine) as connection:
            tell_holders(connection, [permit.serial], "renewed", Inform.LETTER, city.order(), mail_possible=True)
        until(lambda: not is_open(city, "letter") and not is_open(city, "print"))
        assert held(city) == KINDS, "and all of them wait for an answer still"


def is_open(city: City, kind: str) -> bool:
    with read_transaction(city.office.engine) as connection:
        rows = select(outbox.c.id).where(outbox.c.done_at.is_(None), outbox.c.kind == kind)
        return connection.scalar(rows.limit(1)) is not None
