"""JSON records, Bulk CSV, snapshots, dump and load, and what stands behind the API."""

from __future__ import annotations

import csv
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sfsync.practice.clock import Clock
from sfsync.practice.ids import make_id
from sfsync.practice.org import ApiError, Caller, PracticeOrg
from sfsync.practice.schema import Field

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOSTILE = 'a "quoted", comma\nnewline \r\n crlf \u2028 é 😀 #N/A'


@pytest.fixture
def org() -> Iterator[PracticeOrg]:
    with PracticeOrg() as made:
        made.clock.freeze(NOW)
        yield made


def create(org: PracticeOrg, sobject: str, **values: Any) -> str:
    (saved,) = org.save("insert", sobject, [values], org.caller())
    assert saved.error is None, saved.error
    return saved.id or ""


def leads(org: PracticeOrg, count: int) -> list[str]:
    records = [{"LastName": f"L{i:05d}", "Company": "A"} for i in range(count)]
    return [s.id or "" for s in org.save("insert", "Lead", records, org.caller())]


def query(org: PracticeOrg, soql: str, **more: Any) -> list[dict[str, Any]]:
    result = org.query(soql, org.caller(), **more)
    try:
        return result.records(0, 10_000)
    finally:
        result.close()


def url(sobject: str, record_id: str) -> dict[str, str]:
    return {"type": sobject, "url": f"/services/data/v66.0/sobjects/{sobject}/{record_id}"}


def test_new_org_has_its_master_data(org: PracticeOrg) -> None:
    statuses = query(org, "SELECT ApiName, IsConverted, IsDefault FROM LeadStatus ORDER BY SortOrder")
    assert [s["ApiName"] for s in statuses if s["IsDefault"]] == ["Open - Not Contacted"]
    assert [s["ApiName"] for s in statuses if s["IsConverted"]] == ["Closed - Converted"]
    stages = query(org, "SELECT ApiName, IsWon, IsClosed, DefaultProbability FROM OpportunityStage ORDER BY SortOrder")
    assert len(stages) == 10
    assert [(s["ApiName"], s["DefaultProbability"]) for s in stages if s["IsWon"]] == [("Closed Won", 100.0)]
    (user,) = query(org, "SELECT Id, Profile.Name, IsActive FROM User")
    assert (user["Id"], user["Profile"]["Name"], user["IsActive"]) == (org.user_id, "System Administrator", True)
    assert query(org, "SELECT Id FROM Organization")[0]["Id"] == org.organization_id


def test_records_have_the_json_shape_of_rest(org: PracticeOrg) -> None:
    account = create(org, "Account", Name="Acme", BillingCity="Bonn", BillingLatitude="50.7")
    contact = create(org, "Contact", LastName="C", AccountId=account)
    deal = create(org, "Opportunity", Name="O", StageName="Prospecting", CloseDate="2026-05-01", Amount=100000)
    soql = "SELECT Id, Name, Amount, CloseDate, CreatedDate, IsWon, FiscalYear, Account.Name FROM Opportunity"
    assert query(org, soql) == [
        {
            "attributes": url("Opportunity", deal),
            "Id": deal,
            "Name": "O",
            "Amount": 100000.0,
            "CloseDate": "2026-05-01",
            "CreatedDate": "2026-03-10T12:00:00.000+0000",
            "IsWon": False,
            "FiscalYear": 2026,
            "Account": None,
        }
    ]
    soql = "SELECT Name, Account.BillingAddress, Account.Owner.Name FROM Contact"
    (person,) = query(org, soql)
    address = {"city": "Bonn", "country": None, "geocodeAccuracy": None, "latitude": 50.7, "longitude": None}
    assert person["Account"] == {
        "attributes": url("Account", account),
        "BillingAddress": {**address, "postalCode": None, "state": None, "street": None},
        "Owner": {"attributes": url("User", org.user_id), "Name": "Integration User"},
    }
    (parent,) = query(org, "SELECT (SELECT Id, Name FROM Contacts), (SELECT Id FROM Opportunities), Name FROM Account")
    assert list(parent) == ["attributes", "Contacts", "Opportunities", "Name"]
    child = {"attributes": url("Contact", contact), "Id": contact, "Name": "C"}
    assert parent["Contacts"] == {"totalSize": 1, "done": True, "records": [child]}
    assert parent["Opportunities"] is None


def test_polymorphic_owner_is_a_user_or_a_queue(org: PracticeOrg) -> None:
    queue = create(org, "Group", Name="Inbound", Type="Queue")
    create(org, "QueueSobject", QueueId=queue, SobjectType="Lead")
    create(org, "Lead", LastName="a", Company="A", OwnerId=queue)
    create(org, "Lead", LastName="b", Company="A")
    found = query(org, "SELECT Owner.Name, Owner.Type FROM Lead ORDER BY LastName")
    assert [r["Owner"]["attributes"]["type"] for r in found] == ["Group", "User"]
    assert [r["Owner"]["Name"] for r in found] == ["Inbound", "Integration User"]


