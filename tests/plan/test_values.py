from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.plan.values import dumps, loads, same, to_wire
from tests.plan.strategies import values


@given(values)
def test_wire_form_is_final_and_survives_json(value: Any) -> None:
    wire = to_wire(value)
    assert to_wire(wire) == wire
    back = loads(dumps(wire))
    assert back == wire
    assert type(back) is type(wire) or {type(back), type(wire)} == {int, Decimal}


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**14), max_value=10**14))
def test_decimals_keep_every_digit(value: Decimal) -> None:
    assert loads(dumps({"a": value}))["a"] == value
    assert format(value, "f") in dumps({"a": value})


def test_line_is_plain_json_with_unprintable_characters_escaped() -> None:
    text = "a\u2028b\u202ec\nd\ud800é😀\x85"
    line = dumps({"a": text})
    assert json.loads(line) == {"a": text}
    assert len(line.splitlines()) == 1
    assert "é😀" in line
    assert "\\u202e" in line


@pytest.mark.parametrize("text", ["NaN", "[1e999999999]", '{"a":1,"a":2}', "[" * 100_000, "{", "1" * 5000])
def test_unfit_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        loads(text)


@pytest.mark.parametrize("value", [datetime(2026, 1, 1), float("nan"), Decimal("Infinity"), [1], Decimal("1E+99")])
def test_values_without_a_wire_form_are_refused(value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        to_wire(value)


@pytest.mark.parametrize(
    ("type", "a", "b"),
    [
        ("string", "", None),
        ("currency", Decimal("1500.00"), 1500),
        ("currency", 1500.1, Decimal("1500.10")),
        ("percent", Decimal("33.333"), Decimal("33.33")),
        ("date", date(2026, 1, 31), "2026-01-31"),
        ("datetime", "2026-01-31T09:30:00.000+0000", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("datetime", "2026-01-31T09:30:00Z", datetime(2026, 1, 31, 10, 30, tzinfo=timezone(timedelta(hours=1)))),
        ("reference", "001000000000001", "001000000000001AAA"),
        ("multipicklist", "A;B", "B;A"),
        ("textarea", "a\r\nb", "a\nb"),
        ("boolean", None, False),
        ("boolean", "true", True),
    ],
)
def test_values_salesforce_holds_alike_are_the_same(type: str, a: object, b: object) -> None:
    assert same(a, b, type, 2)
    assert same(b, a, type, 2)


@pytest.mark.parametrize(
    ("type", "a", "b"),
    [
        ("string", "a", "A"),
        ("string", "1", 1),
        ("string", "a\r\nb", "a\nb"),
        ("currency", Decimal("0"), None),
        ("currency", Decimal("1.01"), Decimal("1.02")),
        ("boolean", True, None),
        ("datetime", "2026-01-31T09:30:00Z", "2026-01-31T09:30:01Z"),
        ("reference", "001000000000001AAA", "00100000000000aAAA"),
        ("email", "a@b.co ", "a@b.co"),
    ],
)
def test_values_salesforce_tells_apart_are_different(type: str, a: object, b: object) -> None:
    assert not same(a, b, type, 2)
