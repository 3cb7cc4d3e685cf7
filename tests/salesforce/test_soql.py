from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.errors import InputError
from sfsync.salesforce import soql

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "'": "'", '"': '"', "\\": "\\", "%": "%", "_": "_"}


def read_back(literal: str) -> str:
    """A SOQL string literal read by the guide's rules: only listed escapes are legal, and no bare quote inside."""
    assert literal[0] == literal[-1] == "'"
    inner = literal[1:-1]
    assert re.fullmatch(r"(?:[^'\\]|\\[nrtbf'\"\\%_]|\\u[0-9a-fA-F]{4})*", inner)
    unescaped = re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", lambda m: chr(int(m[1], 16)) if m[1] else NAMED[m[2]], inner)
    return unescaped


@given(TEXT)
def test_a_text_literal_reads_back_as_the_same_text(text: str) -> None:
    assert read_back(soql.literal(text)) == text


@given(TEXT)
def test_a_literal_holds_no_line_break_or_control_character(text: str) -> None:
    assert not re.search(r"[\x00-\x1f\x7f]", soql.literal(text))


@given(TEXT)
def test_like_escapes_its_wildcards(text: str) -> None:
    literal = soql.like(text, before="%", after="%")
    assert literal.startswith("'%")
    assert literal.endswith("%'")
    inner = literal[2:-2]
    assert not re.search(r"(?<!\\)(?:\\\\)*[%_]", inner.replace("\\%", "").replace("\\_", ""))
    assert read_back(f"'{inner}'") == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_a_decimal_is_written_digit_by_digit(number: Decimal) -> None:
    literal = soql.literal(number)
    assert re.fullmatch(r"-?\d+(\.\d+)?", literal)
    assert Decimal(literal) == number


@given(st.datetimes(timezones=st.just(timezone(timedelta(hours=5, minutes=45))), min_value=datetime(1701, 1, 1)))
def test_a_datetime_is_written_in_utc(moment: datetime) -> None:
    if moment.year > 3999:
        return
    literal = soql.literal(moment)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", literal)
    assert abs(datetime.fromisoformat(literal) - moment) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "TRUE"),
        (False, "FALSE"),
        (0, "0"),
        (-12, "-12"),
        (Decimal("12345678901234567.89"), "12345678901234567.89"),
        (Decimal("1E+3"), "1000"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 23, 1, 1, tzinfo=UTC), "2026-01-31T23:01:01Z"),
        (datetime(2026, 1, 31, 23, 1, 1, tzinfo=timezone(timedelta(hours=-5))), "2026-02-01T04:01:01Z"),
        ("O'Brien \\ Söhne", "'O\\'Brien \\\\ Söhne'"),
    ],
)
def test_each_type_is_written_as_soql_wants_it(value: Any, written: str) -> None:
    assert soql.literal(value) == written


@pytest.mark.parametrize(
    ("value", "because"),
    [
        (1.5, "binary float"),
        (float("nan"), "binary float"),
        (Decimal("NaN"), "not a number"),
        (Decimal("Infinity"), "not a number"),
        (datetime(2026, 1, 1), "no time zone"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), "outside the dates"),
        (date(1600, 1, 1), "outside the dates"),
        (date(4001, 1, 1), "outside the dates"),
        (["a"], "in_list"),
        (b"a", "cannot be written"),
        ("\ud800", "surrogate"),
    ],
)
def test_what_would_change_its_meaning_is_refused(value: Any, because: str) -> None:
    with pytest.raises(InputError, match=because):
        soql.literal(value)


def test_a_list_of_one_has_no_trailing_comma() -> None:
    assert soql.in_list(["a"]) == "('a')"


def test_a_list_names_each_value_once_in_order() -> None:
    assert soql.in_list(["b", "a'", "b"]) == "('b','a\\'')"


def test_an_empty_list_and_a_bare_text_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        soql.in_list([])
    with pytest.raises(ValueError, match="not one text"):
        soql.in_list("abc")


def test_select_puts_the_parts_in_order() -> None:
    text = soql.select("Lead", ["Id", "Owner.Name"], "Status = 'New'", ["SystemModstamp", "Id DESC"], 5)
    assert text == "SELECT Id, Owner.Name FROM Lead WHERE Status = 'New' ORDER BY SystemModstamp, Id DESC LIMIT 5"


@pytest.mark.parametrize(
    "arguments",
    [
        ("Lead; DROP", ["Id"]),
        ("Lead", []),
        ("Lead", "Id"),
        ("Lead", ["Id FROM User WHERE"]),
        ("Lead", ["Id"], None, "Id; x"),
        ("Lead", ["Id"], None, None, 0),
    ],
)
def test_select_refuses_what_is_no_name(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(InputError):
        soql.select(*arguments)


def test_a_query_path_keeps_plus_quotes_and_unicode() -> None:
    text = "SELECT Id FROM Lead WHERE Name = 'A+B & C=ü' AND X > 2026-01-01T00:00:00+01:00"
    path = soql.path(text, all_rows=True)
    assert urlsplit(path).path == "queryAll"
    assert parse_qs(urlsplit(path).query) == {"q": [text]}


@pytest.mark.parametrize(
    ("text", "sobject"),
    [
        ("SELECT Id FROM Lead", "Lead"),
        ("select id, (select Id from Contacts) from Account where Name = ' from X'", "Account"),
        ("SELECT Id FROM\nOpportunity WHERE AccountId IN (SELECT Id FROM Account)", "Opportunity"),
        ("nonsense", ""),
    ],
)
def test_the_outermost_object_is_found(text: str, sobject: str) -> None:
    assert soql.from_object(text) == sobject


def test_keywords_in_texts_and_subqueries_do_not_count() -> None:
    text = "SELECT Id, (SELECT Id FROM Contacts LIMIT 1) FROM Account WHERE Name = 'No LIMIT \\' GROUP BY'"
    assert not soql.has_keyword(text, "LIMIT", "GROUP BY")
    assert soql.has_keyword("SELECT Status FROM Lead GROUP  BY Status", "GROUP BY")
