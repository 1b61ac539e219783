"""Signs a pass's manifest as Wallet demands: detached CMS with signing time and Apple's intermediate certificate."""

from __future__ import annotations

from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder

from keys.certificates import check_apple
from keys.errors import CertificateMismatch
from keys.signer import Signer

# Without Binary the builder rewrites line feeds and the digest is another one.
_OPTIONS = [PKCS7Options.DetachedSignature, PKCS7Options.Binary]


class ManifestSigner:
    """One pass type certificate and its key. Checked once, because Wallet refuses a wrong one without saying why."""

    def __init__(self, signer: Signer, pass_type_identifier: str, team_identifier: str) -> None:
        check_apple(signer.chain, pass_type_identifier, team_identifier)
        self.signer = signer
        leaf, *intermediates = signer.chain
        self._begins, self._ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
        builder = PKCS7SignatureBuilder().add_signer(leaf, signer.private_key, SHA256())
        for certificate in intermediates:
            builder = builder.add_certificate(certificate)
        self._builder = builder

    def check_period(self, now: datetime) -> None:
        """Raise `CertificateMismatch` unless the certificate is valid at `now` (aware)."""
        if now < self._begins:
            raise CertificateMismatch(
                f"The Apple pass certificate is valid from {self._begins:%Y-%m-%d} on, not yet now."
            )
        if now > self._ends:
            raise CertificateMismatch(
                f"The Apple pass certificate ended on {self._ends:%Y-%m-%d}; import the renewed one with "
                "`walletpass keys import`."
            )

    def sign(self, manifest: bytes) -> bytes:
        """The detached signature over exactly these bytes, DER."""
        return self._builder.set_data(manifest).sign(Encoding.DER, _OPTIONS)
