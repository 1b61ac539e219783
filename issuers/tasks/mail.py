"""`mail`: tells a holder by e-mail. Each mail is reported at once, so that a kill repeats the one in flight at most.

A repeat has the same Message-ID and the same bytes. What is true no longer when its turn comes is not sent, nor what
this worker does not hold any more: another has taken it over, or its campaign was paused or cancelled.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Sequence

import structlog
from sqlalchemy import Connection, Engine, select

from issuers import campaigns, repository
from issuers.mail_message import MailRoom, NoMailAddress
from issuers.mail_server import MailPutOff, MailRefused, MailServer, MailServerUnavailable
from issuers.models import installation
from issuers.notices import LETTER, MAIL, Inform, note_messages, way_to
from issuers.occasions import UnknownOccasion, read_occasion
from issuers.office import Office
from issuers.outbox import Errand, Report
from walletpass.errors import UnknownPassType, WalletPassError
from walletpass.passes import Pass, local_day
from web.database import insert_missing, read_transaction, write_transaction

_ID = "mail_id"
_FOR_GOOD = (MailRefused, UnknownOccasion, UnknownPassType)  # until a person changes something
_SENT, _GONE, _NOT_HELD = "sent", "gone", "not_held"
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
                if not report.holds(errand):
                    outcomes[_NOT_HELD] += 1
                    continue
                try:
                    word = await self._deliver(server, room, errand, passes.get(errand.subject))
                except MailServerUnavailable as failure:
                    outcomes[failure.code] += 1
                    report.later(errands[place:], failure.code)
                    break
                except NoMailAddress as failure:  # there was one when this was written
                    word = failure.code
                    if not self._by_letter(errand, passes.get(errand.subject), word, report):
                        report.failed([errand.id], word)
                except Exception as failure:  # of this mail alone: the others go on
                    word = _put_aside(errand, failure, report)
                else:
                    report.done([errand.id], code=None if word == _SENT else word)
                outcomes[word] += 1
        return outcomes

    async def _deliver(self, server: MailServer, room: MailRoom, errand: Errand, pass_: Pass | None) -> str:
        """Send one mail, if it is still true; `sent`, or why there is nothing to send any more."""
        occasion = read_occasion(errand.detail)
        if pass_ is None:
            return _GONE
        if why := occasion.why_not(pass_, local_day(self._office.now())):
            return why
        to, message = room.write(errand, pass_, self._office.catalogue.named(pass_.pass_type), occasion)
        await server.send(room.sender, to, message)
        return _SENT

    def _by_letter(self, errand: Errand, pass_: Pass | None, code: str, report: Report) -> bool:
        """Whether a letter takes the mail's place: where one is wanted of who has no address for mails."""
        holder = next(iter(pass_.holders), None) if pass_ else None
        with write_transaction(report.engine) as connection:
            inform = self._inform(connection, errand)
            if holder is None or way_to("", holder.street, holder.city, inform, mail_possible=False) != LETTER:
                return False
            if errand.id in {held.id for held in report.locked(connection)}:
                now = int(self._office.seconds())
                note_messages(connection, {errand.subject: LETTER}, errand.detail, errand.campaign, now)
                report.done([errand.id], connection, code=code)
        return True

    def _inform(self, connection: Connection, errand: Errand) -> Inform:
        """How whoever wrote it wanted holders to be told. A campaign stays as it is until this transaction ends."""
        if errand.campaign is None:
            return self._office.settings.reminders_inform
        return campaigns.one(connection, errand.campaign, lock=True).inform

    def close(self) -> None:
        pass


def _put_aside(errand: Errand, failure: Exception, report: Report) -> str:
    """Report what failed with one mail; its code."""
    if isinstance(failure, _FOR_GOOD):
        report.failed([errand.id], failure.code)
        return failure.code
    code = failure.code if isinstance(failure, WalletPassError) else "internal_error"
    if not isinstance(failure, MailPutOff):
        _LOG.error("mail_failed", code=code, error=type(failure).__name__, exc_info=True)
    report.later([errand], code)
    return code


def _installation_id(engine: Engine) -> str:
    """A random name of this installation, made once."""
    with write_transaction(engine) as connection:
        insert_missing(connection, installation, {"name": _ID, "value": secrets.token_hex(8)})
        return str(connection.scalar(select(installation.c.value).where(installation.c.name == _ID)))


def build(office: Office) -> MailTask:
    return MailTask(office)
