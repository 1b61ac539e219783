"""Who signs a pass's manifest: a certificate that was checked, because a phone refuses a wrong one without a word."""

from __future__ import annotations

from datetime import datetime

from issuers.wallets.apple.cms import DetachedSignature
from keys.certificates import check_apple
from keys.errors import CertificateMismatch
from keys.signer import Signer


class ManifestSigner:
    """One pass type certificate and its key: checked once, its period at each signature."""

    def __init__(self, signer: Signer, pass_type_identifier: str, team_identifier: str) -> None:
        check_apple(signer.chain, pass_type_identifier, team_identifier)
        self.signer = signer
        leaf, intermediate = signer.chain
        self._begins, self._ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
        self._signature = DetachedSignature(leaf, intermediate, signer.sign)

    def sign(self, manifest: bytes, now: datetime) -> bytes:
        """The detached signature (DER) over exactly these bytes.

        Raises `CertificateMismatch` unless the certificate is valid at `now` (aware), which is also the signing time.
        """
        if now < self._begins:
            raise CertificateMismatch(
                f"The Apple pass certificate is valid from {self._begins:%Y-%m-%d} on, not yet now."
            )
        if now > self._ends:
            raise CertificateMismatch(
                f"The Apple pass certificate ended on {self._ends:%Y-%m-%d}; import the renewed one with "
                "`walletpass keys import`."
            )
        return self._signature.of(manifest, now)
