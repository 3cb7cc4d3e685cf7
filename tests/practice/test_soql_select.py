"""Select lists, parents, children, sorting and grouping, executed against a small org in DuckDB."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from soql_small_org import ACME, BETA, GONE, KIM, SALES, SmallOrg, lead_id

from sfsync.practice.soql.parse import parse


@pytest.fixture(scope="module")
def org() -> Iterator[SmallOrg]:
    org = SmallOrg()
    yield org
    org.close()


def test_columns_keep_the_order_asked_for_and_the_schemas_spelling(org: SmallOrg) -> None:
    compiled = org.compile("select name, ID, owner.NAME from lead")
    assert compiled.sobject == "Lead"
    assert compiled.kind == "rows"
    assert [c.label for c in compiled.columns] == ["Name", "Id", "Owner.Name"]
    assert [c.path for c in compiled.columns] == [("Name",), ("Id",), ("Owner", "Name")]
    assert [c.type for c in compiled.columns] == ["string", "id", "string"]


def test_rows_come_by_id_without_an_order(org: SmallOrg) -> None:
    assert org.first("SELECT Id FROM Lead WHERE Company != null") == [lead_id(n) for n in (1, 2, 3, 4)]


def test_every_row_carries_its_id(org: SmallOrg) -> None:
    compiled = org.compile("SELECT Name FROM Lead LIMIT 2")
    assert compiled.id_index == 1
    assert [row[1] for row in org.rows("SELECT Name FROM Lead LIMIT 2")] == [lead_id(1), lead_id(2)]


def test_alias_and_object_name_stand_before_a_field(org: SmallOrg) -> None:
    assert org.first("SELECT l.Name FROM Lead l WHERE l.Owner.Name = 'Sales queue'") == ["bob"]
    assert org.first("SELECT Account.Name FROM Account WHERE Account.Parent.Name = 'Acme'") == ["beta"]
    assert org.first("SELECT c.Account.Name FROM Contact c WHERE c.LastName = 'Davis'") == ["beta"]


def test_parents_tell_whether_they_exist(org: SmallOrg) -> None:
    soql = "SELECT LastName, Account.Parent.Name, Account.Name FROM Contact ORDER BY LastName"
    compiled, rows = org.compile(soql), org.rows(soql)
    assert [p.path for p in compiled.parents] == [("Account",), ("Account", "Parent")]
    account, parent = compiled.parents
    assert [row[account.id_index] for row in rows] == [ACME, ACME, BETA, None]
    assert [row[parent.id_index] for row in rows] == [None, None, ACME, None]
    assert [row[1:3] for row in rows] == [(None, "Acme"), (None, "Acme"), ("Acme", "beta"), (None, None)]


def test_a_polymorphic_parent_tells_its_type(org: SmallOrg) -> None:
    soql = "SELECT Owner.Name, Owner.Email, Owner.Type FROM Lead LIMIT 2"
    compiled, rows = org.compile(soql), org.rows(soql)
    (owner,) = compiled.parents
    assert owner.sobjects == ("Group", "User")
    assert owner.type_index is not None
    assert [(row[owner.id_index], row[owner.type_index]) for row in rows] == [(KIM, "User"), (SALES, "Group")]
    assert [row[:3] for row in rows] == [("Kim Lee", "kim@example.com", "User"), ("Sales queue", None, "Group")]


def test_a_parent_only_filtered_by_is_not_in_the_answer(org: SmallOrg) -> None:
    assert org.compile("SELECT Id FROM Contact WHERE Account.Name = 'x'").parents == ()


def test_a_deleted_parent_is_seen_only_with_all_rows(org: SmallOrg) -> None:
    soql = "SELECT ConvertedAccount.Name FROM Lead WHERE ConvertedAccountId = '" + GONE + "'"
    assert org.first(soql) == [None]
    assert org.first(soql, all_rows=True) == ["Gone"]


def test_a_compound_address_comes_as_its_parts(org: SmallOrg) -> None:
    soql = "SELECT BillingAddress, Name FROM Account WHERE Name = 'Acme'"
    compiled, (row,) = org.compile(soql), org.rows(soql)
    parts = compiled.columns[0].parts
    assert {name: row[i] for name, i in parts.items()} == {"BillingStreet": "1 Main St", "BillingCity": "Oslo"}
    assert row[:2] == (None, "Acme")


def test_type_of(org: SmallOrg) -> None:
    soql = "SELECT Id, TYPEOF Owner WHEN User THEN Email, IsActive ELSE Name END, Company FROM Lead LIMIT 2"
    compiled, rows = org.compile(soql), org.rows(soql)
    (owner,) = compiled.typeofs
    assert (owner.relationship, owner.position) == ("Owner", 1)
    shown = []
    for row in rows:
        columns = owner.columns_for(row[owner.type_index])
        assert columns is not None
        shown.append({column.label: row[i] for column, i in columns})
    assert shown == [{"Email": "kim@example.com", "IsActive": True}, {"Name": "Sales queue"}]
    assert [c.label for c in compiled.columns] == ["Id", "Company"]


def test_children_are_limited_within_each_parent(org: SmallOrg) -> None:
    compiled = org.compile("SELECT Id, (SELECT LastName FROM Contacts ORDER BY LastName DESC LIMIT 1) FROM Account")
    (child,) = compiled.children
    assert (child.label, child.position, child.query.sobject) == ("Contacts", 1, "Contact")
    assert org.children(compiled, [ACME, BETA]) == [(ACME, "Brown"), (BETA, "Davis")]
    assert org.children(compiled, [BETA]) == [(BETA, "Davis")]
    assert org.children(compiled, []) == []


def test_children_take_conditions_offsets_and_parents_of_their_own(org: SmallOrg) -> None:
    soql = "SELECT (SELECT ReportsTo.LastName, Id FROM Account.Contacts WHERE LastName != 'x' OFFSET 1) FROM Account"
    compiled = org.compile(soql)
    assert org.children(compiled, [ACME, BETA]) == [(ACME, "Adams")]
    assert [p.path for p in compiled.children[0].query.parents] == [("ReportsTo",)]
    everything = org.compile("SELECT (SELECT LastName FROM Contacts) FROM Account", all_rows=True)
    assert [name for _, name in org.children(everything, [ACME])] == ["Adams", "Brown", "Clark"]


def test_fields_all_and_standard(org: SmallOrg) -> None:
    names = [c.label for c in org.compile("SELECT FIELDS(ALL) FROM Lead LIMIT 200").columns]
    assert names == list(org.schema.sobjects["Lead"].fields)
    standard = [c.label for c in org.compile("SELECT FIELDS(STANDARD), Code__c FROM Lead").columns]
    assert standard == [n for n in names if not n.endswith("__c")] + ["Code__c"]
    custom = org.compile(f"SELECT FIELDS(CUSTOM) FROM Lead WHERE Id IN ('{lead_id(1)}')")
    assert [c.label for c in custom.columns] == ["BestTime__c", "Interests__c", "Code__c"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("Name", [4, 1, 2, 3]),
        ("Name ASC NULLS LAST", [1, 2, 3, 4]),
        ("Name DESC", [4, 3, 2, 1]),
        ("Name DESC NULLS LAST", [3, 2, 1, 4]),
        ("Status", [2, 1, 3, 4]),
        ("Status DESC", [4, 3, 1, 2]),
        ("Company, CreatedDate", [1, 3, 2, 4]),
        ("Company, CreatedDate DESC", [1, 2, 3, 4]),
        ("ConvertedAccount.Name NULLS LAST, Id", [2, 3, 4, 1]),
        ("NumberOfEmployees DESC NULLS LAST", [2, 1, 3, 4]),
    ],
)
def test_order(org: SmallOrg, order: str, expected: list[int]) -> None:
    assert org.leads(f"Company != null ORDER BY {order}") == expected


def test_limit_and_offset(org: SmallOrg) -> None:
    assert org.leads("Company != null ORDER BY Id LIMIT 2 OFFSET 1") == [2, 3]
    assert org.leads("Company != null LIMIT 0") == []


def test_accepted_clauses_change_nothing(org: SmallOrg) -> None:
    soql = "SELECT Id FROM Lead USING SCOPE everything WHERE Name = 'bob' WITH SECURITY_ENFORCED LIMIT 5 FOR VIEW"
    assert org.first(soql) == [lead_id(2)]


def test_count_alone_gives_the_size(org: SmallOrg) -> None:
    compiled = org.compile("select count() from Lead")
    assert (compiled.kind, compiled.columns) == ("count", ())
    assert org.rows("SELECT COUNT() FROM Lead") == [(4,)]
    assert org.rows("SELECT COUNT() FROM Lead", all_rows=True) == [(5,)]
    assert org.rows("SELECT COUNT() FROM Lead WHERE Company = 'acme'") == [(2,)]
    assert org.rows("SELECT COUNT() FROM Lead LIMIT 3") == [(3,)]


def test_aggregates_ignore_nulls_and_are_called_expr(org: SmallOrg) -> None:
    soql = (
        "SELECT COUNT(Id), COUNT(Amount) n, SUM(Amount), AVG(Probability), MIN(CloseDate), MAX(Name) FROM Opportunity"
    )
    compiled = org.compile(soql)
    assert compiled.kind == "aggregate"
    assert [c.label for c in compiled.columns] == ["expr0", "n", "expr1", "expr2", "expr3", "expr4"]
    assert [c.type for c in compiled.columns] == ["int", "int", "currency", "double", "date", "string"]
    (row,) = org.values(soql)
    assert row[:3] == (3, 2, Decimal("1020.50"))
    assert row[3] == pytest.approx(110 / 3)
    assert row[4:] == (date(2025, 12, 1), "Small")
    assert org.values("SELECT COUNT_DISTINCT(Company) FROM Lead") == [(3,)]


def test_groups(org: SmallOrg) -> None:
    soql = "SELECT Company, COUNT(Id) FROM Lead GROUP BY Company ORDER BY COUNT(Id) DESC, Company"
    assert org.values(soql) == [("ACME", 2), ("50% off_", 1), ("back\\slash", 1)]
    having = "SELECT Company c FROM Lead GROUP BY Company HAVING COUNT(Id) > 1 AND Company LIKE 'a%'"
    assert org.values(having) == [("ACME",)]
    assert [c.label for c in org.compile(having).columns] == ["c"]


def test_groups_of_a_parent_field_are_called_by_the_field(org: SmallOrg) -> None:
    soql = "SELECT Owner.Name, COUNT(Id) FROM Lead GROUP BY Owner.Name"
    assert [c.label for c in org.compile(soql).columns] == ["Name", "expr0"]
    assert org.values(soql) == [("Kim Lee", 3), ("Sales queue", 1)]


def test_groups_by_parts_of_a_date(org: SmallOrg) -> None:
    soql = "SELECT CALENDAR_YEAR(CloseDate), SUM(Amount) FROM Opportunity GROUP BY CALENDAR_YEAR(CloseDate)"
    assert org.values(soql) == [(2025, Decimal("20.00")), (2026, Decimal("1000.50"))]
    assert [c.label for c in org.compile(soql).columns] == ["expr0", "expr1"]
    fiscal = "SELECT FISCAL_YEAR(CloseDate) y, FISCAL_QUARTER(CloseDate) q FROM Opportunity GROUP BY {0} ORDER BY {0}"
    by = "FISCAL_YEAR(CloseDate), FISCAL_QUARTER(CloseDate)"
    assert org.values(fiscal.format(by), fiscal_start_month=2) == [(2026, 4), (2027, 1)]
    assert org.values(fiscal.format(by), fiscal_start_month=2, fiscal_year_by_start=True) == [(2025, 4), (2026, 1)]
    assert org.values(fiscal.format(by)) == [(2025, 4), (2026, 1)]
    zoned = "SELECT DAY_ONLY(convertTimezone(CreatedDate)) FROM Lead WHERE Name = 'bob' GROUP BY {}"
    zoned = zoned.format("DAY_ONLY(convertTimezone(CreatedDate))")
    assert org.values(zoned, timezone="Asia/Tokyo") == [(date(2026, 3, 18),)]


def test_picklist_groups_sort_by_setup(org: SmallOrg) -> None:
    soql = "SELECT Status, COUNT(Id) FROM Lead GROUP BY Status ORDER BY Status"
    assert [row[0] for row in org.values(soql)] == ["Open", "Working", "Closed", "Imported"]


def test_bulk_adds_no_hidden_columns_and_no_order(org: SmallOrg) -> None:
    compiled = org.compile("SELECT Name, Owner.Name FROM Lead", bulk=True)
    assert (compiled.id_index, compiled.parents) == (None, ())
    assert "ORDER BY" not in compiled.sql
    description = org.connection.execute(compiled.sql, compiled.params).description
    assert description is not None
    assert [column[0] for column in description] == ["Name", "Owner.Name"]
    old = org.compile("SELECT Name, Company FROM Lead", bulk=True, version=49.0)
    assert [c.label for c in old.columns] == ["Company", "Name"]
    assert "BillingAddress" not in [
        c.label for c in org.compile("SELECT FIELDS(STANDARD) FROM Account", bulk=True).columns
    ]


def test_a_result_can_be_kept_as_a_table(org: SmallOrg) -> None:
    """Every result column has a name of its own, and the statement takes its parameters inside CREATE TABLE."""
    compiled = org.compile("SELECT Name, Owner.Name, Owner.Id FROM Lead WHERE Company LIKE 'a%' ORDER BY Status")
    org.connection.execute(f"CREATE OR REPLACE TEMP TABLE kept AS {compiled.sql}", compiled.params)
    kept = org.connection.execute("SELECT count(*) FROM kept").fetchone()
    assert kept == (2,)


def test_long_select_lists_are_read_fast(org: SmallOrg) -> None:
    """60 fields in 3 ms, and 20,000 characters at all. Best of several runs, so that a busy machine does not matter."""
    sixty = "SELECT " + ", ".join(f"Some_Field_{i}__c" for i in range(60)) + " FROM Lead WHERE CreatedDate > TODAY"
    durations = []
    for attempt in range(10):
        started = time.perf_counter()
        parse(f"{sixty} LIMIT {attempt}")
        durations.append(time.perf_counter() - started)
    assert min(durations) < 0.003
    long = "SELECT " + ", ".join(f"Some_Long_Field_{i}__c" for i in range(900)) + " FROM Lead"
    assert len(long) > 20_000
    assert len(parse(long).items) == 900


def test_many_values_and_conditions(org: SmallOrg) -> None:
    ids = ", ".join(f"'{lead_id(n)}'" for n in range(1, 3000))
    assert org.leads(f"Id IN ({ids})") == [1, 2, 3, 4]
    any_of = " OR ".join(f"Company = 'c{n}'" for n in range(1500))
    assert org.leads(f"{any_of} OR Company = 'acme'") == [2, 3]
