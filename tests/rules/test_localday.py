"""The date of a moment as the org's users see it: what is written out for DuckDB against what the database says."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sfsync.rules.localday import local_day

ZONES = (
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Sao_Paulo",
)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2060, 1, 1))


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as made:
        made.execute("SET TimeZone = 'UTC'; CREATE TABLE t (m TIMESTAMPTZ)")
        yield made


def differing(con: duckdb.DuckDBPyConnection, zone: str) -> list[datetime]:
    says = f"m AT TIME ZONE '{zone}'"
    return con.execute(
        f"SELECT m FROM t WHERE ({local_day('m', zone, 2026)}) IS DISTINCT FROM CAST({says} AS DATE)"
    ).fetchall()


@pytest.mark.parametrize("zone", ZONES)
def test_every_quarter_of_an_hour_around_midnight_and_the_clock_changes(con, zone):
    con.execute("DELETE FROM t")
    con.execute(
        "INSERT INTO t SELECT unnest(generate_series("
        "TIMESTAMPTZ '2005-12-30', TIMESTAMPTZ '2028-01-03', INTERVAL 15 MINUTE))"
    )
    con.execute(
        "INSERT INTO t VALUES (NULL), (TIMESTAMPTZ '1999-06-30 23:59:59.999999+00'), (TIMESTAMPTZ '2050-01-01')"
    )
    assert differing(con, zone) == []


@given(st.lists(MOMENTS, min_size=1, max_size=50), st.sampled_from(ZONES))
@example(
    [datetime(2026, 3, 29, 0, 59, 59, 999999), datetime(2026, 3, 29, 1), datetime(2011, 12, 30, 10)], "Europe/Paris"
)
def test_any_moment(con, moments, zone):
    con.execute("DELETE FROM t")
    con.executemany("INSERT INTO t VALUES (?)", [[m.replace(tzinfo=UTC)] for m in moments])
    assert differing(con, zone) == []


def test_a_zone_python_does_not_know_is_left_to_the_database():
    assert "AT TIME ZONE 'Nowhere/It''s'" in local_day("m", "Nowhere/It's", 2026)
