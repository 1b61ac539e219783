"""Google Wallet: a "save" link that carries the pass as a signed JWT.

The link is complete in itself as long as it is short enough for browsers (see `save_link`). A longer one names only
what must then exist at Google already: a worker puts it there within seconds of the first offer (`updates`), where
WALLETPASS_GOOGLE_API_URL is set. The form `json` writes it out for whoever does that by other means.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from fastapi import APIRouter
from starlette.responses import Response

from issuers.settings import IssuerSettings
from issuers.task import Task
from issuers.wallets import CarriedPass, Offer, SignerSource, WalletDesk
from issuers.wallets.google.callbacks import add_callback
from issuers.wallets.google.logo import LOGO_PATH, logo_png
from issuers.wallets.google.objects import ObjectTemplate, generic_class
from issuers.wallets.google.save_link import SaveLinks, encode
from issuers.wallets.google.updates import build_updates
from keys.signer import Role
from walletpass.pass_type import FrontCode, PassType

# Bytes that each object adds to what its type shares: id, state, dates, the barcode's keys.
_LEAST_OF_ITS_OWN = 200


class _Prepared:
    """What all passes of one type share: the class as JSON, and the template of its objects."""

    def __init__(self, pass_type: PassType, settings: IssuerSettings) -> None:
        self.template = ObjectTemplate(pass_type, settings)
        class_ = generic_class(pass_type, settings)
        named = encode({"id": class_["id"]})
        # What a worker puts at Google need not be in the link.
        levels = ((named if settings.google_api_url else encode(class_), False), (named, True))
        self._levels = [
            (class_json, compact, len(class_json) + len(encode(self.template.shared(compact))) + _LEAST_OF_ITS_OWN)
            for class_json, compact in levels
        ]

    def payloads(self, carried: CarriedPass, now: datetime, room: int) -> Iterator[str]:
        """From full to skinny, each shorter: the class in full and the object; the object in German only and a class
        that is only named (Google shows the object in its standard layout if the class is new); the two ids.

        A signed QR text leaves no room for the object in most links: then nothing is built in vain.
        """
        code = carried.qr_text if carried.pass_type.front_code is FrontCode.SIGNED_QR else ""
        for class_json, compact, least in self._levels:
            if least + len(code) <= room:
                object_json = encode(self.template.render(carried, now, compact))
                yield f'{{"genericClasses":[{class_json}],"genericObjects":[{object_json}]}}'
        yield encode({"genericObjects": [self.template.reference(carried)]})


class GoogleWallet:
    """Makes save links, keeps what is at Google up to date, and hears what people save."""

    name = "google"
    forms: tuple[str, ...] = ("txt", "json")

    def __init__(self, settings: IssuerSettings, signer_for: SignerSource) -> None:
        self._settings = settings
        self._signer_for = signer_for
        self._links: SaveLinks | None = None
        self._prepared: dict[str, _Prepared] = {}

    def offer(self, carried: CarriedPass, form: str, now: datetime) -> Offer:
        """The save link as text; or class and object as JSON, for whoever puts them to Google by REST."""
        if form == "json":
            objects = {
                "genericClasses": [generic_class(carried.pass_type, self._settings)],
                "genericObjects": [ObjectTemplate(carried.pass_type, self._settings).render(carried, now)],
            }
            body = json.dumps(objects, ensure_ascii=False, indent=2).encode()
            return Offer(body, "application/json", f"{carried.pass_type.name}-google.json")
        links = self._save_links()
        payloads = self._prepare(carried.pass_type).payloads(carried, now, links.payload_room)
        link = links.link(payloads, int(now.timestamp()))
        return Offer(link.encode("ascii"), "text/plain; charset=us-ascii", f"{carried.pass_type.name}-google.{form}")

    @property
    def creates_remotely(self) -> bool:
        return bool(self._settings.google_api_url)

    def updates(self, desk: WalletDesk) -> Task:
        """`update-google`."""
        return build_updates(desk, self._settings, self._signer_for)

    def router(self, desk: WalletDesk) -> APIRouter:
        """The picture that objects name, which Google fetches without a login; and where Google says what is saved."""
        router = APIRouter(include_in_schema=False)

        @router.get(f"/{LOGO_PATH}")
        def logo() -> Response:
            return Response(logo_png(), media_type="image/png", headers={"Cache-Control": "public, max-age=86400"})

        if self._settings.google_api_url:
            add_callback(router, desk, self._settings)
        return router

    def _prepare(self, pass_type: PassType) -> _Prepared:
        prepared = self._prepared.get(pass_type.name)
        if prepared is None or prepared.template.pass_type is not pass_type:
            prepared = self._prepared[pass_type.name] = _Prepared(pass_type, self._settings)
        return prepared

    def _save_links(self) -> SaveLinks:
        signer = self._signer_for(Role.GOOGLE_SERVICE_ACCOUNT)
        known = self._links
        if known is None or known.signer is not signer:
            known = self._links = SaveLinks(signer, self._settings.google_origins)
        return known


def build(settings: IssuerSettings, signer_for: SignerSource) -> GoogleWallet:
    """The wallet for the register; the service account's key is asked for at the first offer."""
    return GoogleWallet(settings, signer_for)
