"""The issuing service's own errors: one class, one stable code, one sentence."""

from __future__ import annotations

from walletpass.errors import WalletPassError


class UnknownSerial(WalletPassError):
    """No pass has this serial."""

    code = "unknown_serial"


class PassRevoked(WalletPassError):
    """The number's pass is revoked, which is final; only a deliberate re-issue makes a new one."""

    code = "pass_revoked"


class NumberTaken(WalletPassError):
    """A pass with this type and number exists already."""

    code = "number_taken"


class NotOfferable(WalletPassError):
    """No wallet may be offered this pass; `code` is the reason (`expired`, `revoked`, `suspended`)."""

    code = "not_offerable"

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class ReasonRequired(WalletPassError):
    """Suspending and revoking need a reason."""

    code = "reason_required"
    wrong_usage = True


class BadValidity(WalletPassError):
    """The new dates are impossible for this pass."""

    code = "bad_validity"


class NoStatusIndex(WalletPassError):
    """No entry could be reserved in a status list: nothing is issued."""

    code = "no_status_index"


class PublicUrlFixed(WalletPassError):
    """The public URL is signed into credentials and cannot change."""

    code = "public_url_fixed"
    wrong_usage = True


class NotInitialised(WalletPassError):
    """`walletpass init` has not been run here."""

    code = "not_initialised"
    wrong_usage = True


class PublishFailed(WalletPassError):
    """The change is stored; the published documents could not be written and are still the old ones."""

    code = "publish_failed"


class DatabaseOlder(WalletPassError):
    """The database has forgotten what was published: it was restored from an older copy."""

    code = "database_older"


class BackupFailed(WalletPassError):
    """The copy of the installation was not made, or not whole."""

    code = "backup_failed"


class WalletUnknown(WalletPassError):
    """No wallet of that name, or it cannot write that form."""

    code = "unknown_wallet"
    wrong_usage = True


class RecipientInvalid(WalletPassError):
    """A receiving key for the plate lists' keys that cannot be used or is not known."""

    code = "recipient_invalid"
    wrong_usage = True
