from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.errors import InputError
from sfsync.salesforce.encode import http_date, json_bytes
from sfsync.salesforce.replies import parse

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALAR = st.none() | st.booleans() | st.integers() | TEXT
NESTED = st.recursive(SCALAR, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


@given(NESTED)
def test_json_reads_back_the_same(value: Any) -> None:
    assert json.loads(json_bytes(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9))
def test_a_decimal_survives_exactly(number: Decimal) -> None:
    assert parse(json_bytes({"Amount": number}))["Amount"] == number


def test_money_of_18_digits_is_written_digit_by_digit() -> None:
    assert json_bytes({"Amount": Decimal("1234567890123456.78")}) == b'{"Amount":1234567890123456.78}'


def test_moments_are_written_in_utc_and_dates_without_time() -> None:
    moment = datetime(2026, 1, 31, 23, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert json.loads(json_bytes([moment, date(2026, 1, 31)])) == ["2026-01-31T21:01:01.000Z", "2026-01-31"]


@pytest.mark.parametrize("value", [1.5, Decimal("NaN"), datetime(2026, 1, 1), b"x", {"a"}, "\ud83d", object()])
def test_what_cannot_be_sent_exactly_is_refused(value: Any) -> None:
    with pytest.raises(InputError):
        json_bytes({"records": [{"Field": value}]})


def test_an_http_date_is_whole_seconds_in_gmt() -> None:
    moment = datetime(2026, 2, 3, 4, 5, 6, 999999, tzinfo=UTC)
    assert http_date(moment) == "Tue, 03 Feb 2026 04:05:06 GMT"


def test_nan_from_a_server_is_not_taken_for_a_number() -> None:
    with pytest.raises(ValueError, match="NaN"):
        parse(b'{"Amount": NaN}')
