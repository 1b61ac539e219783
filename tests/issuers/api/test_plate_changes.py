"""Another plate on a permit, without a visit: the phones that carry it are told, and the old code counts no longer."""

from __future__ import annotations

from issuers import copies
from issuers.tasks.carriers import CarriersTask
from tests.issuers.api.conftest import Service
from tests.issuers.campaign_city import noted, works
from walletpass.verdict import Reason
from web.database import read_transaction


def test_a_new_plate_reaches_every_wallet_that_carries_the_permit(service_on: Service) -> None:
    city = service_on.city
    serial = service_on.creates().json()["serial"]
    for wallet in ("apple", "google"):
        service_on.changes(serial, "offers", {"wallet": wallet})
    with read_transaction(city.office.engine) as connection:
        [copy] = copies.live(connection, [serial], "apple").values()
    before = city.office.current([copy])[copy.id].qr_text
    body = {"claims": {"plates": ["D-NEU 1"]}, "reason": "another car"}
    assert service_on.call("PATCH", f"/api/v1/passes/{serial}", body).status_code == 200
    assert [each.subject for each in noted(city, "update-carriers")] == [serial]
    works(city, CarriersTask({"apple", "google"}))
    assert [each.subject for kind in ("update-apple", "update-google") for each in noted(city, kind)] == [serial] * 2
    shown = city.office.current([copy])[copy.id]
    assert city.inspector_sees(shown.qr_text).claims["plates"] == ("D-NEU 1",)
    assert city.inspector_sees(before).reason is Reason.REVOKED