def test_count_and_aggregates(org: PracticeOrg) -> None:
    leads(org, 3)
    counted = org.query("SELECT count() FROM Lead", org.caller())
    assert (counted.kind, counted.total, counted.records(0, 9)) == ("count", 3, [])
    (grouped,) = query(org, "SELECT Status, count(Id), max(CreatedDate) latest FROM Lead GROUP BY Status")
    assert grouped == {
        "attributes": {"type": "AggregateResult"},
        "Status": "Open - Not Contacted",
        "expr0": 3,
        "latest": "2026-03-10T12:00:00.000+0000",
    }


@pytest.mark.parametrize("count", [10, 2500])
def test_pages_do_not_move_when_records_change_afterwards(org: PracticeOrg, count: int) -> None:
    ids = leads(org, count)
    result = org.query("SELECT Id, LastName, (SELECT Id FROM Tasks) FROM Lead ORDER BY LastName DESC", org.caller())
    first = result.records(0, 5)
    org.save("delete", "Lead", [{"Id": i} for i in ids[:5]], org.caller())
    org.save("update", "Lead", [{"Id": ids[6], "LastName": "changed"}], org.caller())
    create(org, "Task", WhoId=ids[7], Subject="late")
    rest = result.records(5, count)
    result.close()
    assert [r["Id"] for r in first + rest] == ids[::-1]
    assert result.total == count
    assert {r["LastName"] for r in rest} == {f"L{i:05d}" for i in range(count - 5)}
    assert all(r["Tasks"] is None for r in rest)


def test_retrieve_gives_all_fields_or_the_named_ones(org: PracticeOrg) -> None:
    record_id = create(org, "Lead", LastName="D", Company="A", City="Bonn")
    whole = org.retrieve("lead", record_id[:15], None, org.caller())
    assert list(whole) == ["attributes", *org.schema.sobjects["Lead"].fields]
    assert whole["Address"]["city"] == "Bonn"
    some = org.retrieve("Lead", record_id, ["Id", "City"], Caller(org.user_id, version=59.0))
    assert some["attributes"]["url"] == f"/services/data/v59.0/sobjects/Lead/{record_id}"
    assert (some["Id"], some["City"]) == (record_id, "Bonn")


def test_retrieve_of_what_is_not_there(org: PracticeOrg) -> None:
    record_id = create(org, "Lead", LastName="D", Company="A")
    org.save("delete", "Lead", [{"Id": record_id}], org.caller())
    for wanted, code in (
        (record_id, "ENTITY_IS_DELETED"),
        ("00Q000000000001", "NOT_FOUND"),
        (org.user_id, "NOT_FOUND"),
    ):
        with pytest.raises(ApiError) as caught:
            org.retrieve("Lead", wanted, None, org.caller())
        assert (caught.value.status, caught.value.code) == (404, code)


def test_find_by_external_id_and_id_lookup(org: PracticeOrg) -> None:
    record_id = create(org, "Lead", LastName="D", Company="A", Email="Ann@X.de", External_Id__c="K")
    assert org.find("Lead", "email", "ann@x.DE") == org.find("Lead", "External_Id__c", "k") == [record_id]
    assert org.find("Lead", "Id", record_id[:15]) == [record_id]
    assert org.find("Lead", "Email", "other@x.de") == []
    with pytest.raises(ApiError) as caught:
        org.find("Lead", "City", "Bonn")
    assert caught.value.message.endswith("does not exist or is not accessible: City")


def bulk(org: PracticeOrg, soql: str, **more: Any) -> tuple[list[str], list[list[str]], str]:
    result = org.bulk_query(soql, org.caller(), all_rows=False, **more)
    try:
        text = b"".join(result.csv(0, 10_000)).decode()
    finally:
        result.close()
    header, *lines = csv.reader(text.splitlines(keepends=True), delimiter=more.get("delimiter", ","), strict=True)
    return header, lines, text


def test_bulk_csv_values(org: PracticeOrg) -> None:
    values = {"Title": HOSTILE, "AnnualRevenue": 912260031, "Latitude": "1.5", "DoNotCall": True}
    create(org, "Lead", LastName="D", Company="A", **values)
    fields = "LastName, Title, AnnualRevenue, Latitude, DoNotCall, CreatedDate, ConvertedDate, City, Owner.Name"
    header, (line,), text = bulk(org, f"SELECT {fields} FROM Lead")
    assert header == fields.split(", ")
    assert line[2:] == [
        "912260031",
        "1.500000000000000",
        "true",
        "2026-03-10T12:00:00.000Z",
        "",
        "",
        "Integration User",
    ]
    assert line[:2] == ["D", HOSTILE]
    assert text.splitlines()[0] == ",".join(f'"{name}"' for name in header)
    assert '"true","2026-03-10T12:00:00.000Z","","","Integration User"\n' in text


