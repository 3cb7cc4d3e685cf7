"""Similarity is Jaro-Winkler: the same numbers as a database that has it."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.normalise.similar import similarity

NAMES = st.text(alphabet="abcdeé 上", max_size=12)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("martha", "marhta", 0.9611),
        ("dwayne", "duane", 0.8400),
        ("dixon", "dicksonx", 0.8133),
        ("acme", "acme", 1.0),
        ("acme", "bolt", 0.0),
        ("acme", "", 0.0),
        ("", "", 0.0),
        (None, "acme", 0.0),
        (None, None, 0.0),
    ],
)
def test_known_values(a, b, expected):
    assert similarity(a, b) == pytest.approx(expected, abs=5e-5)


@given(NAMES, NAMES)
def test_it_is_symmetric_and_between_0_and_1(a, b):
    assert similarity(a, b) == similarity(b, a)
    assert 0.0 <= similarity(a, b) <= 1.0


@given(NAMES.filter(bool))
def test_equal_texts_are_1(a):
    assert similarity(a, a) == 1.0


@given(st.text(alphabet="abcde ", min_size=1, max_size=10), st.text(alphabet="abcde ", min_size=1, max_size=10))
def test_duckdb_says_the_same(a, b):
    row = duckdb.execute("SELECT jaro_winkler_similarity(?, ?)", [a, b]).fetchone()
    assert similarity(a, b) == pytest.approx(row[0], abs=1e-9)
