"""Opening the app: a PIN that is counted before it is judged, a passkey that is verified on the device itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.device.conftest import Service
from tests.browser.device.phone import PIN, BrowserPhone, give_authenticator

MakePhone = Callable[[], BrowserPhone]
WRONG = "314159"


def closed(phone: BrowserPhone, service: Service) -> BrowserPhone:
    return phone.enrolled(service.invites()).starts()


def test_five_wrong_pins_make_growing_pauses_that_outlive_a_restart(phone: MakePhone, service: Service) -> None:
    known = closed(phone(), service)
    assert [known.unlocks(WRONG) for _ in range(4)] == ["pin_wrong"] * 4
    first = known.run("outcome(() => session.unlock({pin: given}))", WRONG)
    now = known.now
    assert first["code"] == "pin_wrong" and 20 < first["again"] - now <= 30
    assert known.unlocks(PIN) == "pin_paused", "not even the right one"
    known.starts()
    assert known.unlocks(PIN) == "pin_paused"
    waits = []
    for _ in range(4):
        known.sets_clock(known.now + 601)
        refused = known.run("outcome(() => session.unlock({pin: given}))", WRONG)
        waits.append(round(refused["again"] - known.now, -1))
    assert waits == [60, 120, 300, 600]
    known.sets_clock(known.now - 86400)
    paused = known.run("outcome(() => session.unlock({pin: given}))", PIN)
    assert paused["code"] == "pin_paused" and paused["again"] - known.now <= 600


def test_the_right_pin_forgives_the_wrong_ones(phone: MakePhone, service: Service) -> None:
    known = closed(phone(), service)
    for _ in range(2):
        assert [known.unlocks(WRONG) for _ in range(4)] == ["pin_wrong"] * 4
        assert known.unlocks() is None
        known.run("session.close()")


def wears_out(phone: BrowserPhone) -> list[str | None]:
    """Ten wrong PINs, each after its pause."""
    codes = []
    for _ in range(10):
        codes.append(phone.unlocks(WRONG))
        phone.sets_clock(phone.now + 601)
    return codes


def test_ten_wrong_pins_destroy_token_and_keys_and_what_waits_stays(phone: MakePhone, service: Service) -> None:
    known = closed(phone(), service)
    known.run("(async () => (await Store.open()).put('scans', 'one', {kept: true}))()")
    assert wears_out(known) == ["pin_wrong"] * 9 + ["pin_destroyed"]
    assert known.state == "ended" and known.unlocks() == "ended"
    assert known.keys_of("identity") == known.keys_of("keys") == []
    assert known.keys_of("scans") == ["one"]
    known.starts()
    assert known.state == "ended"
    known.sets_clock(time.time())
    assert known.enrols(service.invites()) is None and known.state == "open"
    assert known.keys_of("scans") == ["one"]


def test_a_right_pin_after_the_tenth_wrong_one_opens_nothing(phone: MakePhone, service: Service) -> None:
    """The app may be killed after the tenth was counted and before anything was deleted."""
    known = closed(phone(), service)
    known.run("(async () => (await Store.open()).put('identity', 'attempts', {failures: 10, freeAt: 0}))()")
    assert known.unlocks() == "pin_destroyed" and known.keys_of("identity") == []


def test_a_try_that_cannot_be_counted_is_none(phone: MakePhone, service: Service) -> None:
    known = closed(phone().has_little_room(), service)
    known.fills_up()
    assert known.unlocks(WRONG) == "store_full" == known.unlocks()
    assert known.keys_of("identity") == ["device"] and known.state == "closed"


def with_passkey(phone: BrowserPhone, service: Service) -> tuple[BrowserPhone, Any, str]:
    phone.starts()
    session, authenticator = give_authenticator(phone.page)
    assert phone.refusal("session.enrol(given, {passkey: true})", service.invites()) is None
    phone.run("until(() => session.ages().statusLists.length > 0)")
    assert phone.run("[session.state, session.opening]") == ["open", "passkey"]
    phone.run("session.close()")
    return phone, session, authenticator


OPEN = "session.unlock({passkey: true})"


def test_a_passkey_opens_the_app_each_time_anew(phone: MakePhone, service: Service) -> None:
    known, _, _ = with_passkey(phone(), service)
    for _ in range(2):
        assert known.refusal(OPEN) is None and known.state == "open" and known.contacts() is None
        known.run("session.close()")
    assert known.unlocks() is None, "there is no PIN: the authenticator is asked all the same"


def test_a_passkey_whose_owner_is_not_verified_opens_nothing(phone: MakePhone, service: Service) -> None:
    known, session, authenticator = with_passkey(phone(), service)
    session.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    assert known.refusal(OPEN) == "passkey_refused" and known.state == "closed"
    session.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": True})
    assert known.refusal(OPEN) is None


def test_another_authenticator_opens_nothing(phone: MakePhone, service: Service) -> None:
    known, session, authenticator = with_passkey(phone(), service)
    session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": authenticator})
    give_authenticator(known.page)
    known.run("Object.assign(window, {patience: AbortSignal.timeout(1)})")
    assert known.refusal(OPEN) == "passkey_refused"


# What an assertion could be that is not this one's; each is made from a good one, between the browser and the app.
LIES = {
    "another challenge": "client.challenge = 'AAAA'",
    "another origin": "client.origin = 'https://evil.example'",
    "inside another page": "client.crossOrigin = true",
    "a registration": "client.type = 'webauthn.create'",
    "another party": "authenticator[0] ^= 1",
    "nobody verified": "authenticator[32] &= ~4",
    "nobody present": "authenticator[32] &= ~1",
    "an old count": "authenticator.fill(0, 33, 37)",
    "cut off": "cut = 36",
    "another signature": "signature[signature.length - 1] ^= 1",
    "no signature": "signature = new Uint8Array()",
    "another passkey": "rawId[0] ^= 1",
}
_LIAR = """(() => {
  const genuine = navigator.credentials.get.bind(navigator.credentials);
  navigator.credentials.get = async (options) => {
    const found = await genuine(options);
    const answer = found.response;
    let client = JSON.parse(new TextDecoder().decode(answer.clientDataJSON));
    let [authenticator, signature, rawId] =
      [answer.authenticatorData, answer.signature, found.rawId].map((part) => new Uint8Array(part.slice(0)));
    let cut = authenticator.length;
    const same = new TextDecoder().decode(answer.clientDataJSON);
    const told = JSON.stringify(client);
    LIE;
    const json = JSON.stringify(client) === told ? same : JSON.stringify(client);
    const lies = { clientDataJSON: new TextEncoder().encode(json).buffer,
      authenticatorData: authenticator.slice(0, cut).buffer, signature: signature.buffer };
    const lying = (target, changed) => new Proxy(target, { get: (of, name) =>
      name in changed ? changed[name] : typeof of[name] === "function" ? of[name].bind(of) : of[name] });
    return lying(found, { rawId: rawId.buffer, response: lying(answer, lies) });
  };
})()"""


@pytest.fixture(scope="module")
def liar(browser: Any, service: Service) -> Any:
    phone = BrowserPhone(browser, service.address)
    yield with_passkey(phone, service)[0]
    phone.context.close()


@pytest.mark.parametrize("lie", LIES.values(), ids=list(LIES))
def test_an_assertion_that_is_not_this_one_opens_nothing(liar: BrowserPhone, lie: str) -> None:
    liar.run("window.truth ??= navigator.credentials.get.bind(navigator.credentials)")
    liar.run("Object.assign(navigator.credentials, {get: truth})")
    liar.page.evaluate(_LIAR.replace("LIE", lie))
    assert liar.refusal(OPEN) == "passkey_refused" and liar.state == "closed"
    liar.run("Object.assign(navigator.credentials, {get: truth})")
    liar.page.evaluate(_LIAR.replace("LIE;", ""))
    assert liar.refusal(OPEN) is None, "the lying itself is sound"
    liar.run("session.close()")
