"""Bearer tokens: made once, stored as hashes, scoped, ended; on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from verifiers.models import TOKENS
from web.database import create_engine_for, read_transaction, write_transaction
from web.migrations import upgrade
from web.tokens import (
    PREFIX,
    REMEMBERED_FOR,
    RightMissing,
    ScopeInvalid,
    Token,
    TokenInvalid,
    TokenNotFound,
    TokenStore,
    read_scope,
)

NOW = 1_800_000_000
SCOPES = {("library", "issue"), ("*", "read")}


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database_url: str, clock: Clock) -> TokenStore:
    engine = create_engine_for(database_url)
    upgrade(engine, "verifiers.migrations")
    return TokenStore(engine, TOKENS, clock)


def second_process(store: TokenStore) -> TokenStore:
    return TokenStore(store._engine, TOKENS)


def test_a_token_opens_with_its_secret_only(store: TokenStore) -> None:
    token, secret = store.create("Koha", SCOPES, NOW, None)
    assert store.authenticate(secret, NOW) == token
    for wrong in (secret[:-1], secret + "A", secret.upper(), PREFIX, "", "\ud800", "ä"):
        with pytest.raises(TokenInvalid):
            store.authenticate(wrong, NOW)


def test_a_secret_has_256_random_bits_and_is_not_stored(store: TokenStore) -> None:
    secrets = {store.create("Koha", SCOPES, NOW, None)[1] for _ in range(5)}
    assert len(secrets) == 5
    assert {len(secret) for secret in secrets} == {len(PREFIX) + 43}
    with read_transaction(store._engine) as connection:
        stored = repr(connection.execute(select(TOKENS)).all())
    assert not any(secret in stored or secret.removeprefix(PREFIX) in stored for secret in secrets)


def test_a_token_ends_at_its_second(store: TokenStore) -> None:
    secret = store.create("Koha", SCOPES, NOW, 3600)[1]
    assert store.authenticate(secret, NOW + 3599)
    with pytest.raises(TokenInvalid):
        store.authenticate(secret, NOW + 3600)


def test_a_revocation_by_another_process_takes_effect_within_five_seconds(store: TokenStore, clock: Clock) -> None:
    token, secret = store.create("Koha", SCOPES, NOW, None)
    store.authenticate(secret, NOW)
    second_process(store).revoke(token.id, NOW + 1)
    clock.seconds = REMEMBERED_FOR - 0.01
    assert store.authenticate(secret, NOW + 3)
    clock.seconds = REMEMBERED_FOR
    with pytest.raises(TokenInvalid):
        store.authenticate(secret, NOW + 4)
    assert REMEMBERED_FOR < 5


def test_a_revocation_in_the_same_process_takes_effect_at_once_and_is_final(store: TokenStore) -> None:
    token, secret = store.create("Koha", SCOPES, NOW, None)
    store.authenticate(secret, NOW)
    store.revoke(token.id, NOW + 1)
    store.revoke(token.id, NOW + 9)
    with pytest.raises(TokenInvalid):
        store.authenticate(secret, NOW)
    assert [found.revoked_at for found in store.all()] == [NOW + 1]


def test_a_lookup_is_remembered_so_that_it_costs_no_query(store: TokenStore) -> None:
    secret = store.create("Koha", SCOPES, NOW, None)[1]
    store.authenticate(secret, NOW)
    with write_transaction(store._engine) as connection:
        connection.execute(TOKENS.delete())
    assert store.authenticate(secret, NOW)


def test_a_token_made_just_now_works_although_it_was_tried_before(store: TokenStore) -> None:
    secret = store.create("Koha", SCOPES, NOW, None)[1]
    with pytest.raises(TokenInvalid):
        store.authenticate(secret + "x", NOW)
    assert store.authenticate(secret, NOW)


def test_an_unknown_identifier_is_told(store: TokenStore) -> None:
    with pytest.raises(TokenNotFound):
        store.revoke("nothing", NOW)


@pytest.mark.parametrize(
    ("department", "action", "allowed"),
    [
        ("library", "issue", True),
        ("library", "read", True),
        ("parking", "read", True),
        ("parking", "issue", False),
        ("library", "revoke", False),
        ("*", "issue", False),
        ("*", "read", True),
    ],
)
def test_scopes_say_what_is_allowed_and_where(department: str, action: str, allowed: bool) -> None:
    token = Token("1", "Koha", "integration", frozenset(SCOPES), NOW, None, None)
    assert token.allows(department, action) is allowed
    if not allowed:
        with pytest.raises(RightMissing):
            token.require(department, action)


def test_departments_of_an_action_are_named_or_all() -> None:
    token = Token("1", "Koha", "integration", frozenset(SCOPES), NOW, None, None)
    assert token.departments("issue") == {"library"}
    assert token.departments("read") is None
    assert token.departments("revoke") == frozenset()


@pytest.mark.parametrize("text", ["", "library", ":", "a:", ":b", "a b:c", "a:b c", "ä:b", "a:b:c", "**:x"])
def test_what_is_no_scope_is_refused(text: str) -> None:
    with pytest.raises(ScopeInvalid):
        read_scope(text)


@given(st.text())
def test_any_text_is_a_scope_or_refused_and_never_holds_a_separator(text: str) -> None:
    try:
        department, action = read_scope(text)
    except ScopeInvalid:
        return
    assert f"{department}:{action}" == text and " " not in text


@pytest.mark.parametrize("name", ["", "  ", "x" * 81])
def test_a_token_needs_a_name(tmp_path: Path, name: str) -> None:
    engine = create_engine_for(f"sqlite:///{tmp_path}/t.db")
    with pytest.raises(ScopeInvalid):
        TokenStore(engine, TOKENS).create(name, SCOPES, NOW, None)