def test_bulk_csv_delimiter_and_line_ending_leave_newlines_in_values(org: PracticeOrg) -> None:
    create(org, "Lead", LastName="D", Company="A", Title="one\ntwo")
    _, _, text = bulk(org, "SELECT Title, LastName FROM Lead", delimiter="\t", newline="\r\n")
    assert text == '"Title"\t"LastName"\r\n"one\ntwo"\t"D"\r\n'


def test_bulk_pages_are_a_snapshot_and_each_has_the_header(org: PracticeOrg) -> None:
    ids = leads(org, 25)
    result = org.bulk_query("SELECT Id FROM Lead", org.caller(), all_rows=False)
    org.save("delete", "Lead", [{"Id": i} for i in ids], org.caller())
    pages = []
    for offset in range(0, 30, 10):
        pages.append(b"".join(result.csv(offset, 10)).decode().replace('"', "").split())
    result.close()
    assert [page[0] for page in pages] == ["Id"] * 3
    assert sorted(i for page in pages for i in page[1:]) == ids
    assert [len(page) - 1 for page in pages] == [10, 10, 5]


def test_bulk_of_nothing_is_a_header(org: PracticeOrg) -> None:
    assert bulk(org, "SELECT Id, City FROM Lead")[2] == '"Id","City"\n'


def test_bulk_columns_are_alphabetical_before_version_50(org: PracticeOrg) -> None:
    old = org.bulk_query("SELECT Name, Company, Id FROM Lead", Caller(org.user_id, version=49.0), all_rows=False)
    assert old.columns == ["Company", "Id", "Name"]
    old.close()


def test_bulk_refuses_what_bulk_refuses(org: PracticeOrg) -> None:
    for soql in ("SELECT Id FROM LeadStatus", "SELECT count() FROM Lead", "SELECT Address FROM Lead"):
        with pytest.raises(ApiError) as caught:
            org.bulk_query(soql, org.caller(), all_rows=False)
        assert caught.value.status == 400


def test_record_counts_leave_unknown_objects_out(org: PracticeOrg) -> None:
    ids = leads(org, 3)
    org.save("delete", "Lead", [{"Id": ids[0]}], org.caller())
    assert org.record_count(["lead", "Nope"]) == {"sObjects": [{"count": 2, "name": "Lead"}]}
    assert len(org.record_count()["sObjects"]) == len(org.schema.sobjects)


def test_dump_gives_python_values_of_every_row_in_id_order(org: PracticeOrg) -> None:
    create(org, "Opportunity", Name="O", StageName="Prospecting", CloseDate="2026-05-01", Amount="10.50")
    (row,) = org.dump("opportunity")
    assert row["CreatedDate"] == NOW
    assert (row["Amount"], row["CloseDate"], row["IsWon"]) == (Decimal("10.50"), date(2026, 5, 1), False)
    assert row["Weighted_Amount__c"] == Decimal("1.05")
    assert "Address" not in next(org.dump("User"))
    ids = leads(org, 50)
    org.save("delete", "Lead", [{"Id": ids[3]}], org.caller())
    assert [r["Id"] for r in org.dump("Lead")] == ids


def test_load_takes_a_select_a_table_or_a_file_and_new_ids_follow(org: PracticeOrg, tmp_path: Path) -> None:
    select = "SELECT practice_id('00Q', 100 + i) AS \"Id\", 'L' || i AS \"LastName\" FROM range(3) t(i)"
    assert org.load("Lead", select) == 3
    cursor = org.cursor()
    cursor.execute('CREATE TEMP TABLE more AS SELECT practice_id(\'00Q\', 200) AS "Id", true AS "IsDeleted"')
    assert org.load("Lead", "more", cursor=cursor) == 1
    cursor.close()
    file = tmp_path / "leads.csv"
    file.write_text(f"Id,LastName\n{make_id('00Q', 300)},F\n")
    assert org.load("Lead", file) == 1
    assert [r["IsConverted"] for r in org.dump("Lead")] == [False] * 5
    assert create(org, "Lead", LastName="D", Company="A") == make_id("00Q", 301)
    restored = org.save("undelete", "Lead", [{"Id": make_id("00Q", 200)}], org.caller())
    assert restored[0].error is None


