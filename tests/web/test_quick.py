"""A quick way past an app's layers: it answers as the ordinary one does, and nothing is weaker on it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from fastapi import Request
from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.types import Scope

from keys.errors import WalletPassError
from web.edge import Service, fit_edge
from web.limits import JSON_LIMIT

STATUSES = {"tired": 409}
JSON = {"Content-Type": "application/json"}


class Tired(WalletPassError):
    code = "tired"


class QuickEcho:
    """Answers what begins with a letter; a digit is for the ordinary way."""

    path = "/echo"

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def answer(self, scope: Scope, body: bytes) -> bytes | None:
        self.asked.append(body)
        if body == b"tired":
            raise Tired("Try again tomorrow.")
        if body == b"broken":
            raise RuntimeError("the secret is 1234")
        return json.dumps(body.decode()).encode() if body[:1].isalpha() else None


@pytest.fixture
def quick() -> QuickEcho:
    return QuickEcho()


@pytest.fixture
def client(quick: QuickEcho) -> TestClient:
    app = Service(title="echo")

    @app.post("/echo")
    async def echo(request: Request) -> str:
        return (await request.body()).decode()

    @app.get("/echo")
    async def silence() -> str:
        return ""

    app.answer_quickly(quick, fit_edge(app, STATUSES, lambda: ()), STATUSES)

    @app.exception_handler(ZeroDivisionError)  # added after the edge, as services do
    async def divided(_: Request, __: Exception) -> Response:
        return Response(status_code=418)

    @app.get("/divides")
    async def divides() -> float:
        return 1 / 0

    return TestClient(app, headers=JSON)


def kept(headers: Mapping[str, str]) -> dict[str, str]:
    """All headers but the one that must differ."""
    return {name: value for name, value in headers.items() if name != "x-request-id"}


def test_both_ways_give_the_same_answer_with_the_same_headers(client: TestClient) -> None:
    quickly, ordinarily = client.post("/echo", content=b"a1"), client.post("/echo", content=b"12")
    assert (quickly.json(), ordinarily.json()) == ("a1", "12")
    assert kept(quickly.headers) == kept(ordinarily.headers)
    assert "content-security-policy" in quickly.headers
    assert quickly.headers["x-request-id"] != ordinarily.headers["x-request-id"]


def test_what_the_quick_way_passes_on_is_read_again_by_the_ordinary_one(client: TestClient, quick: QuickEcho) -> None:
    assert client.post("/echo", content=b"1" * 40_000).json() == "1" * 40_000
    assert quick.asked == [b"1" * 40_000]


@pytest.mark.parametrize(
    "headers", [{"Content-Type": "text/plain"}, {"Content-Length": "x"}, {"Content-Length": "99999"}]
)
def test_what_is_not_plain_does_not_reach_the_quick_way(
    client: TestClient, quick: QuickEcho, headers: dict[str, str]
) -> None:
    client.post("/echo", content=b"a", headers=headers)
    client.post("/echo", content=iter([b"a", b"b"]))
    assert quick.asked == []


def test_other_methods_and_addresses_do_not_reach_the_quick_way(client: TestClient, quick: QuickEcho) -> None:
    assert client.get("/echo").status_code == 200
    assert client.put("/echo", content=b"a").status_code == 405
    assert client.post("/echo/more", content=b"a").status_code == 404
    assert quick.asked == []


def test_what_the_quick_way_raises_is_a_problem_by_the_services_own_statuses(client: TestClient) -> None:
    answer = client.post("/echo", content=b"tired")
    assert (answer.status_code, answer.json()["code"]) == (409, "tired")
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_accident_on_the_quick_way_is_a_500_without_a_word_of_it(client: TestClient) -> None:
    answer = client.post("/echo", content=b"broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "1234" not in answer.text


def test_a_body_that_is_too_large_never_reaches_the_quick_way(client: TestClient, quick: QuickEcho) -> None:
    assert client.post("/echo", content=b"a" * (JSON_LIMIT + 1)).status_code == 413
    assert quick.asked == []


def test_both_ways_are_counted_and_logged_by_the_same_name(
    client: TestClient, capfd: pytest.CaptureFixture[str]
) -> None:
    for content in (b"a", b"1", b"tired"):
        client.post("/echo?name=Xaver", content=content)
    client.get("/healthz")
    figures = client.get("/metrics").text
    assert 'walletpass_http_requests_total{method="POST",route="/echo",status="200"} 2.0' in figures
    assert 'walletpass_http_requests_total{method="POST",route="/echo",status="409"} 1.0' in figures
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if '"request"' in line]
    assert [(line["route"], line["method"], line["status"]) for line in lines] == [
        ("/echo", "POST", 200),
        ("/echo", "POST", 200),
        ("/echo", "POST", 409),
    ]
    assert all(line.keys() >= {"request_id", "ms", "level", "timestamp"} for line in lines)
    assert len({line["request_id"] for line in lines}) == 3


def test_a_handler_that_was_added_after_the_edge_counts(client: TestClient) -> None:
    assert client.get("/divides").status_code == 418
