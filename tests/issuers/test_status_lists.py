"""Reserving entries in status lists, on both databases."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from issuers import status_lists
from issuers.errors import NoStatusIndex
from issuers.models import credentials
from issuers.models import status_lists as table
from tests.city import City
from walletpass.verdict import Reason
from web.database import read_transaction, write_transaction


@pytest.mark.parametrize("size", [4, 8, 12, 100, 1000, 1024, 1 << 15])
def test_every_position_of_a_list_has_its_own_index(size: int) -> None:
    found = {status_lists.permuted(b"seed", position, size) for position in range(size)}
    assert found == set(range(size))


def test_another_seed_orders_the_indexes_differently() -> None:
    orders = [[status_lists.permuted(seed, n, 4096) for n in range(50)] for seed in (b"one", b"two")]
    assert orders[0] != orders[1]


def test_indexes_say_nothing_about_the_order_of_issuing() -> None:
    indexes = [status_lists.permuted(b"seed", n, 1 << 20) for n in range(4000)]
    assert abs(statistics.correlation(range(4000), indexes)) < 0.1
    assert len({index >> 16 for index in indexes}) == 16, "all sixteen parts of the list are used"


def test_a_full_list_is_followed_by_a_new_one_and_both_stay_published(make_city: Callable[..., City]) -> None:
    city = make_city(status_list_size=1024)
    pass_ = city.grants("family_card")
    old = city.qr(pass_)
    with write_transaction(city.office.engine) as connection:
        connection.execute(update(table).values(allocated=1024))
    new = city.grants("family_card")
    text = city.qr(new)
    assert city.inspector_sees(text).reason is Reason.ACCEPTED
    assert city.inspector_sees(old).reason is Reason.ACCEPTED
    assert {path.name for path in (city.settings.published / "status").iterdir()} >= {"1.cwt", "2.cwt", "2"}


def test_when_no_entry_can_be_reserved_nothing_is_issued(city_on: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_lists, "MAX_LISTS", 1)
    pass_ = city_on.grants("family_card")
    with write_transaction(city_on.office.engine) as connection:
        connection.execute(update(table).values(allocated=1024))
    with pytest.raises(NoStatusIndex):
        city_on.qr(pass_)
    with read_transaction(city_on.office.engine) as connection:
        assert connection.execute(select(credentials)).all() == []


def test_new_credentials_are_spread_over_the_open_lists(make_city: Callable[..., City]) -> None:
    city = make_city(status_lists_open=4)
    with write_transaction(city.office.engine) as connection:
        reserved = status_lists.reserve(connection, 400)
    by_list = [sum(list_id == str(n) for list_id, _ in reserved) for n in range(1, 5)]
    assert sum(by_list) == 400
    assert min(by_list) > 50


def test_the_last_free_entries_of_several_lists_are_all_used(make_city: Callable[..., City]) -> None:
    city = make_city(status_lists_open=3)
    with write_transaction(city.office.engine) as connection:
        reserved = status_lists.reserve(connection, 3 * 1024)
        assert len(set(reserved)) == 3 * 1024
        with pytest.raises(NoStatusIndex):
            status_lists.reserve(connection, 1)


def test_many_who_reserve_at_once_never_get_the_same_entry(city_on: City) -> None:
    taken: list[tuple[str, int]] = []

    def work() -> None:
        for _ in range(10):
            with write_transaction(city_on.office.engine) as connection:
                taken.extend(status_lists.reserve(connection, 5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 200
