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
ASKED = {"update-apple", "update-google", "mail"}


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        yield int(listening.getsockname()[1])


def kinds(city: City, *, held: bool) -> set[str]:
    """The kinds of which something is not done; `held`: by a worker, at this moment."""
    which = outbox.c.done_at.is_(None) & (outbox.c.claim.is_not(None) if held else outbox.c.kind.is_not(None))
    with read_transaction(city.office.engine) as connection:
        return set(connection.scalars(select(outbox.c.kind).where(which).distinct()))


def seen(city: City, before: set[str]) -> set[str]:
    before |= kinds(city, held=True) & ASKED
    return before


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
    permit, other = (city.grants("resident_parking_permit") for _ in range(2))
    text = city.qr(permit)
    IPhone(service.client).adds(city.offers(permit, "apple").body)
    city.offers(permit, "google")
    with write_transaction(city.office.engine) as connection:
        for inform in (Inform.MAIL, Inform.LETTER):
            tell_holders(connection, [other.serial], "renewed", inform, city.order(), mail_possible=True)
    city.amends(permit, plates=("D-XY 99",))
    asked: set[str] = set()
    with working(Worker(city.office, "one", load_tasks(city.office), {})):
        until(lambda: seen(city, asked) == ASKED)
        assert service.changes(permit.serial, "revocations", {"reason": "fraud"}).status_code == 200
        assert city.inspector_sees(text).reason == "revoked"
        new = service.creates("BP-2").json()["serial"]
        shown = service.changes(new, "offers", {"wallet": "qr"}).text
        assert city.inspector_sees(shown).outcome == "accepted"
        until(lambda: not kinds(city, held=False) & {"letter", "print"})
        assert kinds(city, held=False) >= ASKED, "what they were asked waits, and nothing else does"
