"""What every warehouse promises, whatever database it is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from sfsync.errors import Locked, WarehouseError
from sfsync.warehouse import Warehouse, schema
from tests.warehouse.holder import IN_A_RUN, IN_A_WRITE, holding

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEAD = [
    {"name": "Id", "type": "id"},
    {"name": "ConvertedAccountId", "type": "reference"},
    {"name": "Amount__c", "type": "currency", "precision": 18, "scale": 2},
    {"name": "IsDeleted", "type": "boolean"},
]


def test_a_write_that_raises_leaves_nothing_behind(warehouse):
    with warehouse.write() as con:
        con.execute(text("INSERT INTO sfsync.meta VALUES ('a', '1')"))
    with pytest.raises(ZeroDivisionError), warehouse.write() as con:
        assert con.execute(text("INSERT INTO sfsync.meta VALUES ('b', '2')")).rowcount / 0
    with warehouse.read() as con:
        assert warehouse.meta(con) == {"format": "1", "a": "1"}


def test_reading_cannot_write(warehouse):
    with warehouse.write():
        pass
    for sql in (
        "INSERT INTO sfsync.meta VALUES ('x', 'y')",
        "DROP TABLE sfsync.meta",
        "CREATE TABLE sfsync.x (a INT)",
        "CREATE SCHEMA other",
    ):
        with warehouse.read() as con, pytest.raises(sa.exc.DBAPIError):
            con.exec_driver_sql(sql)
    with warehouse.read() as con:
        assert warehouse.meta(con) == {"format": "1"}


def test_nothing_exists_before_the_first_write(warehouse):
    assert not warehouse.exists
    with pytest.raises(WarehouseError, match="Run `sfsync pull` first"), warehouse.read():
        pass
    with warehouse.write():
        pass
    assert warehouse.exists


def test_a_warehouse_of_an_earlier_version_gets_what_it_lacks_before_it_is_read(warehouse, warehouse_url):
    with warehouse.write() as con:
        con.execute(text("INSERT INTO sfsync.waivers (rule, reason) VALUES ('A-1', 'why')"))
        con.execute(text("DROP TABLE sfsync.picklists"))
        con.execute(text("ALTER TABLE sfsync.findings DROP COLUMN waived"))
    for door in (Warehouse.read, Warehouse.draft):
        later = Warehouse(warehouse_url)
        with door(later) as opened:
            con = getattr(opened, "con", opened)
            assert con.execute(text("SELECT rule FROM sfsync.waivers")).scalars().all() == ["A-1"]
            assert con.execute(text("SELECT waived FROM sfsync.findings")).all() == []
            assert con.execute(text("SELECT listed FROM sfsync.picklists")).all() == []
        later.close()


def test_a_second_warehouse_on_the_same_database_finds_what_is_there(warehouse, warehouse_url):
    with warehouse.write() as con:
        con.execute(text("INSERT INTO sfsync.meta VALUES ('a', '1')"))
    other = Warehouse(warehouse_url)
    assert other.exists
    with other.write() as con:
        assert other.meta(con)["a"] == "1"
    other.close()


def test_another_format_is_refused(warehouse, warehouse_url):
    with warehouse.write() as con:
        con.execute(text("UPDATE sfsync.meta SET value = '99' WHERE key = 'format'"))
    with pytest.raises(WarehouseError, match="format 99"), Warehouse(warehouse_url).write():
        pass


def test_a_second_writer_waits_and_then_names_the_first(warehouse, warehouse_url):
    with holding(warehouse_url, IN_A_WRITE) as other:
        told: list[str] = []
        waiting = Warehouse(warehouse_url, wait=0.3, on_wait=told.append)
        with pytest.raises(Locked, match=rf"process {other.pid}\b") as caught, waiting.write():
            pass
        assert caught.value.exit_code == 5
        assert len(told) == 1
        assert str(other.pid) in told[0]
    with waiting.write() as con:
        assert waiting.meta(con)["half"] == "done"


def test_a_writer_that_is_killed_leaves_the_old_state(warehouse, warehouse_url):
    with warehouse.write() as con:
        con.execute(text("INSERT INTO sfsync.meta VALUES ('a', '1')"))
    with holding(warehouse_url, IN_A_WRITE) as other:
        other.kill()
        other.wait()
    with Warehouse(warehouse_url, wait=5).write() as con:
        assert warehouse.meta(con) == {"format": "1", "a": "1"}


def test_a_second_run_ends_at_once_and_names_the_first(warehouse, warehouse_url):
    with warehouse.write():
        pass
    with (
        holding(warehouse_url, IN_A_RUN) as other,
        pytest.raises(Locked, match=rf"sfsync pull, process {other.pid}\b.*since 20\d\d-") as caught,
        warehouse.run_lock("check"),
    ):
        pass
    assert caught.value.exit_code == 5
    with warehouse.run_lock("check"), warehouse.write():
        pass


def test_the_run_lock_ends_with_its_process(warehouse, warehouse_url):
    with holding(warehouse_url, IN_A_RUN) as other:
        other.kill()
        other.wait()
        with warehouse.run_lock("check"):
            pass


def test_columns_are_spelt_as_salesforce_spells_them(warehouse):
    with warehouse.write() as con:
        schema.ensure(con, "Lead", LEAD, NOW)
        for name in ("SALESFORCE.lead", "live.Lead"):
            assert list(warehouse.columns(con, name)) == [
                *("Id", "ConvertedAccountId", "Amount__c", "IsDeleted"),
                *("_deleted_reason", "_pulled_at"),
            ]
        kinds = warehouse.columns(con, "live.Lead")
        assert kinds["Amount__c"] in ("DECIMAL(18,2)", "NUMERIC(18,2)")
        assert kinds["IsDeleted"] == "BOOLEAN"
        assert warehouse.has_table(con, "salesforce.Lead")
        assert not warehouse.has_table(con, "salesforce.Leads")


def test_rows_come_with_salesforces_names_and_values(warehouse):
    with warehouse.write() as con:
        schema.ensure(con, "Lead", LEAD, NOW)
        warehouse.load(con, "salesforce.Lead", ["Id", "Amount__c", "IsDeleted"], [("00Q1", Decimal("1.50"), False)])
        found = list(warehouse.rows(con, "SELECT id, Amount__c, IsDeleted, 1 AS n FROM live.Lead"))
        assert found == [{"Id": "00Q1", "Amount__c": Decimal("1.50"), "IsDeleted": False, "n": 1}]
        assert list(warehouse.rows(con, "SELECT Id FROM live.Lead WHERE Id = :id", {"id": "00Q2"})) == []


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT Id, convertedaccountid FROM live.Lead", ["Id", "ConvertedAccountId"]),
        ("SELECT l.* FROM (SELECT Id, Amount__c FROM salesforce.Lead) l", ["Id", "Amount__c"]),
        ("WITH l AS (SELECT Id FROM live.Lead) SELECT Id, count(*) AS n FROM l GROUP BY Id", ["Id", "n"]),
        ("SELECT Id FROM live.Lead UNION SELECT ConvertedAccountId FROM live.Lead", ["Id"]),
        ("SELECT sum(Amount__c) AS Amount__c FROM live.Lead", ["Amount__c"]),
        ("SELECT id, sobject FROM sfsync.findings", ["id", "sobject"]),
        ("SELECT * FROM live.Lead", ["Id", "ConvertedAccountId", "Amount__c", "IsDeleted", *schema.OWN_COLUMNS]),
    ],
)
def test_a_results_columns_have_salesforces_names_also_without_rows(warehouse, sql, names):
    with warehouse.write() as con:
        schema.ensure(con, "Lead", LEAD, NOW)
    with warehouse.read() as con:
        found, rows = warehouse.select(con, sql)
        assert found == names
        assert len(list(rows)) <= 1


def test_sql_by_hand_may_hold_percent_signs_and_colons(warehouse):
    with warehouse.write() as con:
        assert list(warehouse.rows(con, "SELECT 'a:b %s 10%' AS x WHERE 'abc' LIKE '%b%'")) == [{"x": "a:b %s 10%"}]


def test_ids_are_ordered_byte_by_byte(warehouse):
    ids = ["00Qb", "00QA", "00Qa", "00QB"]
    with warehouse.write() as con:
        schema.ensure(con, "Lead", LEAD, NOW)
        warehouse.load(con, "salesforce.Lead", ["Id"], [(i,) for i in ids])
        assert [r["Id"] for r in warehouse.rows(con, "SELECT Id FROM live.Lead ORDER BY Id")] == sorted(ids)


def test_rows_may_be_made_of_what_the_same_connection_reads(warehouse):
    with warehouse.write() as con:
        schema.ensure(con, "Lead", LEAD, NOW)

        def rows():
            yield (con.exec_driver_sql("SELECT 'first'").scalar_one(),)
            yield (con.exec_driver_sql("SELECT 'second'").scalar_one(),)

        assert warehouse.load(con, "salesforce.Lead", ["Id"], rows()) == 2


CELL = st.one_of(st.none(), st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00")))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            CELL,
            CELL,
            st.one_of(st.none(), st.booleans()),
            st.one_of(st.none(), st.decimals(min_value=-(10**28), max_value=10**28, places=9)),
            st.one_of(st.none(), st.datetimes(datetime(1700, 1, 1), datetime(4000, 1, 1), timezones=st.just(UTC))),
            st.one_of(st.none(), st.dates(date(1700, 1, 1), date(4000, 1, 1))),
        ),
        max_size=20,
    )
)
def test_every_value_survives_a_load(warehouse, rows):
    columns = ("a", "b", "c", "d", "e", "f", "n")
    typed = "a TEXT, b TEXT, c BOOLEAN, d DECIMAL(38,9), e TIMESTAMP WITH TIME ZONE, f DATE, n INT"
    with warehouse.write() as con:
        con.exec_driver_sql("DROP TABLE IF EXISTS sfsync.t")
        con.exec_driver_sql(f"CREATE TABLE sfsync.t ({typed})")
        numbered = [(*row, i) for i, row in enumerate(rows)]
        assert warehouse.load(con, "sfsync.t", columns, numbered) == len(rows)
        found = [tuple(row) for row in con.exec_driver_sql("SELECT * FROM sfsync.t ORDER BY n")]
    assert found == numbered


def test_money_of_sixteen_digits_is_exact(warehouse):
    with warehouse.write() as con:
        con.exec_driver_sql("CREATE TABLE sfsync.t (d DECIMAL(18,2))")
        warehouse.load(con, "sfsync.t", ["d"], [(Decimal("1234567890123456.78"),)])
        assert con.exec_driver_sql("SELECT d FROM sfsync.t").scalar() == Decimal("1234567890123456.78")


def test_an_url_of_no_known_database_is_refused_without_its_password():
    with pytest.raises(WarehouseError, match="duckdb:///FILE") as caught:
        Warehouse("mysql://me:hidden@host/db")
    assert "hidden" not in str(caught.value)
