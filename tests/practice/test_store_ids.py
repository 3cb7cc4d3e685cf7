"""Ids and the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.practice.clock import Clock
from sfsync.practice.ids import SQL_MACROS, make_id, normal, number_of, to18

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
fifteen = st.text(LETTERS, min_size=15, max_size=15)


@given(fifteen)
def test_eighteen_characters_say_the_case_of_the_fifteen(short: str) -> None:
    long = to18(short)
    assert normal(short) == normal(long) == long
    assert long[:15] == short
    if short.swapcase() != short:
        assert normal(short.swapcase() + long[15:]) is None


def test_checksum_of_a_known_id() -> None:
    assert to18("001D000000IqhSL") == "001D000000IqhSLIAZ"


@pytest.mark.parametrize("text", ["", "00Q", "00Q5e000000000", "00Q5e00000000-1", "00Q5e0000000001AA", 5, None])
def test_what_is_no_id(text: object) -> None:
    assert normal(text) is None


@given(st.integers(0, 62**5 - 2))
def test_ids_count_and_sort_as_their_numbers(number: int) -> None:
    assert number_of(make_id("00Q", number)) == number
    assert make_id("00Q", number) < make_id("00Q", number + 1)


def test_sql_makes_the_same_ids() -> None:
    numbers = [0, 1, 35, 36, 61, 62, 3843, 3844, 123_456_789, 62**5 - 1]
    with duckdb.connect() as connection:
        for macro in SQL_MACROS:
            connection.execute(macro)
        found = connection.execute("SELECT practice_id('0GK', n) FROM (SELECT unnest($1) AS n)", [numbers]).fetchall()
    assert [i for (i,) in found] == [make_id("0GK", n) for n in numbers]


def test_numbers_run_out_loudly() -> None:
    with pytest.raises(ValueError, match="no more Ids for prefix 00Q"):
        make_id("00Q", 62**5)


def test_clock_has_an_offset_and_can_stand_still() -> None:
    clock = Clock(timedelta(days=1))
    assert timedelta(hours=23) < clock.now() - datetime.now(UTC) < timedelta(hours=25)
    at = datetime(2026, 1, 1, 12, 0, 0, 999, tzinfo=UTC)
    clock.freeze(at)
    assert clock.now() == clock.now() == at
    clock.advance(61)
    assert clock.stamp() == datetime(2026, 1, 1, 12, 1, 1)
    clock.thaw()
    assert not clock.frozen
    with pytest.raises(ValueError, match="aware"):
        clock.freeze(datetime(2026, 1, 1))
