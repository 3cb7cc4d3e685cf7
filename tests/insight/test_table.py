from __future__ import annotations

import math
import statistics
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.insight.table import Spread, exact, plain

VALUES = st.lists(st.integers(-5, 20) | st.decimals(-5, 20, places=1), max_size=40)


@given(VALUES, st.integers(1, 100))
def test_a_spread_says_what_the_list_of_its_values_would(values: list[int | Decimal], percent: int) -> None:
    spread = Spread((value, 1) for value in values)
    assert spread.n == len(values)
    if not values:
        assert (spread.mean, spread.median, spread.percentile(percent), spread.largest) == (None, None, None, None)
        return
    ordered = sorted(Fraction(v) for v in values)
    assert spread.median == statistics.median(ordered)
    assert spread.percentile(percent) == ordered[math.ceil(Fraction(percent * len(values), 100)) - 1]
    assert Fraction(spread.sum) == sum(ordered)
    assert spread.mean is not None
    assert Fraction(spread.mean) == pytest.approx(statistics.mean(ordered))
    assert spread.between(0, 5) == sum(0 <= v <= 5 for v in ordered)
    assert spread.between(3, None) == sum(v >= 3 for v in ordered)


def test_a_value_that_came_often_counts_often() -> None:
    spread = Spread([(10, 3), (20, 1)]).merge(Spread([(10, 1), (40, 1)]))
    assert (spread.n, spread.median, spread.largest) == (6, 10, 40)
    assert spread.mean == Decimal(100) / 6


@pytest.mark.parametrize(
    ("stored", "shown"), [("10.0000", "10"), ("12.5000", "12.5"), ("0.0000", "0"), ("100.0000", "100")]
)
def test_a_percentage_has_no_zeros_behind_it(stored: str, shown: str) -> None:
    assert str(exact(Decimal(stored))) == shown


def test_whole_amounts_are_exact_in_json_whatever_their_size() -> None:
    assert plain(Decimal("9007199254740993.00")) == 9007199254740993
    assert plain(Decimal("0.10")) == 0.1
