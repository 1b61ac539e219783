"""The desk's own pages: devices are invited, looked after and ended; lists, checks and cases are shown."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from html import unescape

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey
from sqlalchemy import update

from tests.verifiers.devices.phone import Phone
from tests.verifiers.scans.desk_of_scans import MINUTE, scan, sixteen, used
from tests.verifiers.scans.test_cases import CONTENT, JPEG
from tests.verifiers.scans.test_devices_send import Street
from tests.web.staff.visitor import Visitor, where
from verifiers.desk.spans import ago, span
from verifiers.devices.device import DeviceState
from verifiers.scans.cases import ALGORITHMS
from walletpass.passes import LOCAL_ZONE
from web.database import write_transaction


def invited(lead: Visitor, **fields: str) -> str:
    """Invite a device at the desk; gives the link that is shown."""
    page = lead.post("/devices", name="Handgerät 7", **fields)
    assert page.status_code == 200, page.text
    return unescape(re.findall(r"<code>([^<]+)</code>", page.text)[0])


def case(phone: Phone, name: str = "a", **changes: object) -> None:
    key = ECKey.import_key(phone.contact().json()["device"]["desk_key"])
    header = dict(zip(("alg", "enc"), ALGORITHMS, strict=True))
    encrypted = jwe.encrypt_compact(header, json.dumps(CONTENT | changes).encode(), key, algorithms=list(ALGORITHMS))
    at = int(time.time()) // MINUTE * MINUTE
    assert phone.post("cases", {"id": sixteen(name), "at": at, "encrypted": encrypted}).status_code == 201


def test_times_without_a_day_are_not_taken_for_always(lead: Visitor) -> None:
    page = lead.post("/devices", name="Handgerät 7", shift_from="06:00", shift_until="14:00")
    assert "#enrol=" not in page.text and 'role="alert"' in page.text


def test_a_time_beyond_every_calendar_breaks_no_page(street: Street, lead: Visitor) -> None:
    phone, _ = street.phone("Handgerät 8")
    case(phone, "calendar", at=10**15)
    assert phone.contact(status_lists={"https://pass.example.org/status/1": (1 << 40) - 1}).status_code == 200
    for path in ("/devices", "/lists", "/cases", f"/cases/{sixteen('calendar')}"):
        assert lead.get(path).status_code == 200, path


def test_an_invitation_is_shown_once_and_enrols_the_device_that_is_then_in_the_list(
    street: Street, lead: Visitor
) -> None:
    link = invited(
        lead, type_resident_parking_permit="yes", zones="18 MÜ", day_1="yes", day_5="yes",
        shift_from="06:00", shift_until="14:30",
    )  # fmt: skip
    assert link.startswith("http://localhost:8001/inspector/#enrol=")
    code, _, _ = link.partition("#enrol=")[2].partition(".")
    answer = Phone(street.client).enrol(code)
    device = answer.json()["device"]
    assert (device["pass_types"], device["zones"]) == (["resident_parking_permit"], ["18", "MÜ"])
    assert device["shift"] == {"days": [1, 5], "from": "06:00", "until": "14:30"}
    page = lead.get("/devices").text
    assert "Handgerät 7" in page and "aktiv" in page
    assert code not in page and code not in lead.get(f"/devices/{device['id']}").text


def test_what_a_device_said_last_is_in_the_list(street: Street, lead: Visitor) -> None:
    phone, device_id = street.phone("Handgerät 7")
    day = street.store.today().isoformat()
    phone.contact(waiting=12, quarantined=3, lookups={day: 41}, now=int(time.time()) - 7200)
    page = lead.get("/devices").text
    assert ">12<br>" in page and "Zurückgewiesen: 3" in page
    assert "Uhr geht falsch: 2 Stunden" in page or "Uhr geht falsch: 1 Stunde" in page
    assert "<dd>41</dd>" in lead.get(f"/devices/{device_id}").text
    start = lead.get().text
    assert "Prüfungen noch auf Geräten" in start and ">12</dd>" in start


def test_when_it_was_heard_of_and_how_old_its_oldest_list_is_stand_in_its_row(street: Street, lead: Visitor) -> None:
    phone, device_id = street.phone("Handgerät 7")

    def row() -> list[str]:
        found = lead.get("/devices").text.partition("<tbody>")[2].partition("</tbody>")[0]
        return [re.sub(r"<[^>]*>", " ", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", found, re.DOTALL)]

    assert row() == ["aktiv", "noch keiner", "0", "–"]
    now, devices = int(time.time()), street.devices.store
    lists = {street.city.list_uri: now - 2 * 3600 - 60, "https://karten.example/status/2": now}
    phone.contact(status_lists=lists, waiting=12)
    with write_transaction(devices.engine) as connection:
        connection.execute(update(devices.tables.devices).values(last_contact_at=now - 5 * 60 - 30))
    assert row() == ["aktiv", "vor 5 Minuten", "12", "2 Stunden"]
    page = lead.get(f"/devices/{device_id}").text
    assert (
        "<dt>Letzter Kontakt</dt><dd>vor 5 Minuten</dd>" in page
        and "<dt>Stand der Listen</dt><dd>2 Stunden</dd>" in page
    )


ORDERS = {
    "suspend": (DeviceState.SUSPENDED, "angehalten"),
    "revoke": (DeviceState.REVOKED, "beendet"),
    "wipe": (DeviceState.WIPED, "gelöscht"),
}


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_takes_effect_at_once_and_is_written_down_with_who_gave_it(
    street: Street, lead: Visitor, order: str
) -> None:
    phone, device_id = street.phone("Handgerät 7")
    state, word = ORDERS[order]
    assert where(lead.post(f"/devices/{device_id}", change=order)) == f"/desk/devices/{device_id}"
    assert street.devices.one(device_id).state is state
    page = lead.get(f"/devices/{device_id}").text
    assert f"<dd>{word}</dd>" in page
    assert "<span>Karla Lange</span>" in page
    answer = phone.contact()
    assert answer.status_code == (200 if order == "suspend" else 401)


def test_a_suspension_can_be_ended_and_the_end_cannot(street: Street, lead: Visitor) -> None:
    _, device_id = street.phone("Handgerät 7")
    lead.post(f"/devices/{device_id}", change="suspend")
    lead.post(f"/devices/{device_id}", change="resume")
    assert street.devices.one(device_id).state is DeviceState.ACTIVE
    before = lead.get(f"/devices/{device_id}")
    lead.post(f"/devices/{device_id}", change="revoke")
    form = {"token": lead.token(before), "change": "resume"}
    answer = lead.send(f"/devices/{device_id}", form)
    assert answer.status_code == 422 and "in diesem Zustand" in answer.text
    assert street.devices.one(device_id).state is DeviceState.REVOKED


def test_name_and_scope_can_be_changed_and_a_mistake_is_said_beside_what_was_filled_in(
    street: Street, lead: Visitor
) -> None:
    _, device_id = street.phone("Handgerät 7")
    page = lead.post(f"/devices/{device_id}", change="scope", name="Handgerät 8", zones="18 zu-lang!")
    assert page.status_code == 422 and 'value="18 zu-lang!"' in page.text and 'role="alert"' in page.text
    assert street.devices.one(device_id).name == "Handgerät 7"
    lead.post(f"/devices/{device_id}", change="scope", name="Handgerät 8", zones="18", type_library_card="yes")
    device = street.devices.one(device_id)
    assert (device.name, device.scope.zones, device.scope.pass_types) == ("Handgerät 8", ("18",), ("library_card",))


@pytest.mark.parametrize("path", ["/devices", "/devices/{device}", "/cases/{case}"])
def test_who_does_not_lead_may_look_and_change_nothing(street: Street, person: object, path: str) -> None:
    phone, device_id = street.phone("Handgerät 7")
    case(phone)
    visitor = person("e.kowalski")  # type: ignore[operator]
    token = visitor.token(visitor.get("/password"))
    address = path.format(device=device_id, case=sixteen("a"))
    form = {"token": token, "name": "x", "change": "revoke"}
    assert visitor.send(address, form).status_code == 403
    assert street.devices.one(device_id).state is DeviceState.ACTIVE
    assert [device.name for device in street.devices.all()] == ["Handgerät 7"]
    assert visitor.get("/cases").status_code == 403
    assert "Handgerät 7" in visitor.get("/devices").text
    assert "Neues Gerät einladen" not in visitor.get("/devices").text


@pytest.mark.parametrize(
    "path", ["/devices", "/devices/0", "/lists", "/statistics", "/cases", "/cases/x", "/cases/x/photo"]
)
def test_strangers_are_sent_to_sign_in(street: Street, path: str) -> None:
    answer = street.client.get(f"/desk{path}", follow_redirects=False)
    assert where(answer) == "/desk/sign-in"


@pytest.mark.parametrize("path", ["/devices/nobody", "/devices/%00", "/cases/nobody", f"/cases/{sixteen('z')}"])
def test_what_is_not_there_is_said_in_words(lead: Visitor, path: str) -> None:
    answer = lead.get(path)
    assert answer.status_code == 422 and "gibt es nicht" in answer.text


def test_the_desk_shows_which_device_has_fetched_a_revocation(street: Street, lead: Visitor) -> None:
    known, _ = street.phone("Handgerät 1")
    late, _ = street.phone("Handgerät 2")
    uri, newest = street.city.list_uri, street.city.now
    known.contact(status_lists={uri: newest})
    late.contact(status_lists={uri: newest - 600})
    page = lead.get("/lists").text
    row = page.partition("Sperrliste 1<")[2].partition("</tr>")[0]
    assert re.findall(r"<td[^>]*>([^<]*)</td>", row)[1:] == ["Handgerät 1", "Handgerät 2"]
    since = datetime.fromtimestamp(newest - 60, LOCAL_ZONE).strftime("%Y-%m-%dT%H:%M:%S")
    reached = lead.get(f"/lists?since={since}").text.partition('id="since"')[2]
    assert re.findall(r"<span>(Handgerät \d)</span><strong class=\"(\w*)\">", reached) == [
        ("Handgerät 1", ""), ("Handgerät 2", "alarming"),
    ]  # fmt: skip
    assert "In den veröffentlichten Listen seit" in reached
    future = datetime.fromtimestamp(newest + 3600, LOCAL_ZONE).strftime("%Y-%m-%dT%H:%M:%S")
    assert "Noch in keiner veröffentlichten Liste" in lead.get(f"/lists?since={future}").text
    assert lead.get("/lists?since=gestern").status_code == 200


def test_statistics_are_counts_by_hour_and_zone_and_name_no_device(street: Street, lead: Visitor) -> None:
    phone, _ = street.phone("Handgerät 7")
    now = int(time.time())
    refused = {"outcome": "refused", "reason": "revoked"}
    phone.post(
        "scans", {"scans": [scan("a", now), scan("b", now), scan("c", now, **refused), scan("d", now, zone=None)]}
    )
    page = lead.get("/statistics").text
    rows = [re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", row) for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)]
    hour = f"{datetime.fromtimestamp(now - now % 900, LOCAL_ZONE):%H}:00"
    assert [hour, "A12", "Code", "Bewohnerparkausweis", "2", "1", "0", "0", "0", "3"] in rows
    assert [hour, "unbekannt", "Code", "Bewohnerparkausweis", "1", "0", "0", "0", "0", "1"] in rows
    assert "Handgerät" not in page
    assert "nichts geprüft" in lead.get("/statistics?day=2020-01-01").text
    assert lead.get("/statistics?day=2020-13-01").status_code == 200


def test_a_double_use_is_counted_at_a_glance(street: Street, lead: Visitor) -> None:
    phone, _ = street.phone("Handgerät 7")
    minute = int(time.time()) // MINUTE * MINUTE
    phone.post("scans", {"scans": [used("a", "permit", minute, "A1"), used("b", "permit", minute, "B1")]})
    figure = lead.get().text.partition("Prüfungen mit Doppelnutzung heute")[2].partition("</dd>")[0]
    assert figure.endswith('class="alarming">2')


def test_a_case_is_opened_by_the_lead_shown_as_text_and_can_be_closed_and_deleted(
    street: Street, lead: Visitor
) -> None:
    phone, _ = street.phone("Handgerät 7")
    case(phone, note="<b>Kein Ausweis</b>\nhinter der Scheibe")
    assert "Handgerät 7" in lead.get("/cases").text
    page = lead.get(f"/cases/{sixteen('a')}").text
    assert "&lt;b&gt;Kein Ausweis&lt;/b&gt;" in page and "Abgelehnt" in page and "D-AB 1234" in page
    photo = lead.get(f"/cases/{sixteen('a')}/photo")
    assert (photo.content, photo.headers["content-type"], photo.headers["cache-control"]) == (
        JPEG, "image/jpeg", "no-store",
    )  # fmt: skip
    assert where(lead.post(f"/cases/{sixteen('a')}", change="close")) == "/desk/cases"
    assert "erledigt" in lead.get("/cases").text
    lead.post(f"/cases/{sixteen('a')}", change="delete")
    assert "Kein Fall." in lead.get("/cases").text


def test_a_case_for_another_key_is_said_to_be_closed_to_us(street: Street, lead: Visitor) -> None:
    phone, _ = street.phone("Handgerät 7")
    case(phone)
    (street.settings.verifier_home / "cases.jwk").unlink()
    page = lead.get(f"/cases/{sixteen('a')}")
    assert page.status_code == 422 and "lässt sich nicht öffnen" in page.text


def test_a_page_in_english_stays_in_english(lead: Visitor) -> None:
    page = lead.get("/devices?lang=en").text
    assert "Invite a new device" in page and 'href="/desk/lists?lang=en"' in page


def test_spans_are_one_unit_in_words() -> None:
    assert [span(seconds, "de") for seconds in (0, 1, 59, 60, 7199, 86400, 999999)] == [
        "0 Sekunden", "1 Sekunde", "59 Sekunden", "1 Minute", "1 Stunde", "1 Tag", "11 Tage",
    ]  # fmt: skip
    assert (ago(3 * 86400, "de"), ago(-5, "en"), ago(7200, "en")) == ("vor 3 Tagen", "0 seconds ago", "2 hours ago")
