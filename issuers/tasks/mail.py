"""`mail`: tells a holder by e-mail. Each mail is reported at once, so that a kill repeats the one in flight at most.

A repeat has the same Message-ID and the same bytes. What is true no longer when its turn comes is not sent.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Sequence

import structlog
from sqlalchemy import Engine, select

from issuers import repository
from issuers.mail_message import MailRoom, NoMailAddress
from issuers.mail_server import MailPutOff, MailRefused, MailServer, MailServerUnavailable
from issuers.models import installation
from issuers.notices import MAIL
from issuers.occasions import UnknownOccasion, read_occasion
from issuers.office import Office
from issuers.outbox import Errand, Report
from walletpass.passes import Pass, local_day
from web.database import insert_missing, read_transaction, write_transaction

_ID = "mail_id"
_LOG = structlog.get_logger("walletpass.mail")


class MailTask:
    """One connection a batch. When the server cannot be used, all that is left waits, and nothing else is tried."""

    kind, batch, lease, alone = MAIL, 50, 180, False

    def __init__(self, office: Office) -> None:
        self._office = office
        self._room: MailRoom | None = None

    def perform(self, errands: Sequence[Errand], report: Report) -> None:
        if not self._office.settings.sends_mail:  # it did when these were written
            raise MailServerUnavailable("no_mail_server")
        if self._room is None:
            self._room = MailRoom(self._office.settings, _installation_id(report.engine))
        with read_transaction(report.engine) as connection:
            passes = repository.by_serial(connection, {errand.subject for errand in errands})
        outcomes = asyncio.run(self._send(self._room, errands, passes, report))
        _LOG.info("mails_sent", **outcomes)

    async def _send(
        self, room: MailRoom, errands: Sequence[Errand], passes: dict[str, Pass], report: Report
    ) -> Counter[str]:
        outcomes = Counter[str]()
        async with MailServer(self._office.settings, room.domain) as server:
            for place, errand in enumerate(errands):
                try:
                    outcomes[await self._deliver(server, room, errand, passes.get(errand.subject))] += 1
                    report.done([errand.id])
                except (NoMailAddress, MailRefused, UnknownOccasion) as failure:
                    outcomes[failure.code] += 1
                    report.failed([errand.id], failure.code)
                except MailPutOff as failure:
                    outcomes[failure.code] += 1
                    report.later([errand], failure.code)
                except MailServerUnavailable as failure:
                    outcomes[failure.code] += 1
                    report.later(errands[place:], failure.code)
                    break
        return outcomes

    async def _deliver(self, server: MailServer, room: MailRoom, errand: Errand, pass_: Pass | None) -> str:
        """Send one mail, if it is still true; what became of it in a word for the log."""
        occasion = read_occasion(errand.detail)
        if pass_ is None:
            return "gone"
        if why := occasion.why_not(pass_, local_day(self._office.now())):
            return why
        to, message = room.write(errand, pass_, self._office.catalogue.named(pass_.pass_type), occasion)
        await server.send(room.sender, to, message)
        return "sent"

    def close(self) -> None:
        pass


def _installation_id(engine: Engine) -> str:
    """A random name of this installation, made once."""
    with write_transaction(engine) as connection:
        insert_missing(connection, installation, {"name": _ID, "value": secrets.token_hex(8)})
        return str(connection.scalar(select(installation.c.value).where(installation.c.name == _ID)))


def build(office: Office) -> MailTask:
    return MailTask(office)
