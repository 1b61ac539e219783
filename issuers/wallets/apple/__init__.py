"""Apple Wallet: a signed `.pkpass` with the pass, its code and both languages.

What does not differ between two passes of a type (images, strings, half of pass.json, their digests and checksums) is
prepared once; after that a pass costs little more than its RSA signature. Phones that hold one register with the web
service (`web_service`), are pushed (`updates`) when it has changed, and fetch it anew.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from issuers.settings import IssuerSettings
from issuers.task import Task
from issuers.wallets import CarriedPass, Offer, SignerSource, WalletDesk
from issuers.wallets.apple.artwork import draw
from issuers.wallets.apple.package import Package
from issuers.wallets.apple.pass_json import PassTemplate, note_of
from issuers.wallets.apple.pushes import Pushes
from issuers.wallets.apple.signature import ManifestSigner
from issuers.wallets.apple.updates import AppleUpdates
from issuers.wallets.apple.web_service import web_service_router
from keys.signer import Role
from walletpass.pass_type import PassType

if TYPE_CHECKING:
    from fastapi import APIRouter

MEDIA_TYPE = "application/vnd.apple.pkpass"


class _Prepared:
    """All that passes of one type share."""

    def __init__(self, pass_type: PassType, settings: IssuerSettings) -> None:
        self.pass_type = pass_type
        self.template = PassTemplate(pass_type, settings)
        self._images = draw(pass_type.category, pass_type.look)
        self.package = Package({**self._images, **self.template.wording.files()})

    @cached_property
    def without_strings(self) -> Package:
        """For passes that say something which no other does."""
        return Package(self._images)


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
        pass_json, note = prepared.template.render(carried), note_of(carried)
        package, strings = prepared.package, {}
        if note:
            package, strings = prepared.without_strings, prepared.template.wording.files(note)
        body = package.pack(pass_json, lambda manifest: signer.sign(manifest, now), strings)
        return Offer(body, MEDIA_TYPE, f"{carried.pass_type.name}-{carried.pass_.serial}.{form}")

    def router(self, desk: WalletDesk) -> APIRouter:
        """The web service that phones register with."""
        return web_service_router(self._settings, self, desk)

    def updates(self, desk: WalletDesk) -> Task:
        """Tells phones that a pass has changed."""
        return AppleUpdates(desk, Pushes(self._settings, self._signer_for, desk.seconds))

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
