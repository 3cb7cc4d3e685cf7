"""The helpers mean what they say, and nothing but a reading SELECT passes."""

from datetime import UTC, date, datetime

import pytest

from sfsync.rules.sql import Clock, SqlProblem, Table, parse, render
from sfsync.warehouse import Warehouse

CLOCK = Clock(date(2026, 3, 15), datetime(2026, 3, 15, 12, 30, tzinfo=UTC), "America/New_York")
PARAMS = {
    "days": 3,
    "share": 0.25,
    "name": "it's :x %s \\",
    "none": None,
    "flag": True,
    "codes": ["a", "it's"],
    "aliases": {"old": "new", "x": "y"},
    "nothing": [],
}


@pytest.fixture(scope="module")
def con():
    warehouse = Warehouse("duckdb:///:memory:")
    with warehouse.read() as connection:
        yield connection
    warehouse.close()


def value(con, expression, **values):
    sql = render(parse(f"select {expression} as x", PARAMS), "duckdb", CLOCK, {**PARAMS, **values})
    return con.execution_options(no_parameters=True).exec_driver_sql(sql).scalar()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("as_of()", date(2026, 3, 15)),
        ("now_utc() = timestamptz '2026-03-15 12:30:00+00'", True),
        ("local_date(cast('2026-01-01 02:00:00+00' as timestamptz))", date(2025, 12, 31)),
        ("local_date(cast(null as timestamptz))", None),
        ("local_hour(timestamptz '2026-07-01 17:45:00+00') = 13.75", True),
        ("local_hour(timestamptz '2026-01-01 04:00:00+00') = 23", True),
        ("local_hour(cast(null as timestamptz))", None),
        ("days_between(date '2026-03-01', date '2026-03-15')", 14),
        ("days_between(date '2026-03-15', as_of())", 0),
        ("days_between(date '2026-03-20', as_of())", -5),
        ("days_between(null, as_of())", None),
        ("days_between(local_date(now_utc()), as_of())", 0),
        ("hours_between(timestamptz '2026-03-15 00:00:00+00', now_utc())", 12.5),
        ("hours_between(cast(null as timestamptz), now_utc())", None),
        ("greatest2(null, 3)", 3),
        ("greatest2(3, null)", 3),
        ("greatest2(1 + 1, 5 - 4)", 2),
        ("greatest2(null, null)", None),
        ("blank(null)", True),
        ("blank('')", True),
        ("blank(' \u00a0\u200b\u3000')", True),
        ("blank('x ')", False),
        ("not blank(' a')", True),
        ("same_org_domain('mail.acme.com', 'acme.com')", True),
        ("same_org_domain('acme.com', 'mail.acme.com')", True),
        ("same_org_domain('notacme.com', 'acme.com')", False),
        ("same_org_domain('acme.com', 'com')", False),
        ("same_org_domain(null, 'acme.com')", False),
        (":days + 1", 4),
        (":days * :share", 0.75),
        (":name", "it's :x %s \\"),
        (":none", None),
        (":flag", True),
        ("'b' in (cfg('codes'))", False),
        ("'it''s' in (cfg('codes'))", True),
        ("'a' not in (cfg('codes'))", False),
        ("'a' in (cfg('nothing'))", False),
        ("(select count(*) from cfg('nothing'))", 0),
        ("(select count(*) from cfg('codes') c where c.key is null)", 2),
        ("(select a.value from cfg('aliases') a where a.key = 'old')", "new"),
        ("(select max(value) from cfg('aliases'))", "y"),
    ],
)
def test_helpers(con, expression, expected):
    assert value(con, expression) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "delete from live.Lead",
        "update live.Lead set Status = null",
        "insert into live.Lead values (1)",
        "create table live.x as select 1 as Id",
        "drop table live.Lead",
        "select 1 as Id; select 2 as Id",
        "with gone as (delete from live.Lead returning Id) select Id from gone",
        "select Id into live.x from live.Lead",
        "select Id from live.Lead for update",
        "copy live.Lead to '/tmp/x'",
        "attach 'x.duckdb'",
        "set threads = 1",
        "pragma database_list",
        "values (1)",
        "",
        "-- nothing",
        "selec Id from live.Lead",
        "select Id from live.Lead where (",
        "select Id from Lead",
        "select Id from information_schema.tables",
        "select Id from other.live.Lead",
        "select Id from read_csv('/etc/passwd')",
        "select Id from read_text('/etc/passwd')",
        "select Id from '/etc/passwd'",
        "select Id from duckdb_settings()",
        "select getenv('HOME') as Id",
        "select pg_read_file('/etc/passwd') as Id",
        "select pg_sleep(10) as Id",
        "select query('select 1') as Id",
        "select current_date as Id",
        "select now() as Id",
        "select random() as Id",
        "select $1 as Id",
        "select :unknown as Id",
        "select :codes as Id",
        "select cfg('codes') as Id",
        "select 1 as Id where 'a' in (cfg('codes'), 'b')",
        "select 1 as Id where 'a' in (cfg('days'))",
        "select 1 as Id from cfg('unknown')",
        "select 1 as Id from cfg(codes)",
        "select blank() as Id",
        "select days_between(1) as Id",
    ],
)
def test_what_is_not_one_reading_select_is_refused(sql):
    with pytest.raises(SqlProblem):
        parse(sql, PARAMS)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select :dayz as Id", 'unknown parameter ":dayz". Nearest: "days"'),
        ("select blnk(1) as Id", 'unknown function "blnk". Nearest: "blank"'),
        ("select cfg('code') as Id", 'unknown parameter "code". Nearest: "codes"'),
        ("select now() as Id", "use as_of() or now_utc()"),
        ("select 1 as Id where (", "line 1"),
    ],
)
def test_a_refusal_says_what_and_what_is_near(sql, message):
    with pytest.raises(SqlProblem) as refused:
        parse(sql, PARAMS)
    assert message in str(refused.value)


def test_tables_and_columns_of_a_statement():
    found = parse(
        "with x as (select Id from live.Lead) "
        "select x.Id, n.email as Mail from x join sfsync.norm_Lead n on n.Id = x.Id "
        "where exists (select 1 from salesforce.Account)",
        {},
    )
    assert set(found.tables) == {"Lead", "norm_Lead", "salesforce.Account"}
    assert found.columns == ("Id", "Mail")
    assert parse("select * from live.Lead", {}).columns is None
    assert parse("select l.* from live.Lead l", {}).columns is None


def test_an_absent_table_is_an_empty_one_of_the_same_types(con):
    statement = parse(
        "select count(*) as n, bool_or(r.IsPrimary is true) as any from live.OpportunityContactRole r", {}
    )
    sql = render(statement, "duckdb", CLOCK, {}, {"OpportunityContactRole": Table(("Id", "IsPrimary"), there=False)})
    assert con.exec_driver_sql(sql).one() == (0, None)
    unnamed = parse("select max(Role.Amount) as m from live.Role", {})
    assert con.exec_driver_sql(
        render(unnamed, "duckdb", CLOCK, {}, {"Role": Table(("Amount",), there=False)})
    ).one() == (None,)


def test_both_dialects_are_written():
    statement = parse(
        "select Id, blank(Status) as b from live.Lead where days_between(CloseDate, as_of()) > :days", PARAMS
    )
    assert "TRIM(Status, " in render(statement, "duckdb", CLOCK, PARAMS)
    assert "FROM Status)" in render(statement, "postgresql", CLOCK, PARAMS)
