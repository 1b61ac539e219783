"""Double use: told at once on one device, by the service on the others, and compared under keys of the day only."""

from __future__ import annotations

import hmac
import random
from base64 import urlsafe_b64encode

from tests.browser.checks.inspectors import Inspector, Service, permit
from tests.verifiers.sample_city import TYPES
from tests.verifiers.scans.desk_of_scans import DAY, MINUTE, day_of
from verifiers.scans.double_use import SeenUse, double_uses

PLACES, PLATES = "two_places", "two_plates"


def test_a_permit_in_another_zone_within_minutes_is_told_at_once_and_without_a_network(
    service: Service, karla: Inspector
) -> None:
    text, began = permit(service), karla.now
    assert karla.at(zone="A1").judges(text)["warnings"] == []
    assert karla.at(zone="A1", seconds=MINUTE).judges(text)["warnings"] == []
    judged = karla.at(zone="B1", seconds=5 * MINUTE).judges(text)
    at = began + MINUTE
    assert judged["warnings"] == [{"kind": PLACES, "nonce": judged["nonce"], "at": at - at % MINUTE, "zone": "A1"}]
    assert karla.at(zone=None).judges(text)["warnings"] == []
    assert karla.at(zone="C1").judges(permit(service, 8))["warnings"] == []
    assert karla.at(zone="A1", seconds=22 * MINUTE).judges(text)["warnings"] == []


def test_a_refused_code_and_a_type_that_belongs_to_no_car_are_no_use(service: Service, karla: Inspector) -> None:
    karla.gets_key(day_of(karla.now))
    expired = service.city.qr(valid_until=service.city.now - DAY, valid_from=service.city.now - 2 * DAY)
    assert karla.judges(expired)["verdict"]["reason"] == "expired"
    card = service.city.qr(pass_type=TYPES.named("library_card"), claims={"card_number": "D1234567"})
    assert karla.judges(card)["verdict"]["outcome"] == "accepted"
    assert karla.stored("uses") == {}
    assert [scan["use"] for scan in karla.stored("scans").values()] == [None, None]


def test_a_device_for_another_type_sees_no_claims_and_counts_the_check(service: Service, karla: Inspector) -> None:
    karla.scope = ["library_card"]
    karla.is_killed()
    judged = karla.judges(permit(service))
    assert (judged["inScope"], judged["claims"], judged["verdict"]["outcome"]) == (False, [], "accepted")
    assert judged["passType"]["name"] == "resident_parking_permit"
    assert karla.judges("WP1:nonsense")["inScope"] is True
    assert karla.queue()["waiting"] == 2


def test_devices_and_the_service_find_the_same_double_uses(karla: Inspector) -> None:
    """Both are given the same uses of one permit; of two others that are as near, either may be named."""
    chance, groups = random.Random(5), []
    for _ in range(400):
        minutes = [chance.choice(range(40)) for _ in range(chance.randrange(1, 9))]
        groups.append(
            [
                (number, MINUTE * minute, chance.choice([None, "A1", "B1"]), chance.choice([None, "p", "q"]))
                for number, minute in enumerate(minutes)
            ]
        )
    found = karla.page.evaluate(
        "async (groups) => { const { doubleUses } = await import('/try/tests/checks.mjs');"
        " const use = ([nonce, at, zone, plate]) => ({ nonce, at, zone, plate });"
        " return groups.map((group) => { const uses = group.map(use);"
        " return uses.flatMap((use) => doubleUses(use, uses.filter((other) => other !== use), 900))"
        ".map(({ nonce, kind, at }) => [nonce, kind, at]); }); }",
        groups,
    )
    for group, told in zip(groups, found, strict=True):
        seen = [SeenUse(bytes([n]), at, zone, plate and plate.encode(), "one") for n, at, zone, plate in group]
        expected = {(use.nonce[0], kind): abs(other.at - use.at) for use, kind, other in double_uses(seen, 900)}
        assert {(n, kind): abs(at - group[n][1]) for n, kind, at in told} == expected


def test_two_plates_on_a_day_are_told_and_a_killed_app_remembers_the_first(service: Service, karla: Inspector) -> None:
    text = permit(service)
    first = karla.judges(text)
    assert karla.run("judging.confirmPlate", first["nonce"], "D-AB 1234") == []
    karla.is_killed()
    second = karla.at(seconds=3600).judges(text)
    assert karla.run("judging.confirmPlate", second["nonce"], "DA-B 1234") == []
    (warning,) = karla.run("judging.confirmPlate", second["nonce"], "D-ÄB 1234")
    assert (warning["kind"], warning["nonce"]) == (PLATES, second["nonce"])
    assert karla.run("judging.confirmPlate", second["nonce"], "D-ÄB 1234") == []
    assert karla.run("judging.confirmPlate", second["nonce"], "kein Kennzeichen!") == "bad_plate"
    assert karla.run("judging.confirmPlate", "A" * 22, "D-AB 1234") == "check_gone"


