"""The connection to the city's mail server. What aiosmtplib and the network raise becomes one of three outcomes here.

Sources: RFC 5321 (replies: 4yz for now, 5yz for good), RFC 3207 (STARTTLS), RFC 8314 (port 465).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from types import TracebackType

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPTimeoutError,
)

from issuers.settings import SMTP_OVER_TLS, IssuerSettings
from walletpass.errors import WalletPassError

_COMMANDS = 3  # as many time-outs of one command may a whole mail take
_CLOSING = 421  # the server ends the connection (RFC 5321, section 3.8)


class MailServerUnavailable(WalletPassError):
    """The mail server cannot be used at this moment, for whichever mail. `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__("The mail server cannot be used at this moment; mails wait and are sent later.")
        self.code = code


class MailPutOff(WalletPassError):
    """The server does not take this mail at this moment."""

    code = "mail_put_off"


class MailRefused(WalletPassError):
    """The server refuses this mail for good: there may be no such mailbox."""

    code = "mail_refused"


class MailServer:
    """One connection, opened at its first mail, as an asynchronous context. `greets_as`: a domain of ours, for EHLO."""

    def __init__(self, settings: IssuerSettings, greets_as: str) -> None:
        self._settings, self._greets_as = settings, greets_as
        self._open: SMTP | None = None

    async def __aenter__(self) -> MailServer:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            with contextlib.suppress(SMTPException, OSError, TimeoutError):
                await self._open.quit(timeout=2)
            self._open.close()

    async def send(self, sender: str, to: str, message: bytes) -> None:
        """Hand over one mail. Raises `MailServerUnavailable`, `MailPutOff` or `MailRefused`, which name nobody."""
        try:
            async with asyncio.timeout(_COMMANDS * self._settings.smtp_timeout):
                if self._open is None:
                    self._open = await self._connect()
                await self._open.sendmail(sender, [to], message)
        except SMTPRecipientsRefused as refusal:
            raise _of_one_mail(refusal.recipients[0].code) from None
        except SMTPDataError as refusal:
            raise _of_one_mail(refusal.code) from None
        except SMTPAuthenticationError:
            raise MailServerUnavailable("mail_login_refused") from None
        except SMTPResponseException as refusal:  # of the greeting or the sender: no fault of a recipient
            raise MailServerUnavailable(f"mail_server_says_{int(refusal.code)}") from None
        except (SMTPTimeoutError, TimeoutError):
            raise MailServerUnavailable("mail_server_slow") from None
        except ssl.SSLError:
            raise MailServerUnavailable("mail_server_not_trusted") from None
        except (SMTPException, OSError):
            raise MailServerUnavailable("mail_server_unreachable") from None

    async def _connect(self) -> SMTP:
        settings = self._settings
        encrypted = settings.smtp_port == SMTP_OVER_TLS
        tls = ssl.create_default_context(cafile=settings.smtp_ca)
        connection = SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            local_hostname=self._greets_as,
            timeout=settings.smtp_timeout,
            use_tls=encrypted,
            start_tls=False,
            tls_context=tls,
        )
        try:
            await connection.connect()
            if settings.smtp_starttls and not encrypted:
                await connection.ehlo()
                if not connection.supports_extension("starttls"):
                    raise MailServerUnavailable("mail_server_not_encrypted")
                await connection.starttls(tls_context=tls)
            if settings.smtp_user:
                password = settings.smtp_password.get_secret_value() if settings.smtp_password else ""
                await connection.login(settings.smtp_user, password)
        except BaseException:
            connection.close()
            raise
        return connection


def _of_one_mail(reply: int) -> WalletPassError:
    if reply == _CLOSING:
        return MailServerUnavailable(f"mail_server_says_{_CLOSING}")
    if reply >= 500:
        return MailRefused("The mail server refuses this mail for good.")
    return MailPutOff("The mail server does not take this mail at this moment.")
