"""What can be refused at the desk's door. The sentences are for machines and logs; the pages have their own texts."""

from __future__ import annotations

from keys.errors import WalletPassError


class StaffRefusal(WalletPassError):
    """A refusal that the desk's pages show in words. `status` is for the pages only."""

    code = "staff_refused"
    status = 422


class SignInRefused(StaffRefusal):
    """Name, password or passkey do not fit, or the account is closed; which of them is not said (ASVS 2.2.1)."""

    code = "sign_in_refused"


class FactorRefused(StaffRefusal):
    """The code is wrong, too old or was used before, or the passkey is not this account's."""

    code = "factor_refused"


class PasswordRefused(StaffRefusal):
    """The new password is too easy. `code` says why."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class LastFactor(StaffRefusal):
    """An account without a second factor would remain."""

    code = "last_factor"


class TooSoon(StaffRefusal):
    """Too many failures; `retry_after` seconds to wait."""

    code = "too_soon"
    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many failed attempts; try again in {retry_after} s.")
        self.retry_after = retry_after


class TooBusy(StaffRefusal):
    """More passwords wait to be checked than memory is set aside for."""

    code = "too_busy"
    status = 503


class ForeignRequest(StaffRefusal):
    """A form that another site sent, or that is older than this session."""

    code = "foreign_request"
    status = 403


class RoleMissing(StaffRefusal):
    """Signed in, but not for this."""

    code = "role_missing"
    status = 403


class ElsewhereFirst(WalletPassError):
    """The page is behind another one: sign-in, second factor, enrolment. `path` is below the desk's prefix."""

    code = "sign_in_needed"

    def __init__(self, path: str) -> None:
        super().__init__("Sign in first.")
        self.path = path


class AccountUnknown(WalletPassError):
    """No account has this user name."""

    code = "account_unknown"
    wrong_usage = True


class AccountInvalid(WalletPassError):
    """A name or role that cannot be."""

    code = "account_invalid"
    wrong_usage = True
