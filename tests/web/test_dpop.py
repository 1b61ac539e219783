"""DPoP proofs (RFC 9449): taken once, for one request, with one token and one key; anything else is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI, Request
from joserfc.jwk import ECKey
from sqlalchemy import Engine, func, select
from starlette.testclient import TestClient

from tests.web.dpop_caller import Caller, public_members
from verifiers.models import PROOFS
from web.database import create_engine_for, read_transaction
from web.dpop import CLOCKS_APART, MAX_PROOF, DpopProofInvalid, FreshNonces, Proofs, UseDpopNonce
from web.edge import fit_edge
from web.jwk import JwkInvalid, base64url, from_base64url, read_public_jwk
from web.migrations import upgrade

KEY = bytes(range(32))
POST, HERE, TOKEN = "POST", "https://desk.example/api/v1/device/contact", "wpd_a-token"


class Clock:
    def __init__(self) -> None:
        self.seconds = 5000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(url: str) -> Iterator[Engine]:
    engine = create_engine_for(url)
    upgrade(engine, "verifiers.migrations")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    yield from opened(f"sqlite:///{tmp_path_factory.mktemp('proofs')}/verifier.db")


@pytest.fixture
def engine_on(database_url: str) -> Iterator[Engine]:
    """Once on SQLite, once on PostgreSQL."""
    yield from opened(database_url)


@pytest.fixture
def proofs(engine: Engine, clock: Clock) -> Proofs:
    return Proofs(engine, PROOFS, KEY, clock)


@pytest.fixture
def caller() -> Caller:
    return Caller()


def check(proofs: Proofs, caller: Caller, *sent: str) -> None:
    proofs.take(proofs.check(sent, POST, HERE, TOKEN, caller.thumbprint))


def test_a_good_proof_is_taken_and_only_once(proofs: Proofs, caller: Caller) -> None:
    proof = caller.proof(POST, HERE, proofs.nonce(), TOKEN)
    check(proofs, caller, proof)
    with pytest.raises(DpopProofInvalid, match="used before"):
        check(proofs, caller, proof)
    check(proofs, caller, caller.proof(POST, HERE, proofs.nonce(), TOKEN))


def test_the_same_jti_of_two_keys_are_two_proofs(proofs: Proofs, caller: Caller) -> None:
    other = Caller()
    for each in (caller, other):
        claims = each.claims(POST, HERE, proofs.nonce(), TOKEN) | {"jti": "one"}
        check(proofs, each, each.signed(each.header(), claims))


def test_members_that_nobody_knows_are_passed_over_in_the_claims(proofs: Proofs, caller: Caller) -> None:
    claims = caller.claims(POST, HERE, proofs.nonce(), TOKEN) | {"more": 1}
    check(proofs, caller, caller.signed(caller.header(), claims))


Spoil = Callable[[Caller, dict[str, Any]], Any]


def header(**changes: Any) -> Spoil:
    return lambda caller, claims: caller.signed(caller.header(**changes), claims)


def jwk(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Spoil:
    return lambda caller, claims: caller.signed(caller.header(jwk=change(caller.jwk)), claims)


def claim(**changes: Any) -> Spoil:
    return lambda caller, claims: caller.signed(caller.header(), claims | changes)


def lacking(name: str) -> Spoil:
    return lambda caller, claims: caller.signed(
        caller.header(), {each: value for each, value in claims.items() if each != name}
    )


def raw(header_text: bytes | None = None, claims_text: bytes | None = None) -> Spoil:
    return lambda caller, claims: caller.signed(
        caller.header() if header_text is None else header_text, claims if claims_text is None else claims_text
    )


def text(change: Callable[[str], str]) -> Spoil:
    return lambda caller, claims: change(caller.signed(caller.header(), claims))


def private(caller: Caller) -> str:
    return base64url(caller.key.private_numbers().private_value.to_bytes(32, "big"))


P384 = ECKey.generate_key("P-384").as_dict(private=False)
BAD: dict[str, Spoil] = {
    "no proof's text": lambda caller, claims: "",
    "no JWS": lambda caller, claims: "a.b",
    "five parts": lambda caller, claims: "a.b.c.d.e",
    "no Base64url": lambda caller, claims: "ö.ö.ö",
    "two proofs in one header": text(lambda proof: f"{proof}, {proof}"),
    "padded": text(lambda proof: proof + "="),
    "cut off": text(lambda proof: proof[:-4]),
    "another spelling": text(lambda proof: proof.replace(".", ".A", 1)),
    "no signature": text(lambda proof: proof.rpartition(".")[0] + "."),
    "a signature of zeros": text(lambda proof: f"{proof.rpartition('.')[0]}.{'A' * 86}"),
    "a signature as DER": lambda caller, claims: resigned(caller, claims, lambda raw: b"0D" + raw),
    "a longer spelling of the signature": lambda caller, claims: resigned(
        caller, claims, lambda raw: raw[:32] + bytes(1) + raw[32:]
    ),
    "another typ": header(typ="jwt"),
    "typ in capitals": header(typ="DPOP+JWT"),
    "no alg": header(alg="none"),
    "a symmetric alg": header(alg="HS256"),
    "another alg": header(alg="ES384"),
    "alg no text": header(alg=["ES256"]),
    "one header member more": header(kid="x"),
    "a critical extension": header(crit=["exp"]),
    "an address of keys": header(jku="https://evil.example/jwks"),
    "a header that lacks jwk": raw(json.dumps({"typ": "dpop+jwt", "alg": "ES256"}).encode()),
    "a header that is a list": raw(b"[]"),
    "a header that is no JSON": raw(b"{"),
    "a header with a member twice": raw(b'{"typ":"dpop+jwt","typ":"dpop+jwt","alg":"ES256","jwk":{}}'),
    "a nested header": raw(b'{"typ":"dpop+jwt","alg":"ES256","jwk":' + b"[" * 400 + b"]" * 400 + b"}"),
    "jwk no object": header(jwk="x"),
    "jwk null": header(jwk=None),
    "a private key": lambda caller, claims: caller.signed(
        caller.header(jwk=caller.jwk | {"d": private(caller)}), claims
    ),
    "a jwk with more": jwk(lambda key: key | {"kid": "1"}),
    "a jwk that lacks y": jwk(lambda key: {name: key[name] for name in ("kty", "crv", "x")}),
    "a jwk of another curve": header(jwk=P384),
    "a curve that lies": jwk(lambda key: key | {"crv": "P-384"}),
    "a symmetric jwk": header(jwk={"kty": "oct", "k": "AAAA"}),
    "a jwk off the curve": jwk(lambda key: key | {"x": base64url(b"\x01" * 32)}),
    "a short coordinate": jwk(lambda key: key | {"x": base64url(b"\x01" * 31)}),
    "a coordinate that is a number": jwk(lambda key: key | {"x": 1}),
    "another key's jwk": jwk(lambda key: Caller().jwk),
    "no jti": lacking("jti"),
    "no htm": lacking("htm"),
    "no htu": lacking("htu"),
    "no iat": lacking("iat"),
    "no ath": lacking("ath"),
    "an empty jti": claim(jti=""),
    "a huge jti": claim(jti="x" * 129),
    "jti a number": claim(jti=1),
    "htm a list": claim(htm=["POST"]),
    "iat a text": claim(iat="1"),
    "iat true": claim(iat=True),
    "another method": claim(htm="GET"),
    "the method in small letters": claim(htm="post"),
    "another path": claim(htu="https://desk.example/api/v1/device/scans"),
    "another host": claim(htu="https://evil.example/api/v1/device/contact"),
    "without encryption": claim(htu="http://desk.example/api/v1/device/contact"),
    "a query": claim(htu=HERE + "?a=b"),
    "a longer path": claim(htu=HERE + "/"),
    "another token": claim(ath=base64url(bytes(32))),
    "ath null": claim(ath=None),
    "ath a list": claim(ath=[]),
    "ath not ASCII": claim(ath="ö"),
    "claims that are no object": raw(None, b"1"),
    "claims with a member twice": raw(None, b'{"jti":"a","jti":"a"}'),
    "claims with half a character": raw(None, b'{"jti":"\\ud800"}'),
    "claims nested without end": raw(None, b'{"jti":' + b"[" * 1000 + b"]" * 1000 + b"}"),
}


def resigned(caller: Caller, claims: dict[str, Any], change: Callable[[bytes], bytes]) -> str:
    message, _, signature = caller.signed(caller.header(), claims).rpartition(".")
    return f"{message}.{base64url(change(from_base64url(signature) or b''))}"


@pytest.mark.parametrize("spoil", BAD.values(), ids=list(BAD))
def test_a_spoiled_proof_is_refused_and_says_nothing_of_what_was_sent(
    proofs: Proofs, caller: Caller, spoil: Spoil
) -> None:
    proof = spoil(caller, caller.claims(POST, HERE, proofs.nonce(), TOKEN))
    with pytest.raises(DpopProofInvalid) as refusal:
        check(proofs, caller, proof)
    assert "evil" not in refusal.value.sentence
    check(proofs, caller, caller.proof(POST, HERE, proofs.nonce(), TOKEN))


def test_a_huge_proof_is_refused_before_it_is_read(proofs: Proofs, caller: Caller) -> None:
    claims = caller.claims(POST, HERE, proofs.nonce(), TOKEN) | {"more": "x" * MAX_PROOF}
    with pytest.raises(DpopProofInvalid, match="too long"):
        check(proofs, caller, caller.signed(caller.header(), claims))


def test_no_proof_two_proofs_and_another_keys_proof_are_refused(proofs: Proofs, caller: Caller) -> None:
    nonce = proofs.nonce()
    one, other = (caller.proof(POST, HERE, nonce, TOKEN) for _ in range(2))
    for sent in ((), (one, other), (Caller().proof(POST, HERE, nonce, TOKEN),)):
        with pytest.raises(DpopProofInvalid):
            check(proofs, caller, *sent)
    check(proofs, caller, one)


def test_the_nonce_is_asked_for_and_good_for_five_minutes(
    proofs: Proofs, caller: Caller, clock: Clock, engine: Engine
) -> None:
    nonce = proofs.nonce()
    of_another_service = Proofs(engine, PROOFS, bytes(32), clock).nonce()
    for bad in (None, "", "x", 7, [nonce], nonce[:-1], nonce + "A", of_another_service, base64url(bytes(24))):
        claims = caller.claims(POST, HERE, None, TOKEN) | ({} if bad is None else {"nonce": bad})
        with pytest.raises(UseDpopNonce):
            check(proofs, caller, caller.signed(caller.header(), claims))
    clock.seconds += 299
    check(proofs, caller, caller.proof(POST, HERE, nonce, TOKEN))
    clock.seconds += 1
    with pytest.raises(UseDpopNonce):
        check(proofs, caller, caller.proof(POST, HERE, nonce, TOKEN))


def test_the_callers_clock_does_not_matter(proofs: Proofs, caller: Caller) -> None:
    for iat in (0, 4_000_000_000):
        claims = caller.claims(POST, HERE, proofs.nonce(), TOKEN) | {"iat": iat}
        check(proofs, caller, caller.signed(caller.header(), claims))


def test_a_proof_cannot_come_back_as_long_as_its_nonce_is_good(proofs: Proofs, caller: Caller, clock: Clock) -> None:
    proof = caller.proof(POST, HERE, proofs.nonce(), TOKEN)
    check(proofs, caller, proof)
    for seconds in (150, 149.9):
        clock.seconds += seconds
        with pytest.raises(DpopProofInvalid):
            check(proofs, caller, proof)
    clock.seconds += 0.2
    with pytest.raises(UseDpopNonce):
        check(proofs, caller, proof)


@pytest.mark.parametrize("ahead", [-CLOCKS_APART, 0, CLOCKS_APART])
def test_another_process_takes_a_proof_with_our_nonce_and_none_takes_it_again(
    engine_on: Engine, caller: Caller, clock: Clock, ahead: int
) -> None:
    others = Clock()
    others.seconds += ahead
    ours, other = (Proofs(engine_on, PROOFS, KEY, each) for each in (clock, others))
    proof = caller.proof(POST, HERE, ours.nonce(), TOKEN)
    check(other, caller, proof)
    for again in (ours, other, Proofs(engine_on, PROOFS, KEY, clock)):
        with pytest.raises(DpopProofInvalid, match="used before"):
            check(again, caller, proof)


def test_a_nonce_from_later_is_asked_for_anew(proofs: Proofs, caller: Caller, clock: Clock) -> None:
    """Ours, after the clock was set back: it would be good for as long as that jump."""
    nonce = proofs.nonce()
    clock.seconds -= CLOCKS_APART + 1
    with pytest.raises(UseDpopNonce):
        check(proofs, caller, caller.proof(POST, HERE, nonce, TOKEN))


def test_a_row_outlives_its_nonce_on_every_clock(engine_on: Engine, caller: Caller, clock: Clock) -> None:
    ahead = Clock()
    ahead.seconds += CLOCKS_APART
    proofs = Proofs(engine_on, PROOFS, KEY, clock)
    nonce = Proofs(engine_on, PROOFS, KEY, ahead).nonce()
    check(proofs, caller, caller.proof(POST, HERE, nonce, TOKEN))
    with read_transaction(engine_on) as connection:
        forget_at = connection.scalars(select(PROOFS.c.forget_at)).one()
    clock.seconds = forget_at - CLOCKS_APART  # it is deleted by a clock that is ahead, and judged by one that is not
    with pytest.raises(UseDpopNonce):
        check(proofs, caller, caller.proof(POST, HERE, nonce, TOKEN))


def test_strangers_leave_no_row(engine_on: Engine, caller: Caller, clock: Clock) -> None:
    proofs = Proofs(engine_on, PROOFS, KEY, clock)
    with pytest.raises(DpopProofInvalid):
        check(proofs, caller, Caller().proof(POST, HERE, proofs.nonce(), TOKEN))
    check(proofs, caller, caller.proof(POST, HERE, proofs.nonce(), TOKEN))
    with read_transaction(engine_on) as connection:
        assert connection.scalar(select(func.count()).select_from(PROOFS)) == 1


def test_of_many_at_once_one_is_taken(engine_on: Engine, caller: Caller, clock: Clock) -> None:
    proofs = Proofs(engine_on, PROOFS, KEY, clock)
    proof = proofs.read([caller.proof(POST, HERE, proofs.nonce(), TOKEN)], POST, HERE, TOKEN)

    def take(_: int) -> bool:
        try:
            proofs.take(proof)
        except DpopProofInvalid:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(64))) == 1


def test_a_thumbprint_is_that_of_the_library_and_a_key_has_one_spelling() -> None:
    key = public_members(ec.generate_private_key(ec.SECP256R1()))
    found = read_public_jwk(key)
    assert found.thumbprint == ECKey.import_key(key).thumbprint()
    assert json.loads(found.text) == key
    longer = base64url(bytes(1) + (from_base64url(key["x"]) or b""))
    for bad in (
        *({}, key | {"d": "AA"}, key | {"y": key["y"] + "="}, key | {"x": longer}, key | {"kty": "EC2"}),
        *(None, [], "x"),
    ):
        with pytest.raises(JwkInvalid):
            read_public_jwk(bad)


@pytest.mark.parametrize("bad", ["A", "AB", "AA==", "+/", " AA", "AA\n", "ö", "A" * 5])
def test_base64url_has_one_spelling(bad: str) -> None:
    assert from_base64url(bad) is None
    assert from_base64url(base64url(b"\xff\xfe\0")) == b"\xff\xfe\0"


def service(proofs: Proofs, caller: Caller) -> TestClient:
    app = FastAPI()

    @app.post("/device/contact")
    def contact(request: Request) -> str:
        proofs.check(request.headers.getlist("dpop"), POST, HERE, TOKEN, caller.thumbprint)
        return "heard"

    fit_edge(app, {}, lambda: ())
    app.add_middleware(FreshNonces, proofs=proofs, prefix="/device/")
    return TestClient(app)


def test_every_answer_brings_a_nonce_and_a_refusal_says_what_is_wanted(proofs: Proofs, caller: Caller) -> None:
    client = service(proofs, caller)
    first = client.post("/device/contact", headers={"DPoP": caller.proof(POST, HERE, None, TOKEN)})
    assert (first.status_code, first.json()["code"]) == (401, "use_dpop_nonce")
    assert first.headers["www-authenticate"] == 'DPoP error="use_dpop_nonce"'
    nonce = first.headers["dpop-nonce"]
    assert client.post("/device/contact", headers={"DPoP": caller.proof(POST, HERE, nonce, TOKEN)}).text == '"heard"'
    refused = client.post("/device/contact")
    assert (refused.status_code, refused.json()["code"]) == (401, "dpop_proof_invalid")
    assert refused.headers["www-authenticate"].startswith('DPoP error="invalid_dpop_proof"')
    for answer in (refused, client.get("/device/nowhere"), client.post("/device/contact", content=b"x" * 100_000)):
        assert answer.headers["dpop-nonce"] != nonce or proofs.nonce() == nonce
        assert len(answer.headers.get_list("dpop-nonce")) == 1
    assert "dpop-nonce" not in client.get("/healthz").headers
