"""The keys of a day on the device: no script reads them, and outside the shift there are none."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime

from tests.browser.device.conftest import Service
from tests.browser.device.phone import BrowserPhone
from verifiers.devices.day_keys import DayKeys
from verifiers.devices.scope import read_scope
from verifiers.known import Known
from verifiers.plates import today_and_tomorrow
from walletpass.passes import LOCAL_ZONE

MakePhone = Callable[..., BrowserPhone]
KEYS = """(async () => {
  const found = [...(await (await Store.open()).all("keys")).values()];
  return Promise.all(found.map(async ({ kind, day, kid, key }) => {
    const code = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode("use"));
    const read = await crypto.subtle.exportKey("raw", key).then(() => "read", () => "refused");
    return [kind, day, kid, [...new Uint8Array(code)], key.extractable, key.usages, read];
  }));
})()"""


def shift_around_now() -> str:
    """A shift that has begun and ends in two to three minutes, on all days."""
    begins, ends = (
        datetime.fromtimestamp(time.time() + seconds, UTC).astimezone(LOCAL_ZONE) for seconds in (-3600, 180)
    )
    return f"1234567 {begins:%H:%M}-{ends:%H:%M}"


def test_keys_of_today_and_tomorrow_are_those_of_the_service_and_cannot_be_read(
    phone: MakePhone, service: Service
) -> None:
    known = phone().enrolled(service.invites())
    today, tomorrow = today_and_tomorrow(int(time.time()))
    keys = DayKeys(service.devices.store, Known(service.settings)).use_keys(today, tomorrow)
    found = known.run(KEYS)
    assert [(kind, day) for kind, day, *_ in found] == [("use", today.isoformat()), ("use", tomorrow.isoformat())]
    for (_, _, kid, code, *rest), key in zip(found, keys.values(), strict=True):
        assert bytes(code) == hmac.digest(key, b"use", "sha256") and len(kid) == 16
        assert rest == [False, ["sign"], "refused"]


def test_at_the_shifts_end_the_keys_are_deleted_by_the_clock(phone: MakePhone, service: Service) -> None:
    known = phone(waits_quickly=True).enrolled(service.invites(read_scope([], [], shift_around_now())))
    assert len(known.keys_of("keys")) == 2
    known.context.set_offline(True)
    known.waits(200)
    known.run("until(async () => (await (await Store.open()).count('keys')) === 0)")


def test_an_app_that_was_shut_over_the_shifts_end_deletes_them_when_it_opens(
    phone: MakePhone, service: Service
) -> None:
    known = phone(waits_quickly=True).enrolled(service.invites(read_scope([], [], shift_around_now())))
    assert len(known.keys_of("keys")) == 2
    known.starts(at=time.time() + 200)
    assert known.state == "closed" and known.keys_of("keys") == []


def test_yesterdays_keys_are_deleted_when_the_app_opens(phone: MakePhone, service: Service) -> None:
    known = phone().enrolled(service.invites())
    assert len(known.keys_of("keys")) == 2
    known.starts(at=time.time() + 3 * 86400)
    assert known.keys_of("keys") == []


def test_a_scope_whose_shift_is_over_takes_the_keys_away(phone: MakePhone, service: Service) -> None:
    known = phone().enrolled(service.invites())
    assert len(known.keys_of("keys")) == 2
    weekday = (datetime.now(UTC).isoweekday() + 2) % 7 + 1
    service.devices.set_scope(known.run("session.device.id"), read_scope([], [], f"{weekday} 12:00-12:01"))
    assert known.contacts() is None and known.keys_of("keys") == []


def test_a_key_for_somebody_else_is_passed_over(phone: MakePhone, service: Service) -> None:
    known, other = phone().enrolled(service.invites()), phone().enrolled(service.invites())
    sent = other.run("""(async () => {
      const { encryptFor } = await module("jwe.js");
      const { keys } = await (await Store.open()).get("identity", "device");
      return encryptFor(keys.agreement.jwk, crypto.getRandomValues(new Uint8Array(32)));
    })()""")
    taken = known.run(
        """(async () => {
      const { DayKeys } = await module("day_keys.js");
      const store = await Store.open();
      const { keys } = await store.get("identity", "device");
      const day = "2999-01-01";
      const mine = new DayKeys(store, () => 0);
      await mine.take({ use: [{ day, kid: "0", jwe: given }, { day, kid: "1", jwe: "x" }] }, keys.agreement.privateKey);
      return mine.of("use", day);
    })()""",
        sent,
    )
    assert taken is None and len(known.keys_of("keys")) == 2
