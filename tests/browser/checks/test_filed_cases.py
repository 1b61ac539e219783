"""Contested checks: encrypted on the device, the photograph drawn anew, deleted there once the desk has them."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import httpx2
import pytest
from PIL import Image

from tests.browser.checks.inspectors import Inspector, Service
from verifiers.scans.cases import CaseContent, Cases

NOTE = "Fahrer gab den Ausweis nicht aus der Hand – „später“. 🚗"


def photograph(width: int = 3000, height: int = 2000, form: str = "JPEG", **options: Any) -> str:
    """Half red, half blue, with a place and a device in its metadata, as phones write them."""
    picture = Image.new("RGB", (width, height), "red")
    picture.paste("blue", (0, 0, width // 2, height))
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Kamera AG", options.get("orientation", 1)
    exif.get_ifd(0x8825)[2] = (51.0, 13.0, 30.0)
    file = io.BytesIO()
    picture.save(file, form, exif=exif)
    return base64.b64encode(file.getvalue()).decode()


def opened(service: Service) -> list[CaseContent]:
    cases = Cases(service.store, service.settings.verifier_home)
    return [cases.open(case.id) for case in cases.all()]


def test_a_case_arrives_at_the_desk_with_what_was_shown_and_is_deleted_here(service: Service, karla: Inspector) -> None:
    judged = karla.judges(service.city.qr())
    karla.run("judging.confirmPlate", judged["nonce"], "d-ab 1234e")
    assert karla.run("fileCase", judged["nonce"], NOTE, photograph()) is None
    assert karla.queue()["cases"] == 1
    stored = json.dumps(karla.stored("cases"))
    assert "Fahrer" not in stored and "1234" not in stored
    karla.uploads()
    assert (karla.queue()["cases"], karla.stored("cases")) == (0, {})
    (case,) = opened(service)
    assert (case.note, case.plate, case.zone, case.at) == (NOTE, "D-AB 1234E", "A1", karla.now)
    assert case.verdict["outcome"] == "accepted" and case.verdict["pass_type"] == "resident_parking_permit"
    assert {"name": "zone", "label": {"de": "Zone", "en": "Zone"}, "kind": "zone", "value": "MÜ"} in case.claims


@pytest.mark.parametrize(
    ("taken", "size"),
    [
        (photograph(), (1600, 1067)),
        (photograph(orientation=6), (1067, 1600)),
        (photograph(400, 300), (400, 300)),
        (photograph(3000, 2, form="PNG"), (1600, 1)),
        (photograph(9000, 6000), (1600, 1067)),
    ],
    ids=["large", "turned", "small", "a line", "huge"],
)
def test_a_photograph_is_drawn_anew_without_what_a_camera_writes_into_it(
    service: Service, karla: Inspector, taken: str, size: tuple[int, int]
) -> None:
    karla.run("fileCase", karla.judges("WP1:nonsense")["nonce"], NOTE, taken)
    karla.uploads()
    (case,) = opened(service)
    assert case.photo is not None and b"Kamera" not in case.photo and b"Exif" not in case.photo
    picture = Image.open(io.BytesIO(case.photo))
    assert (picture.format, picture.size, dict(picture.getexif())) == ("JPEG", size, {})
    if size[1] > 1:
        red, _, blue = picture.convert("RGB").getpixel((5, 5))  # type: ignore[misc]
        assert blue > 200 and red < 60


def test_a_case_without_a_photograph_of_a_look_up(service: Service, karla: Inspector) -> None:
    noted = karla.run("judging.noteLookUp", "D-AB 1234", {"outcome": "none", "reason": "not_listed"})
    karla.run("fileCase", noted["nonce"], NOTE, None)
    karla.uploads()
    (case,) = opened(service)
    assert (case.plate, case.photo, dict(case.verdict)) == (
        "D-AB 1234",
        None,
        {"outcome": "none", "reason": "not_listed"},
    )


def test_what_is_no_picture_is_told_and_a_check_that_is_gone_too(karla: Inspector) -> None:
    nonce = karla.judges("WP1:nonsense")["nonce"]
    no_picture = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>").decode()
    assert karla.run("fileCase", nonce, NOTE, no_picture) == "photo_unreadable"
    assert karla.run("fileCase", "A" * 22, NOTE, None) == "check_gone"
    karla.is_killed()
    assert karla.run("fileCase", nonce, NOTE, None) == "check_gone"
    assert karla.queue()["cases"] == 0


def test_a_case_outlives_lost_answers_and_kills_and_is_there_once(service: Service, karla: Inspector) -> None:
    karla.run("fileCase", karla.judges("WP1:nonsense")["nonce"], NOTE, None)

    def lost(_path: str, _body: Any, post: Any) -> Any:
        post()
        raise ConnectionError

    karla.network = lost
    karla.uploads()
    karla.is_killed()
    assert (karla.queue()["cases"], len(opened(service))) == (1, 1)
    karla.network = lambda _path, _body, post: post()
    karla.uploads()
    assert (karla.queue()["cases"], len(opened(service))) == (0, 1)


def test_a_case_that_is_refused_stays_and_holds_up_no_other(service: Service, karla: Inspector) -> None:
    for number in range(3):
        karla.run("fileCase", karla.judges("WP1:nonsense")["nonce"], f"{NOTE} {number}", None)
    refused = min(karla.stored("cases"))

    def strict(path: str, body: Any, post: Any) -> Any:
        return httpx2.Response(422, json={"code": "case_malformed"}) if body.get("id") == refused else post()

    karla.network = strict
    karla.uploads()
    assert (list(karla.stored("cases")), len(opened(service))) == ([refused], 2)
    karla.network = lambda _path, _body, post: post()
    karla.uploads()
    assert karla.queue()["cases"] == 1
    karla.is_killed()
    karla.uploads()
    assert (karla.queue()["cases"], len(opened(service))) == (0, 3)


def test_a_note_of_any_length_is_one_the_desk_can_read(service: Service, karla: Inspector) -> None:
    karla.run("fileCase", karla.judges("WP1:nonsense")["nonce"], "🚗" * 2500, None)
    karla.uploads()
    assert [case.note for case in opened(service)] == ["🚗" * 2000]
