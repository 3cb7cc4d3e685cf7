"""Random conditions give the same leads in DuckDB as a plain evaluation in Python, with SOQL's two truth values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soql_small_org import RECORDS, SmallOrg, lead_id

Row = dict[str, Any]
Test = tuple[str, Callable[[Row], bool]]


@pytest.fixture(scope="module")
def org() -> Iterator[SmallOrg]:
    org = SmallOrg()
    yield org
    org.close()


def _text(row: Row, name: str) -> str | None:
    value = row.get(name)
    return None if value is None else str(value).lower()


def _equal(name: str, value: str) -> Test:
    return f"{name} = '{value}'", lambda row: _text(row, name) == value.lower()


def _unequal(name: str, value: str) -> Test:
    return f"{name} != '{value}'", lambda row: _text(row, name) != value.lower()


def _starts(name: str, value: str) -> Test:
    return f"{name} LIKE '{value}%'", lambda row: (_text(row, name) or "\0").startswith(value.lower())


def _among(name: str, values: list[str]) -> Test:
    listed = ", ".join(f"'{v}'" for v in values)
    return f"{name} IN ({listed})", lambda row: _text(row, name) in [v.lower() for v in values]


def _not_among(name: str, values: list[str]) -> Test:
    soql, test = _among(name, values)
    return soql.replace(" IN ", " NOT IN "), lambda row: not test(row)


def _null(name: str) -> Test:
    return f"{name} = null", lambda row: row.get(name) is None


def _more(number: int) -> Test:
    return f"NumberOfEmployees > {number}", lambda row: (row.get("NumberOfEmployees") or -1) > number


def _flag(value: bool) -> Test:
    return f"IsConverted = {value}", lambda row: row.get("IsConverted", False) == value


names = st.sampled_from(["Name", "Company", "Status"])
texts = st.sampled_from(["acme", "ACME", "bob", "Cy", "c", "open", "Imported", "ann"])
simple = st.one_of(
    st.builds(_equal, names, texts),
    st.builds(_unequal, names, texts),
    st.builds(_starts, names, texts),
    st.builds(_among, names, st.lists(texts, min_size=1, max_size=3)),
    st.builds(_not_among, names, st.lists(texts, min_size=1, max_size=3)),
    st.builds(_null, st.sampled_from(["Name", "NumberOfEmployees"])),
    st.builds(_more, st.integers(0, 300)),
    st.builds(_flag, st.booleans()),
)


def _negated(test: Test) -> Test:
    return f"NOT ({test[0]})", lambda row: not test[1](row)


def _joined(word: str, quantifier: Callable[[Any], bool]) -> Callable[[list[Test]], Test]:
    def join(tests: list[Test]) -> Test:
        return f" {word} ".join(f"({soql})" for soql, _ in tests), lambda row: quantifier(t(row) for _, t in tests)

    return join


def _compound(inner: st.SearchStrategy[Test]) -> st.SearchStrategy[Test]:
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(inner.map(_negated), several.map(_joined("AND", all)), several.map(_joined("OR", any)))


@settings(max_examples=200, deadline=None)
@given(condition=st.recursive(simple, _compound, max_leaves=8))
def test_conditions_mean_what_they_say(org: SmallOrg, condition: Test) -> None:
    soql, test = condition
    expected = [n for n in range(1, 6) for row in RECORDS["Lead"] if row["Id"] == lead_id(n) and test(row)]
    assert org.leads(soql, all_rows=True) == expected
