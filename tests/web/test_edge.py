"""The shared edge around a small app of its own: problems, limits, headers, logs, health and figures."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from functools import partial

import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from keys.errors import WalletPassError
from web import envelope
from web.browser import packages
from web.edge import JSON_LIMIT, AddressTaken, fit_edge, serve
from web.limits import BodiesBusy, BodyRoom, RateLimit, TooManyRequests, caller_address


class BadZone(WalletPassError):
    code = "bad_zone"


class Unforeseen(WalletPassError):
    code = "in_no_table"


class Body(BaseModel):
    zone: str


def build(missing: list[str]) -> FastAPI:
    app = FastAPI()

    @app.get("/fails/{how}")
    def fails(how: str) -> None:
        raise {
            "foreseen": BadZone("There is no zone Q."),
            "unmapped": Unforeseen("Nobody mapped this."),
            "accident": RuntimeError("the secret is 1234"),
            "often": TooManyRequests(17),
            "teapot": HTTPException(418),
        }[how]

    @app.post("/zones")
    def zones(body: Body) -> str:
        return body.zone

    @app.post("/large/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    fit_edge(app, {"bad_zone": 422}, lambda: missing, {"/large/": JSON_LIMIT * 4})
    return app


@pytest.fixture
def missing() -> list[str]:
    return []


@pytest.fixture
def client(missing: list[str]) -> TestClient:
    return TestClient(build(missing))


def test_a_foreseen_error_is_a_problem_document_with_its_code(client: TestClient) -> None:
    answer = client.get("/fails/foreseen")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:walletpass:problem:bad_zone",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "There is no zone Q.",
        "code": "bad_zone",
    }


def test_a_code_in_no_table_is_our_own_fault(client: TestClient) -> None:
    assert client.get("/fails/unmapped").status_code == 500


def test_an_accident_is_answered_without_a_word_of_it_and_counted(client: TestClient) -> None:
    answer = client.get("/fails/accident")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "1234" not in answer.text
    assert 'route="/fails/{how}",status="500"} 1.0' in client.get("/metrics").text


def test_other_errors_have_codes_and_headers_too(client: TestClient) -> None:
    assert client.get("/fails/often").headers["retry-after"] == "17"
    assert client.get("/fails/teapot").status_code == 418
    assert client.get("/").json()["code"] == "not_found"
    assert client.get("/zones").headers["allow"] == "POST"


def test_a_body_of_another_form_names_the_field_and_repeats_no_value(client: TestClient) -> None:
    answer = client.post("/zones", json={"zone": {"name": "Anna Müller"}})
    assert answer.json()["errors"] == [{"field": "body.zone", "problem": "Input should be a valid string"}]
    assert "Anna" not in answer.text
    assert client.post("/zones", content=b'{"zone": ').status_code == 422


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(0, size, 1024):
        yield b"x" * 1024


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/large/echo", JSON_LIMIT * 4, 200),
        ("/large/echo", JSON_LIMIT * 4 + 1024, 413),
        ("/zones", JSON_LIMIT + 1024, 413),
    ],
)
def test_a_body_is_limited_whether_its_length_is_announced_or_not(
    client: TestClient, path: str, size: int, status: int
) -> None:
    assert client.post(path, content=b"x" * size).status_code == status
    assert client.post(path, content=chunks(size)).status_code == status


def test_a_length_that_lies_or_is_none_is_refused(client: TestClient) -> None:
    for length in ("99999999999999999999999999", "-1", "1e3", "x"):
        assert client.post("/zones", content=b"{}", headers={"content-length": length}).status_code == 413


def test_bodies_take_up_no_more_memory_together_than_is_set_aside() -> None:
    room = BodyRoom(100)
    with room.taken() as one:
        one(60)
        with room.taken() as other:
            other(40)
            with pytest.raises(BodiesBusy):
                other(1)
        with room.taken() as next_one:
            next_one(40)  # what the request before had is free again
    with room.taken() as alone, pytest.raises(BodiesBusy):
        alone(101)


def test_a_body_for_which_there_is_no_room_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "BodyRoom", partial(BodyRoom, 1000))
    client = TestClient(build([]))
    answer = client.post("/large/echo", content=bytes(1001))
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "bodies_busy", "5")
    assert client.post("/large/echo", content=bytes(1000)).json() == 1000


def test_readiness_names_what_is_missing_and_health_does_not_care(client: TestClient, missing: list[str]) -> None:
    assert client.get("/readyz").json() == {"status": "ok", "missing": []}
    missing.append("database")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["missing"]) == (503, ["database"])
    assert client.get("/healthz").status_code == 200


def test_two_apps_in_one_process_keep_their_own_figures() -> None:
    one, other = TestClient(build([])), TestClient(build([]))
    one.get("/healthz")
    assert 'route="/healthz"' in one.get("/metrics").text
    assert 'route="/healthz"' not in other.get("/metrics").text


def test_every_answer_has_an_id_of_its_own(client: TestClient) -> None:
    ids = {client.get(path).headers["x-request-id"] for path in ("/healthz", "/none", "/fails/accident")}
    assert len(ids) == 3


def test_a_caller_has_so_many_requests_and_others_have_theirs() -> None:
    limit = RateLimit(2)
    for caller in ("a", "a", "b"):
        limit.take(caller)
    with pytest.raises(TooManyRequests) as refusal:
        limit.take("a")
    assert 1 <= refusal.value.retry_after <= 61
    limit.take("b")


def test_a_limit_may_be_of_another_span() -> None:
    now = 0.0
    limit = RateLimit(1, lambda: now, span=3600)
    limit.take("a")
    now = 3000
    with pytest.raises(TooManyRequests) as refusal:
        limit.take("a")
    assert refusal.value.retry_after == 600
    now = 3600
    limit.take("a")


def test_a_minute_is_any_minute_and_what_was_refused_does_not_count() -> None:
    now = 0.0
    limit = RateLimit(2, lambda: now)
    limit.take("a")
    now = 50
    limit.take("a")
    for now in (51, 59):
        with pytest.raises(TooManyRequests) as refusal:
            limit.take("a")
        assert refusal.value.retry_after == 60 - now
    now = 60
    limit.take("a")
    with pytest.raises(TooManyRequests):
        limit.take("a")
    now = 110
    limit.take("a")


def test_callers_without_end_cost_no_memory_without_end() -> None:
    limit = RateLimit(1)
    for caller in range(6000):
        limit.take(str(caller))
    assert len(limit._callers) == 4096


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_one_household_is_one_caller(host: str, counted: str) -> None:
    assert caller_address(Request({"type": "http", "client": (host, 1)})) == counted


def test_a_port_that_is_taken_is_said_before_anything_starts() -> None:
    with socket.socket() as other, pytest.raises(AddressTaken) as refusal:  # noqa: PT012
        other.bind(("127.0.0.1", 0))
        other.listen()
        serve(FastAPI(), "127.0.0.1", other.getsockname()[1])
    assert refusal.value.wrong_usage


def test_the_script_of_a_package_is_served_beside_our_own_files(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = client.get("/static/htmx.js")
    assert found.headers["content-type"].startswith("text/javascript")
    assert b"htmx" in found.content
    monkeypatch.setattr(packages, "_INSTALLED", packages.FOLDER / "nowhere")
    assert client.get("/static/htmx.js").status_code == 404
    assert client.get("/static/site.css").status_code == 200