def test_with_the_days_key_the_service_tells_other_devices_and_each_only_once(
    service: Service, karla: Inspector, jonas: Inspector
) -> None:
    today, text = day_of(karla.now), permit(service)
    for inspector in (karla, jonas):
        inspector.gets_key(today, b"k" * 32)
    mine = karla.at(zone="A1").judges(text)
    karla.uploads()
    theirs = jonas.at(zone="B1").judges(text)
    assert theirs["warnings"] == []
    (warning,) = jonas.uploads()
    assert (warning["kind"], warning["nonce"], warning["zone"]) == (PLACES, theirs["nonce"], "A1")
    karla.judges("WP1:nonsense")
    (warning,) = karla.uploads()
    assert (warning["kind"], warning["nonce"], warning["zone"]) == (PLACES, mine["nonce"], "B1")
    for inspector in (karla, jonas):
        inspector.is_killed()
        inspector.judges("WP1:nonsense")
        assert inspector.uploads() == []


def test_what_was_told_at_once_is_not_told_again_by_the_service(service: Service, karla: Inspector) -> None:
    karla.gets_key(day_of(karla.now))
    text = permit(service)
    karla.at(zone="A1").judges(text)
    judged = karla.at(zone="B1").judges(text)
    assert len(judged["warnings"]) == 1
    assert [warning["nonce"] for warning in karla.uploads()] != [judged["nonce"]]
    assert len(service.rows("warnings")) == 2


def test_without_the_days_key_no_use_is_reported_and_with_it_nothing_but_digests(
    service: Service, karla: Inspector
) -> None:
    text = permit(service)
    karla.judges(text)
    karla.gets_key(day_of(karla.now), b"k" * 32)
    judged = karla.judges(text)
    karla.run("judging.confirmPlate", judged["nonce"], "D-AB 1234")
    karla.uploads()
    (use,) = service.rows("uses")
    assert use.digest == _digest(b"k" * 32, b"use" + b"\x07" * 8)
    assert use.plate == _digest(b"k" * 32, b"plateDAB1234")
    assert len(service.nonces()) == 2
    own = karla.page.evaluate(
        "async () => (await device.stored('uses')).filter(([name]) => name.startsWith('key '))"
        ".map(([, { key }]) => [key.extractable, key.usages])"
    )
    assert own == [[False, ["sign"]]]
    seen = [value["digest"] for name, value in karla.stored("uses").items() if name.startswith("seen ")]
    assert len(seen) == 2 and _text(use.digest) not in seen


def test_a_plate_that_is_confirmed_after_the_upload_is_sent_too_and_while_it_is_sent(
    service: Service, karla: Inspector
) -> None:
    karla.gets_key(day_of(karla.now), b"k" * 32)
    first = karla.judges(permit(service))
    karla.uploads()
    karla.run("judging.confirmPlate", first["nonce"], "D-AB 1234")
    assert karla.queue()["waiting"] == 1
    karla.uploads()
    second = karla.judges(permit(service, 8))
    karla.page.evaluate(
        "([nonce]) => { const post = device.post; device.post = async (path, body) => {"
        " device.post = post; const answer = await post.call(device, path, body);"
        " await device.judging.confirmPlate(nonce, 'D-XY 1'); return answer; }; }",
        [second["nonce"]],
    )
    karla.uploads()
    assert karla.queue()["waiting"] == 0
    assert [row.plate for row in service.rows("uses")].count(None) == 0
    assert (len(service.rows("uses")), service.counted()) == (2, 2)


def test_another_key_meanwhile_reports_no_plate_under_it(service: Service, karla: Inspector) -> None:
    today = day_of(karla.now)
    karla.gets_key(today, b"k" * 32)
    judged = karla.judges(permit(service))
    karla.gets_key(today, b"r" * 32, "fedcba9876543210")
    karla.run("judging.confirmPlate", judged["nonce"], "D-AB 1234")
    karla.uploads()
    assert [row.plate for row in service.rows("uses")] == [None]


def test_when_the_day_is_over_its_uses_and_their_key_are_gone(service: Service, karla: Inspector) -> None:
    text = permit(service)
    first = karla.judges(text)
    karla.run("judging.confirmPlate", first["nonce"], "D-AB 1234")
    assert {name.split()[0] for name in karla.stored("uses")} == {"seen", "key"}
    karla.at(zone="B1", seconds=DAY)
    assert karla.judges(text)["warnings"] == []
    assert {value["day"] for value in karla.stored("uses").values()} == {day_of(karla.now)}
    assert len(karla.stored("uses")) == 2
    assert karla.run("judging.confirmPlate", first["nonce"], "D-AB 1234") == "check_gone"


def _digest(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")[:16]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
