"""The one base class of every error this project raises on purpose, and those of the key layer.

It lives here because `keys` is the lowest package; `walletpass.errors` hands it on. No HTTP: the edge maps codes.
"""

from __future__ import annotations


class WalletPassError(Exception):
    """Something we foresaw. `code` is stable and shared by Python, JavaScript, logs, API and screens.

    The message is one short sentence a person can act on. It names no person, secret or QR content.
    """

    code = "error"
    wrong_usage = False
    """Nothing was attempted because the request itself cannot be met: the command line ends with 2, not 1."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class KeyProblem(WalletPassError):
    """A key or certificate cannot be used."""

    code = "key_error"


class WrongPassphrase(KeyProblem):
    """The passphrase does not open the stored key."""

    code = "wrong_passphrase"


class KeyNotFound(KeyProblem):
    """No key of this role can sign at this moment."""

    code = "key_not_found"


class CertificateMismatch(KeyProblem):
    """A certificate does not fit its key, its role or its pass type."""

    code = "certificate_mismatch"


class TrustListInvalid(KeyProblem):
    """A trust list that must not be believed."""

    code = "trust_list_invalid"
