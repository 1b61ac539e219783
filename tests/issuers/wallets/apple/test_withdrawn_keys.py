"""A key that signed passes is withdrawn: every phone gets a code of another key, though nobody changed its pass."""

from __future__ import annotations

from typing import Any

from issuers import withdrawn_keys
from keys.signer import Role
from tests.issuers.api.conftest import Service
from tests.issuers.wallets.apple.phones import PERMIT, tells
from tests.issuers.wallets.iphone import Held, IPhone


def code(held: Held) -> str:
    shown: Any = held.json["barcodes"][0]["message"]
    return str(shown)


def test_a_phone_gets_a_new_code_when_the_key_of_the_old_one_is_withdrawn(service_on: Service) -> None:
    city, phone = service_on.city, IPhone(service_on.client)
    held = phone.adds(city.offers(city.grants(PERMIT), "apple").body)
    other = city.grants("library_card")
    old = city.office.signer(Role.CREDENTIAL).kid
    city.adds_key(Role.CREDENTIAL)
    assert withdrawn_keys.tell_carriers(city.office, city.order()) == 0
    city.office.ring.withdraw(old, city.office.now())
    city.publishes()
    city.qr(other)  # signed by the new key
    assert city.inspector_sees(code(held)).outcome == "refused"
    city.later(seconds=5)
    assert withdrawn_keys.tell_carriers(city.office, city.order()) == 1
    tells(city)
    assert phone.is_pushed() == [], "nothing that a person has to know"
    assert city.inspector_sees(code(held)).outcome == "accepted"
