"""WHERE, executed against a small org in DuckDB."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soql_small_org import ACME, NOW, SmallOrg, lead_id, schema

from sfsync.practice.soql import Options, compile_soql


@pytest.fixture(scope="module")
def org() -> Iterator[SmallOrg]:
    org = SmallOrg()
    yield org
    org.close()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("Company = 'acme'", [2, 3]),
        ("Company IN ('ACME', 'BACK\\\\slash')", [2, 3, 4]),
        ("Company NOT IN ('acme')", [1, 4]),
        ("Name LIKE 'ANN%'", [1]),
        ("NOT Name LIKE '%b%'", [1, 3, 4]),
        ("Company LIKE '50\\%%'", [1]),
        ("Company LIKE '%\\_'", [1]),
        ("Company LIKE '%k\\\\s%'", [4]),
        ("Company LIKE '5_% off_'", [1]),
        ("Name > 'BOB'", [3]),
        ("Name >= 'BOB' AND Name < 'D'", [2, 3]),
    ],
)
def test_text_compares_without_case(org: SmallOrg, where: str, expected: list[int]) -> None:
    assert org.leads(where) == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [("Code__c = 'x-1'", [1]), ("Code__c IN ('X-1')", [2]), ("Code__c LIKE 'X%'", [2]), ("Code__c = 'x-2'", [])],
)
def test_case_sensitive_fields_compare_with_case(org: SmallOrg, where: str, expected: list[int]) -> None:
    assert org.leads(where) == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("Name = null", [4]),
        ("Name = ''", [4]),
        ("Name != null", [1, 2, 3]),
        ("Name != 'bob'", [1, 3, 4]),
        ("Name <> 'bob'", [1, 3, 4]),
        ("NOT Name = 'bob'", [1, 3, 4]),
        ("NOT (Name = 'bob' OR Name = 'cy')", [1, 4]),
        ("Name IN (null, 'bob')", [2, 4]),
        ("Name NOT IN (null, 'bob')", [1, 3]),
        ("Name NOT IN ('bob')", [1, 3, 4]),
        ("NumberOfEmployees > 5", [1, 2]),
        ("NOT NumberOfEmployees > 5", [3, 4]),
    ],
)
def test_an_empty_field_is_unlike_any_value(org: SmallOrg, where: str, expected: list[int]) -> None:
    assert org.leads(where) == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("IsConverted = true", [1]),
        ("IsConverted = null", [2, 3, 4]),
        ("IsConverted != true", [2, 3, 4]),
        ("IsConverted IN (TRUE, false)", [1, 2, 3, 4]),
        ("IsConverted NOT IN (TRUE)", [2, 3, 4]),
        ("Owner.IsActive = false", [2]),
    ],
)
def test_a_boolean_is_never_null(org: SmallOrg, where: str, expected: list[int]) -> None:
    assert org.leads(where) == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("NumberOfEmployees = 10", [1]),
        ("NumberOfEmployees = 10.0", [1]),
        ("NumberOfEmployees IN (10, 2e2)", [1, 2]),
        ("NumberOfEmployees >= 10 AND NumberOfEmployees <= 200", [1, 2]),
        ("NumberOfEmployees > -5", [1, 2]),
        ("NumberOfEmployees < 99999999999999999", [1, 2]),
    ],
)
def test_numbers(org: SmallOrg, where: str, expected: list[int]) -> None:
    assert org.leads(where) == expected


def test_decimals_compare_exactly(org: SmallOrg) -> None:
    assert org.first("SELECT Name FROM Opportunity WHERE Amount = 1000.5") == ["Big"]
    assert org.first("SELECT Name FROM Opportunity WHERE Amount > 1000.499999999") == ["Big"]
    assert org.first("SELECT Name FROM Opportunity WHERE Amount IN (20, 1000.50)") == ["Big", "Small"]
    assert org.first("SELECT Name FROM Opportunity WHERE Probability > 1000000") == []


def test_ids_compare_in_either_length_and_with_case(org: SmallOrg) -> None:
    long_id = lead_id(1)
    assert org.leads(f"Id = '{long_id}'") == [1]
    assert org.leads(f"Id = '{long_id[:15]}'") == [1]
    assert org.leads(f"Id IN ('{long_id[:15]}', '{lead_id(2)}')") == [1, 2]
    assert org.leads(f"ConvertedAccountId = '{ACME[:15]}'") == [1]
    assert org.leads(f"Id > '{lead_id(2)}'") == [3, 4]
    assert org.leads("Id = '00q5e0000000001'") == []


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("Interests__c INCLUDES ('A')", [1, 3]),
        ("Interests__c includes ('A;C')", [3]),
        ("Interests__c INCLUDES ('b;c', 'C')", [2, 3]),
        ("Interests__c EXCLUDES ('A')", [2, 4]),
        ("Interests__c = 'B;A'", [1]),
        ("Interests__c = 'A'", []),
        ("Interests__c != 'A;B'", [2, 3, 4]),
        ("Interests__c = null", [4]),
        ("Interests__c INCLUDES (null, 'C')", [2, 3, 4]),
    ],
)
def test_multi_select(org: SmallOrg, where: str, expected: list[int]) -> None:
    assert org.leads(where) == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("CreatedDate = 2026-03-18T01:00:00Z", [1]),
        ("CreatedDate = 2026-03-18T02:00:00+01:00", [1]),
        ("CreatedDate > 2026-03-18T00:59:59.999Z", [1, 4]),
        ("CreatedDate < 2026-03-18T01:00:00.000-00:30", [1, 2, 3]),
        ("CreatedDate IN (2026-03-18T01:00:00Z, YESTERDAY)", [1, 2]),
        ("ConvertedDate = 2026-03-18", [1]),
        ("ConvertedDate >= 2026-03-19", []),
        ("ConvertedDate = TODAY", [1]),
        ("ConvertedDate != TODAY", [2, 3, 4]),
        ("BestTime__c = 09:30:00.000Z", [1]),
        ("BestTime__c < 09:00:00Z", []),
        ("CreatedDate = TODAY", [1]),
        ("CreatedDate = yesterday", [2]),
        ("CreatedDate = LAST_N_DAYS:1", [1, 2]),
        ("CreatedDate > TODAY", [4]),
        ("CreatedDate >= TODAY", [1, 4]),
        ("CreatedDate < TODAY", [2, 3]),
        ("CreatedDate <= TODAY", [1, 2, 3]),
        ("CreatedDate != THIS_YEAR", []),
        ("CreatedDate = LAST_90_DAYS", [1, 2, 3]),
        ("CALENDAR_MONTH(CreatedDate) = 1", [3]),
        ("HOUR_IN_DAY(CreatedDate) IN (1, 23)", [1, 2]),
        ("DAY_ONLY(CreatedDate) = 2026-03-17", [2]),
        ("DAY_IN_WEEK(CreatedDate) = 4", [1]),
    ],
)
def test_dates_and_times(org: SmallOrg, where: str, expected: list[int]) -> None:
    assert org.leads(where) == expected


def test_days_begin_at_the_users_midnight(org: SmallOrg) -> None:
    """1:00 UTC on the 18th is still the 17th in New York."""
    assert org.leads("CreatedDate = TODAY", timezone="America/New_York") == []
    assert org.leads("CreatedDate = YESTERDAY", timezone="America/New_York") == [1, 2]
    assert org.leads("DAY_ONLY(convertTimezone(CreatedDate)) = 2026-03-17", timezone="America/New_York") == [1, 2]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("Owner.Name = 'kim lee'", [1, 3, 4]),
        ("Owner.Type = 'Group'", [2]),
        ("ConvertedAccount.Name = 'acme'", [1]),
        ("ConvertedAccount.Owner.Name = 'Kim Lee'", [1]),
        ("ConvertedAccount.Name = null", [2, 3, 4]),
        ("Lead.Company = 'acme'", [2, 3]),
    ],
)
def test_parents(org: SmallOrg, where: str, expected: list[int]) -> None:
    assert org.leads(where) == expected


def test_semi_and_anti_joins(org: SmallOrg) -> None:
    semi = "SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE LastName LIKE '{}%')"
    assert org.first(semi.format("A")) == ["Acme"]
    assert org.first(semi.format("C")) == []
    assert org.first(semi.format("C"), all_rows=True) == ["Acme"]
    anti = "SELECT Name FROM Account WHERE Id NOT IN (SELECT AccountId FROM Contact WHERE LastName = 'Davis')"
    assert org.first(anti) == ["Acme"]
    both = "Id IN (SELECT ConvertedAccountId FROM Lead) AND Id NOT IN (SELECT AccountId FROM Opportunity)"
    assert org.first(f"SELECT Name FROM Account WHERE {both}") == []
    nested = "SELECT LastName FROM Contact WHERE AccountId IN (SELECT AccountId FROM Opportunity WHERE Amount > 500)"
    assert org.first(nested) == ["Adams", "Brown"]
    assert org.leads("OwnerId IN (SELECT Id FROM Group)") == [2]


def test_deleted_rows_only_with_all_rows(org: SmallOrg) -> None:
    assert org.leads("Company = 'Acme'") == [2, 3]
    assert org.leads("Company = 'Acme'", all_rows=True) == [2, 3, 5]
    assert org.leads("IsDeleted = true", all_rows=True) == [5]
    assert org.leads("IsDeleted = true") == []


def test_a_hidden_deleted_flag_still_hides_deleted_rows() -> None:
    org = SmallOrg()
    org.schema.hide("Lead", "IsDeleted")
    assert org.leads("Company = 'Acme'") == [2, 3]
    org.close()


def test_the_readers_of_a_formula_see_its_value(org: SmallOrg) -> None:
    soql = "SELECT Name, ExpectedRevenue FROM Opportunity WHERE ExpectedRevenue < 50 ORDER BY ExpectedRevenue DESC"
    assert [(n, float(e)) for n, e in org.values(soql)] == [("Small", 10.0)]


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40), st.booleans())
def test_quoted_text_reads_back_as_the_same_text(text: str, ascii_only: bool) -> None:
    soql = "SELECT Id FROM Lead WHERE Company = {}"
    compiled = compile_soql(soql.format(quote(text, ascii_only)), schema(), Options(now=NOW))
    assert compiled.params == [text]
    assert compiled.sql == compile_soql(soql.format("'x'"), schema(), Options(now=NOW)).sql


def quote(text: str, ascii_only: bool) -> str:
    """As a careful client writes text in SOQL."""
    names = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
    escaped = "".join(names.get(char, char) for char in text)
    if ascii_only:
        units = escaped.encode("utf-16-be")
        pairs = (int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2))
        escaped = "".join(chr(unit) if unit < 128 else f"\\u{unit:04x}" for unit in pairs)
    return f"'{escaped}'"
