"""The errors of the core. One class, one stable `code`; the sentence says what is wrong and what to do."""

from __future__ import annotations

from keys.errors import WalletPassError

__all__ = [
    "EncodingRefused",
    "InvalidClaim",
    "Malformed",
    "PlateListInvalid",
    "ScanCountsInvalid",
    "StatusListInvalid",
    "TransitionNotAllowed",
    "UnknownPassType",
    "WalletPassError",
]


class Malformed(WalletPassError):
    """Bytes or text that are not what a format promises."""

    code = "malformed"


class EncodingRefused(WalletPassError):
    """What we are about to sign is not what the pass says, or does not fit."""

    code = "encoding_refused"


class UnknownPassType(WalletPassError):
    """No pass type of this name is switched on."""

    code = "unknown_type"
    wrong_usage = True


class StatusListInvalid(WalletPassError):
    """A status list token that counts as absent."""

    code = "status_list_invalid"


class PlateListInvalid(WalletPassError):
    """A plate list, or the keys to one, that count as absent."""

    code = "plate_list_invalid"


class ScanCountsInvalid(WalletPassError):
    """Signed counts of checks that must not be believed."""

    code = "scan_counts_invalid"


class TransitionNotAllowed(WalletPassError):
    """A change of status that `status.TRANSITIONS` does not list."""

    code = "transition_not_allowed"


class InvalidClaim(WalletPassError):
    """A value a pass type does not accept.

    `claim` is the claim's name; `code` is the precise reason (`bad_zone`, `bad_date`, …).
    """

    code = "invalid_claim"

    def __init__(self, claim: str, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.claim = claim
        self.code = code