def test_load_refuses_columns_that_are_no_fields(org: PracticeOrg) -> None:
    with pytest.raises(ValueError, match="Lead has no column 'Nme'"):
        org.load("Lead", 'SELECT 1 AS "Nme"')


SCORE = Field("Score__c", "double", label="Score", precision=5, scale=1, groupable=False, custom=True)


def test_fields_can_be_added_and_removed_and_stamps_stay(org: PracticeOrg) -> None:
    record_id = create(org, "Lead", LastName="D", Company="A", NumberOfEmployees=7)
    version = org.schema.version
    org.clock.advance(60)
    org.add_field("Lead", SCORE, '"NumberOfEmployees" * 1.5')
    assert org.schema.version > version
    assert query(org, "SELECT Score__c, SystemModstamp FROM Lead")[0]["Score__c"] == 10.5
    assert next(org.dump("Lead"))["SystemModstamp"] == NOW
    assert org.save("update", "Lead", [{"Id": record_id, "Score__c": 2}], org.caller())[0].error is None
    org.remove_field("Lead", "Score__c")
    with pytest.raises(ApiError):
        org.query("SELECT Score__c FROM Lead", org.caller())
    error = org.save("update", "Lead", [{"Id": record_id, "Score__c": 2}], org.caller())[0].error
    assert error is not None
    assert error.code == "INVALID_FIELD"


def test_hidden_field_looks_like_no_field_and_keeps_its_values(org: PracticeOrg) -> None:
    record_id = create(org, "Lead", LastName="D", Company="A", Phone="1")
    org.hide_field("Lead", "Phone")
    with pytest.raises(ApiError):
        org.query("SELECT Phone FROM Lead", org.caller())
    assert "Phone" not in org.retrieve("Lead", record_id, None, org.caller())
    assert "Phone" not in [f["name"] for f in org.describe("Lead", 66.0)["fields"]]
    assert org.save("update", "Lead", [{"Id": record_id, "City": "x"}], org.caller())[0].error is None
    assert next(org.dump("Lead"))["Phone"] == "1"
    org.show_field("Lead", "Phone")
    assert org.retrieve("Lead", record_id, ["Phone"], org.caller())["Phone"] == "1"


def test_org_in_a_file_is_the_same_org_when_opened_again(tmp_path: Path) -> None:
    with PracticeOrg(tmp_path / "org.duckdb", org_id="00D000000000062EAA", clock=Clock()) as first:
        record_id = create(first, "Lead", LastName="D", Company="A")
        first.add_field("Lead", SCORE)
        first.hide_field("Lead", "Phone")
        first.remove_field("Lead", "Jigsaw")
        names = list(first.schema.sobjects["Lead"].fields)
    with PracticeOrg(tmp_path / "org.duckdb") as again:
        assert (again.organization_id, again.user_id) == ("00D000000000062EAA", first.user_id)
        assert list(again.schema.sobjects["Lead"].fields) == names
        assert create(again, "Lead", LastName="E", Company="A") > record_id
        assert len(list(again.dump("Lead"))) == 2
        assert len(list(again.dump("LeadStatus"))) == 4


def test_org_file_is_free_after_close_even_when_results_were_left_open(tmp_path: Path) -> None:
    org = PracticeOrg(tmp_path / "org.duckdb")
    leads(org, 2100)
    rest = org.query("SELECT Id FROM Lead", org.caller())
    bulk_result = org.bulk_query("SELECT Id FROM Lead", org.caller(), all_rows=False)
    org.close()
    for read in (lambda: rest.records(0, 1), lambda: list(bulk_result.csv(0, 1))):
        with pytest.raises(ValueError, match="closed"):
            read()
    with PracticeOrg(tmp_path / "org.duckdb") as again:
        assert again.query("SELECT count() FROM Lead", again.caller()).total == 2100


def test_threads_may_save_and_query_at_once(org: PracticeOrg) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for i in range(5):
                record = {"LastName": f"{number}-{i}", "Company": "A", "External_Id__c": f"{number}-{i}"}
                org.save("upsert", "Lead", [record], org.caller(), external_id="External_Id__c")
                assert query(org, f"SELECT Id FROM Lead WHERE LastName = '{number}-{i}'")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert org.query("SELECT count() FROM Lead", org.caller()).total == 30


def test_no_progress_bar_is_drawn_into_what_a_program_prints() -> None:
    """DuckDB takes `python -c` for a person at a prompt; the bar itself comes after two seconds only."""
    code = (
        "from sfsync.practice.org import PracticeOrg\n"
        "setting = \"SELECT current_setting('enable_progress_bar')\"\n"
        "with PracticeOrg() as org, org.transaction() as writing, org.cursor() as reading:\n"
        "    print(writing.execute(setting).fetchall(), reading.execute(setting).fetchall())\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[(False,)] [(False,)]\n"
