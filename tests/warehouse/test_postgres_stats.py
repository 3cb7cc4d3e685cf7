"""The planner of PostgreSQL knows what was loaded as soon as it is committed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from sfsync.warehouse import Warehouse
from tests import postgres

FILL = "INSERT INTO sfsync.meta SELECT 'key ' || n, 'value' FROM generate_series(1, {}) n"
KNOWN = "SELECT reltuples::int FROM pg_class WHERE oid = 'sfsync.meta'::regclass"


@pytest.fixture
def server(postgres_url: str) -> Iterator[Warehouse]:
    made = Warehouse(postgres_url, wait=0.3)
    yield made
    made.close()


def fill(server: Warehouse, rows: int) -> None:
    with server.write() as con:
        con.exec_driver_sql(FILL.format(rows))


def known(url: str) -> int:
    """Rows the planner believes in; less than one when it has never looked."""
    [(rows,)] = postgres.execute(url, KNOWN)
    return int(rows)


def guessed(url: str, condition: str) -> int:
    [(plan,)] = postgres.execute(url, f"EXPLAIN (FORMAT json) SELECT 1 FROM sfsync.meta WHERE {condition}")
    return int(plan[0]["Plan"]["Plan Rows"])


def test_a_table_that_was_filled_is_known_to_the_planner_at_once(server, postgres_url):
    fill(server, 5000)
    assert known(postgres_url) == 5001  # with the format
    assert guessed(postgres_url, "value = 'value'") > 4000


def test_small_changes_are_left_to_autovacuum_and_big_ones_are_not(server, postgres_url):
    fill(server, 5000)
    with server.write() as con:
        con.exec_driver_sql("DELETE FROM sfsync.meta WHERE key LIKE 'key 1__'")
    assert known(postgres_url) == 5001
    with server.write() as con:
        con.exec_driver_sql("DELETE FROM sfsync.meta WHERE key >= 'key 4' AND key < 'key 5'")
    assert known(postgres_url) == 5001 - 100 - 1111


def test_what_was_rolled_back_is_not_looked_at(server, postgres_url):
    def fail() -> None:
        with server.write() as con:
            con.exec_driver_sql(FILL.format(5000))
            raise LookupError

    with server.write():
        pass
    before = known(postgres_url)
    with pytest.raises(LookupError):
        fail()
    assert known(postgres_url) == before


def test_readers_and_their_locks_hold_nothing_up(server, postgres_url):
    with server.write():
        pass
    reader = Warehouse(postgres_url)
    with reader.read() as con:
        assert reader.meta(con)
        fill(server, 5000)
        assert known(postgres_url) == 5001
        assert len(reader.meta(con)) == 1


def test_a_table_somebody_is_vacuuming_is_not_waited_for(server, postgres_url):
    with server.write():
        pass
    with Warehouse(postgres_url).read() as con:
        con.rollback()
        con.exec_driver_sql("SET TRANSACTION READ WRITE")
        con.exec_driver_sql("LOCK TABLE sfsync.meta IN SHARE UPDATE EXCLUSIVE MODE")
        started = time.monotonic()
        fill(server, 5000)
        assert time.monotonic() - started < 5
        assert known(postgres_url) < 1
    with server.read() as con:
        assert len(server.meta(con)) == 5001
