"""One mail to a holder: plain text and HTML in their language, with headers that a repeat has again.

It is left to the city's relay to sign (DKIM): lines are short and end with CRLF, and all is 7-bit, so that nobody on
the way has to rewrite it. Nothing is fetched when it is read.

Sources: RFC 5322 (form, Message-ID), RFC 2045 (quoted-printable), RFC 3834 section 5 (Auto-Submitted).
"""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from jinja2 import Environment, PackageLoader, StrictUndefined

from issuers.mail_address import mail_address
from issuers.occasions import Occasion, greeting, notice
from issuers.outbox import Errand
from issuers.settings import IssuerSettings
from walletpass.errors import WalletPassError
from walletpass.pass_type import LANGUAGES, PassType
from walletpass.passes import Pass, local_day

_POLICY = SMTP.clone(cte_type="7bit")
_LONG_HEADERS = _POLICY.clone(max_line_length=400)  # else Python folds right after "From:"; the limit is 998
_WIDTH = 72
_NO_ADDRESS = "The holder of this pass has no e-mail address that a mail could go to."
_HTML = Environment(loader=PackageLoader("issuers"), autoescape=True, undefined=StrictUndefined)


class NoMailAddress(WalletPassError):
    """The holder has no e-mail address that a mail could go to."""

    code = "no_mail_address"


class MailRoom:
    """Writes mails of one installation; `installation` names it in their ids, and says nothing else."""

    def __init__(self, settings: IssuerSettings, installation: str) -> None:
        self._settings, self._installation = settings, installation
        self.sender = mail_address(settings.mail_from) or ""
        self.domain = self.sender.partition("@")[2]

    def write(self, errand: Errand, pass_: Pass, pass_type: PassType, occasion: Occasion) -> tuple[str, bytes]:
        """Where it goes, and the message, ready to be sent. Raises `NoMailAddress`."""
        holder = pass_.holders[0] if pass_.holders else None
        to = mail_address(holder.email) if holder else None
        if holder is None or to is None:
            raise NoMailAddress(_NO_ADDRESS)
        language = holder.language if holder.language in LANGUAGES else LANGUAGES[0]
        settings = self._settings
        written_on = local_day(datetime.fromtimestamp(errand.created_at, UTC))
        told = notice(pass_, pass_type, occasion, settings.city_contact, language, written_on)
        hello = greeting(pass_, language)
        paragraphs = [hello, told.facts, told.actions, told.contact]
        text = "\n\n".join(textwrap.fill(part, _WIDTH, break_long_words=False) for part in paragraphs)
        html = _HTML.get_template("mail.html").render(
            language=language, notice=told, greeting=hello, city=settings.city_name, address=settings.city_address
        )
        message = self._envelope(errand, to, told.subject)
        message.set_content(f"{text}\n\n{settings.city_name}\n{settings.city_address}\n", cte="quoted-printable")
        message.add_alternative(html, subtype="html", cte="quoted-printable")
        message["Content-Language"] = language  # not before: what is set as content takes such headers along
        message.set_boundary(f"=_{errand.id}.{self._installation}")  # else a random one: a repeat has the same bytes
        return to, message.as_bytes(policy=_LONG_HEADERS)

    def _envelope(self, errand: Errand, to: str, subject: str) -> EmailMessage:
        settings, written_at = self._settings, datetime.fromtimestamp(errand.created_at, UTC)
        message = EmailMessage(policy=_POLICY)
        message["From"] = Address(_one_line(settings.city_name), addr_spec=self.sender)
        try:
            message["To"] = Address(addr_spec=to)
        except (MessageError, ValueError):  # its text is somebody's address
            raise NoMailAddress(_NO_ADDRESS) from None
        if reply_to := mail_address(settings.city_contact):
            message["Reply-To"] = Address(addr_spec=reply_to)
        message["Subject"] = _one_line(subject)
        message["Date"] = written_at
        # The time belongs to it because SQLite gives the numbers of forgotten rows again.
        message["Message-ID"] = f"<{errand.id}.{errand.created_at}.{self._installation}@{self.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        return message


def _one_line(text: str) -> str:
    """For a header: whatever a setting or a type holds, it stays within it."""
    return " ".join(text.split())
