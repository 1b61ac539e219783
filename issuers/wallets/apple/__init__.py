"""Apple Wallet: a signed `.pkpass` with the pass, its code and both languages.

What does not differ between two passes of a type (images, strings, half of pass.json, their digests and checksums) is
prepared once; after that a pass costs little more than its RSA signature. No web service yet: the file is complete in
itself.
"""

from __future__ import annotations

from datetime import datetime

from issuers.settings import IssuerSettings
from issuers.wallets import CarriedPass, Offer, SignerSource
from issuers.wallets.apple.artwork import draw
from issuers.wallets.apple.package import Package
from issuers.wallets.apple.pass_json import PassTemplate
from issuers.wallets.apple.signature import ManifestSigner
from issuers.wallets.apple.wording import strings_file
from keys.signer import Role
from walletpass.pass_type import PassType

MEDIA_TYPE = "application/vnd.apple.pkpass"


class _Prepared:
    """All that passes of one type share."""

    def __init__(self, pass_type: PassType, settings: IssuerSettings) -> None:
        self.pass_type = pass_type
        self.template = PassTemplate(pass_type, settings)
        strings = {
            f"{language}.lproj/pass.strings": strings_file(table)
            for language, table in self.template.wording.tables().items()
        }
        self.package = Package(draw(pass_type.category, pass_type.look) | strings)


class AppleWallet:
    """Builds passes on demand. Safe to share between threads: what it keeps is only ever replaced whole."""

    name = "apple"
    forms: tuple[str, ...] = ("pkpass",)

    def __init__(self, settings: IssuerSettings, signer_for: SignerSource) -> None:
        self._settings = settings
        self._signer_for = signer_for
        self._prepared: dict[str, _Prepared] = {}
        self._signer: ManifestSigner | None = None

    def offer(self, carried: CarriedPass, form: str, now: datetime) -> Offer:
        """The signed pass; raises `CertificateMismatch` instead of signing with a certificate that does not fit.

        `now` (aware) is the signing time, at which the certificate must be valid. A pass that is not VALID comes
        voided, without its code, for phones that already hold it.
        """
        signer, prepared = self._manifest_signer(), self._prepare(carried.pass_type)
        body = prepared.package.pack(prepared.template.render(carried), lambda manifest: signer.sign(manifest, now))
        return Offer(body, MEDIA_TYPE, f"{carried.pass_type.name}-{carried.pass_.serial}.{form}")

    def _prepare(self, pass_type: PassType) -> _Prepared:
        prepared = self._prepared.get(pass_type.name)
        if prepared is None or prepared.pass_type is not pass_type:
            prepared = self._prepared[pass_type.name] = _Prepared(pass_type, self._settings)
        return prepared

    def _manifest_signer(self) -> ManifestSigner:
        signer = self._signer_for(Role.APPLE_PASS)
        known = self._signer
        if known is None or known.signer is not signer:
            settings = self._settings
            known = ManifestSigner(signer, settings.apple_pass_type_identifier, settings.apple_team_identifier)
            self._signer = known
        return known


def build(settings: IssuerSettings, signer_for: SignerSource) -> AppleWallet:
    """The wallet for the register."""
    return AppleWallet(settings, signer_for)
