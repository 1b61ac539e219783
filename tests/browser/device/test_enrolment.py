"""Becoming a device: with the right anchor only, with keys that no script can read, and a token worth nothing alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.browser.device.conftest import Service
from tests.browser.device.phone import PIN, BrowserPhone
from verifiers.devices.device import DeviceState
from verifiers.devices.scope import read_scope

MakePhone = Callable[[], BrowserPhone]


def test_a_phone_is_enrolled_hears_from_the_service_and_is_heard(phone: MakePhone, service: Service) -> None:
    fresh = phone().starts()
    assert fresh.state == "new"
    assert fresh.enrols(service.invites(read_scope(["resident_parking_permit"], ["7"]))) is None
    fresh.run("until(() => session.ages().statusLists.length > 0)")
    assert fresh.run("[session.state, session.opening, session.device.name]") == ["open", "pin", "Handy 7"]
    assert fresh.run("session.passTypes()") == [
        {
            "name": "resident_parking_permit",
            "labels": {"de": "Bewohnerparkausweis", "en": "Resident parking permit"},
            "category": "parking",
        }
    ]
    assert fresh.run("session.zones()") == ["7"]
    ages = fresh.run("session.ages()")
    assert ages["trustList"]["version"] == service.city.version and ages["plateList"] is None
    assert ages["statusLists"] == [{"uri": service.city.list_uri, "issuedAt": service.city.now}]
    assert abs(fresh.run("session.clock.difference")) <= 1
    assert fresh.contacts() is None and fresh.contacts() is None  # the first may have been under way before
    device = service.devices.one(fresh.run("session.device.id"))
    assert device.state is DeviceState.ACTIVE
    assert device.reported["status_lists"] == {service.city.list_uri: service.city.now}
    assert device.reported["trust_list_version"] == service.city.version
    assert fresh.complaints == []


def test_a_restarted_app_is_closed_until_its_pin_is_given(phone: MakePhone, service: Service) -> None:
    known = phone().enrolled(service.invites()).starts()
    assert known.state == "closed" and known.run("session.passTypes().length") > 1
    assert known.contacts() == "closed"
    assert known.unlocks() is None and known.state == "open"
    known.run("session.close()")
    assert known.state == "closed" and known.unlocks() is None


def test_an_anchor_that_the_invitation_does_not_name_is_refused_and_nothing_is_kept(
    phone: MakePhone, service: Service
) -> None:
    lured = phone().starts()
    link = service.invites()
    assert lured.enrols(re.sub(r".{43}$", "A" * 43, link)) == "anchor_mismatch"
    assert lured.state == "new" and lured.keys_of("identity") == [] and lured.keys_of("settings") == []
    assert lured.enrols(link) is None, "the same phone may ask again with the right one"


@pytest.mark.parametrize("answer", ["", "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n", "null"])
def test_an_anchor_that_is_none_is_refused(phone: MakePhone, service: Service, answer: str) -> None:
    lured = phone().starts()
    lie = f'"anchor":"{answer}"'.encode()
    service.meddler.changes("enrolment", lambda body: re.sub(rb'"anchor":"[^"]*"', lambda _: lie, body))
    assert lured.enrols(service.invites()) == "anchor_mismatch"
    assert lured.keys_of("identity") == []


def test_a_link_that_invites_to_nothing_here_is_refused_before_anything_is_sent(
    phone: MakePhone, service: Service
) -> None:
    asked, good = phone().starts(), service.invites()
    service.meddler.asked.clear()
    code = "invitation_invalid"
    for link, expected in (
        ("", code),
        ("x", code),
        (good.partition("#")[0], code),
        (good + "A", code),
        (good.replace(".", "", 1) if "." in good.partition("#")[2] else good, code),
        (good.replace("#enrol=", "#enrol=<script>"), code),
        (good.replace(service.address, "https://evil.example"), "invitation_elsewhere"),
    ):
        assert asked.enrols(link) == expected, link
    assert asked.enrols(good, "12345") == "pin_short" == asked.enrols(good, "12345x")
    assert service.meddler.asked == []


def test_a_used_code_is_refused_with_the_services_word(phone: MakePhone, service: Service) -> None:
    link = service.invites()
    phone().enrolled(link)
    late = phone().starts()
    assert late.enrols(link) == "enrolment_refused" and late.state == "new"


def test_a_lost_answer_is_asked_for_again_with_the_same_keys(phone: MakePhone, service: Service) -> None:
    unlucky, link = phone().starts(), service.invites()
    service.meddler.changes("enrolment", lambda body: None if b'"token"' in body else body)
    assert unlucky.enrols(link) == "no_contact"
    service.meddler.rest()
    assert unlucky.enrols(link) is None and unlucky.contacts() is None


def test_the_keys_of_the_device_cannot_be_read(phone: MakePhone, service: Service) -> None:
    known = phone().enrolled(service.invites())
    found = known.run("""(async () => {
      const { keys, seal } = await (await Store.open()).get("identity", "device");
      const all = [keys.signing.privateKey, keys.agreement.privateKey, seal.key];
      const read = await Promise.all(all.flatMap((key) => ["jwk", "pkcs8", "raw"].map((form) =>
        crypto.subtle.exportKey(form, key).then(() => "read", () => "refused"))));
      return [all.map((key) => key.extractable), [...new Set(read)]];
    })()""")
    assert found == [[False, False, False], ["refused"]]


def test_no_token_and_no_pin_lies_readable_in_the_store(phone: MakePhone, service: Service) -> None:
    known = phone().enrolled(service.invites())
    everything = known.run("""(async () => {
      const store = await Store.open();
      const { KINDS } = await module("store.js");
      const written = (_, value) => value instanceof Uint8Array ? new TextDecoder("latin1").decode(value) : value;
      const all = await Promise.all(KINDS.map(async (kind) => [...await store.all(kind)]));
      return JSON.stringify(all, written) + JSON.stringify({...localStorage}) + document.cookie;
    })()""")
    assert "wpd_" not in everything and PIN not in everything and "desk_key" in everything


def test_a_token_copied_to_another_browser_is_worth_nothing(phone: MakePhone, service: Service) -> None:
    owner, thief = phone().enrolled(service.invites()), phone().starts()
    with owner.page.expect_request("**/api/v1/device/contact") as sent:
        owner.contacts()
    headers = sent.value.headers
    answers = thief.run(
        """(async () => {
      const { ProvedRequests } = await module("dpop.js");
      const { publicJwk } = await module("jwk.js");
      const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
      const own = { privateKey: pair.privateKey, jwk: await publicJwk(pair.publicKey) };
      const replayed = await fetch("/api/v1/device/contact", {
        method: "POST", body: "{}", headers: { ...given, "Content-Type": "application/json" } });
      return [
        (await outcome(() => new ProvedRequests(own, given.authorization.slice(5)).post("contact", {}))).code,
        (await replayed.json()).code,
      ];
    })()""",
        {"authorization": headers["authorization"], "dpop": headers["dpop"]},
    )
    assert answers == ["dpop_proof_invalid", "dpop_proof_invalid"]
