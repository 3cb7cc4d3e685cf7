from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.verify.cells import equal, typed


@pytest.mark.parametrize(
    ("json", "sql_type", "mirror"),
    [
        ("", "TEXT", None),
        (None, "DECIMAL(18,2)", None),
        ("NA", "TEXT", "NA"),
        ("007", "TEXT", "007"),
        (7, "BIGINT", 7),
        (7, "DECIMAL(18,2)", Decimal("7.00")),
        (Decimal("1.005"), "DECIMAL(18,2)", Decimal("1.01")),
        (Decimal("-1.005"), "DECIMAL(18,2)", Decimal("-1.01")),
        ("2026-02-03T04:05:06.000+0000", "TIMESTAMP WITH TIME ZONE", datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)),
        ("2026-02-03", "DATE", date(2026, 2, 3)),
        ("13:14:15.000Z", "TIME", time(13, 14, 15)),
        (True, "BOOLEAN", True),
    ],
)
def test_a_value_equals_what_its_column_holds(json, sql_type, mirror):
    assert equal(typed(json, sql_type), mirror)


@pytest.mark.parametrize(
    ("org", "mirror"),
    [(None, "None"), ("a", "A"), ("a", "a "), (0, None), (False, 0), (True, 1), (Decimal("1.00"), Decimal("1.01"))],
)
def test_near_misses_are_not_equal(org, mirror):
    assert not equal(org, mirror)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12))
def test_a_number_equals_itself_at_its_scale(number):
    assert equal(typed(number, "DECIMAL(38,6)"), number)


def test_what_is_no_number_is_said_to_be_none():
    with pytest.raises(ValueError, match="not a number"):
        typed("n/a", "DECIMAL(18,2)")
