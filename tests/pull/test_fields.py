"""Fields that come, go, change their type, hide, or change without a stamp."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from sfsync.mapping import read_mapping
from sfsync.practice.schema import Field
from tests.pull.world import World, result

SQL_OF = {  # describe type → (its value in the practice org's SQL, what the mirror must hold)
    "string": ("'007'", "007"),
    "textarea": ("'a' || chr(13) || chr(10) || '\"b\",'", 'a\r\n"b",'),
    "picklist": ("'None'", "None"),
    "multipicklist": ("'a;b'", "a;b"),
    "combobox": ("'x'", "x"),
    "email": ("'a@b.example'", "a@b.example"),
    "phone": ("'+1 (0)20'", "+1 (0)20"),
    "url": ("'https://x.example/?a=1,2'", "https://x.example/?a=1,2"),
    "encryptedstring": ("'NULL'", "NULL"),
    "anyType": ("'01234'", "01234"),
    "neverHeardOf": ("'NaN'", "NaN"),
    "reference": ("'001000000000001AAA'", "001000000000001AAA"),
    "boolean": ("true", True),
    "int": ("-7", -7),
    "long": ("9007199254740993", 9007199254740993),
    "currency": ("1234567890123456.78", Decimal("1234567890123456.78")),
    "percent": ("0.5", Decimal("0.5")),
    "double": ("0.1", Decimal("0.1")),
}


def field(name: str, kind: str = "string", **more: object) -> Field:
    return Field(name, kind, length=255, custom=True, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_every_describe_type_arrives_as_it_is_in_the_org(empty, api):
    empty.leads(2)
    for kind, (sql, _) in SQL_OF.items():
        empty.org.add_field("Lead", field(f"X_{kind}__c", kind, precision=18, scale=2), sql)
    empty.org.add_field("Lead", field("X_date__c", "date"), "DATE '2024-02-29'")
    empty.org.add_field("Lead", field("X_datetime__c", "datetime"), "TIMESTAMP '2024-02-29 23:59:59'")
    empty.org.add_field("Lead", field("X_empty__c"), "NULL")
    pulled = empty.pull_one("Lead", api=api)
    assert pulled.error is None
    assert empty.differences("Lead") == []
    row = empty.mirror("Lead")[0]
    for kind, (_, expected) in SQL_OF.items():
        assert row[f"X_{kind}__c"] == expected, kind
    assert row["X_empty__c"] is None


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_compound_values_are_left_out_and_their_parts_kept(empty, api):
    empty.save("insert", "Account", [{"Name": "A", "BillingCity": "Łódź", "BillingStreet": "1 Way\r\nFlat 2"}])
    assert empty.pull_one("Account", api=api).complete
    [row] = empty.mirror("Account")
    assert "BillingAddress" not in row
    assert (row["BillingCity"], row["BillingStreet"]) == ("Łódź", "1 Way\r\nFlat 2")
    assert empty.differences("Account") == []


@pytest.mark.parametrize("rows", [3, 2100])
def test_a_new_field_is_read_for_old_rows_without_reading_them_all_again(empty, rows):
    empty.leads(rows)
    empty.age()
    empty.pull_one("Lead")
    [(formulas_at,)] = empty.sql("SELECT formulas_at FROM sfsync.cursors")
    empty.age()
    empty.org.add_field("Lead", field("Grade__c"), "'A'")
    pulled = empty.pull_one("Lead")
    assert (pulled.read, pulled.refreshed) == (0, rows)
    assert empty.sql("SELECT DISTINCT Grade__c FROM live.Lead") == [("A",)]
    assert empty.differences("Lead") == []
    assert empty.sql("SELECT formulas_at FROM sfsync.cursors") == [(formulas_at,)]


def test_a_vanished_field_keeps_its_values_also_in_rows_that_change(empty):
    ids = empty.save("insert", "Lead", [{"LastName": n, "Company": "C", "Phone": f"+44 {n}"} for n in ("A", "B")])
    empty.pull_one("Lead")
    empty.org.hide_field("Lead", "Phone")
    empty.save("update", "Lead", [{"Id": ids[0], "LastName": "Changed"}])
    pulled = empty.pull_one("Lead")
    assert pulled.complete
    assert any("Phone" in w for w in pulled.warnings)
    phones = [("Changed", "+44 A"), ("B", "+44 B")]
    assert empty.sql("SELECT LastName, Phone FROM live.Lead ORDER BY Id") == phones
    [(gone_at,)] = empty.sql("SELECT gone_at FROM sfsync.fields WHERE sobject = 'Lead' AND field = 'Phone'")
    assert gone_at is not None
    later = empty.pull_one("Lead")
    assert not any("Phone" in w for w in later.warnings)
    assert empty.sql("SELECT gone_at FROM sfsync.fields WHERE sobject = 'Lead' AND field = 'Phone'") == [(gone_at,)]


def test_a_field_that_comes_back_is_read_again_for_every_row(empty):
    ids = empty.save("insert", "Lead", [{"LastName": n, "Company": "C", "Phone": f"+44 {n}"} for n in ("A", "B")])
    empty.age()
    empty.pull_one("Lead")
    empty.org.hide_field("Lead", "Phone")
    empty.pull_one("Lead")
    empty.execute('UPDATE "Lead" SET "Phone" = \'+49 0\' WHERE "Id" = $1', ids[1])
    empty.age()
    empty.org.show_field("Lead", "Phone")
    assert empty.pull_one("Lead").refreshed == 1
    assert empty.differences("Lead") == []
    assert empty.sql("SELECT gone_at FROM sfsync.fields WHERE sobject = 'Lead' AND field = 'Phone'") == [(None,)]


@pytest.mark.parametrize(
    ("before", "after", "old", "new"),
    [
        (("currency", 10, 2), ("currency", 18, 4), "12.34", "12.3456"),
        (("double", 10, 2), ("string", 0, 0), "12.30", "'twelve'"),
        (("date", 0, 0), ("datetime", 0, 0), "DATE '2024-01-02'", "TIMESTAMP '2024-01-02 03:04:05'"),
        (("boolean", 0, 0), ("picklist", 0, 0), "true", "'Maybe'"),
    ],
)
def test_a_retyped_field_is_read_again_for_every_row(empty, before, after, old, new):
    kind, precision, scale = before
    empty.leads(2)
    empty.org.add_field("Lead", field("X__c", kind, precision=precision, scale=scale), old)
    empty.age()
    empty.pull_one("Lead")
    kind, precision, scale = after
    empty.org.remove_field("Lead", "X__c")
    empty.org.add_field("Lead", field("X__c", kind, precision=precision, scale=scale), new)
    empty.age()
    pulled = empty.pull_one("Lead")
    assert pulled.error is None
    assert any("widened" in w for w in pulled.warnings)
    assert pulled.refreshed == 2
    assert empty.pull_one("Lead").warnings == []
    expected = next(empty.org.dump("Lead"))["X__c"]
    held = empty.mirror("Lead")[0]["X__c"]
    if isinstance(held, str) and not isinstance(expected, str):  # a column that became text holds the org's own form
        assert held == expected.strftime("%Y-%m-%dT%H:%M:%S.000Z") or held == expected.strftime(
            "%Y-%m-%dT%H:%M:%S.000+0000"
        )
    else:
        assert held == expected


def with_formula(world: World) -> None:
    world.leads(2)
    world.org.add_field("Lead", field("Weight__c", "double", precision=18, scale=2), "1")
    score = Field("Score__c", "double", precision=18, scale=2, custom=True, formula='"Weight__c" * 10')
    world.org.add_field("Lead", replace(score, createable=False, updateable=False))
    world.age()
    world.pull_one("Lead")
    assert world.sql("SELECT DISTINCT Score__c FROM live.Lead") == [(Decimal(10),)]


def test_a_formula_that_moved_without_a_stamp_arrives_on_its_schedule_and_says_as_of_when(empty):
    with_formula(empty)
    [(first,)] = empty.sql("SELECT formulas_at FROM sfsync.cursors")
    empty.execute('UPDATE "Lead" SET "Weight__c" = 2')
    empty.age(3600)
    assert empty.pull_one("Lead").refreshed == 0
    assert empty.sql("SELECT DISTINCT Score__c FROM live.Lead") == [(Decimal(10),)]
    assert empty.sql("SELECT formulas_at FROM sfsync.cursors") == [(first,)]
    empty.age(86400)
    assert empty.pull_one("Lead").refreshed == 2
    assert empty.sql("SELECT DISTINCT Score__c FROM live.Lead") == [(Decimal(20),)]
    [(second, until)] = empty.sql("SELECT formulas_at, until FROM sfsync.cursors")
    assert second == until
    assert second - first >= timedelta(days=1)


def test_the_schedule_of_formulas_keeps_the_orgs_clock(empty):
    empty.org.clock.offset = timedelta(days=-3)
    with_formula(empty)
    empty.execute('UPDATE "Lead" SET "Weight__c" = 2')
    empty.age(86400 + 3600)
    assert empty.pull_one("Lead").refreshed == 2


def stamps(world: World, sobject: str) -> list[object]:
    return [row["SystemModstamp"] for row in world.org.dump(sobject)]


def test_the_last_activity_of_a_lead_whose_task_is_done_arrives_on_the_schedule_of_formulas(empty):
    done, other = empty.leads(2)
    empty.age()
    empty.pull_one("Lead")
    before = stamps(empty, "Lead")
    empty.save("insert", "Task", [{"WhoId": done, "Status": "Completed", "ActivityDate": "2026-02-03"}])
    empty.age()
    assert empty.pull_one("Lead").refreshed == 0
    assert empty.sql("SELECT DISTINCT LastActivityDate FROM live.Lead") == [(None,)]
    empty.age(86400)
    pulled = empty.pull_one("Lead")
    assert (pulled.read, pulled.refreshed, pulled.warnings) == (0, 1, [])
    expected = {(done, date(2026, 2, 3)), (other, None)}
    assert set(empty.sql("SELECT Id, LastActivityDate FROM live.Lead")) == expected
    assert empty.differences("Lead") == []
    assert stamps(empty, "Lead") == before
    assert empty.sql("SELECT formulas_at = until FROM sfsync.cursors") == [(True,)]


def test_what_tasks_and_contact_roles_change_of_a_deal_arrives_on_the_schedule_of_formulas(empty):
    deal = {"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-05-01"}
    [id], [contact] = empty.save("insert", "Opportunity", [deal]), empty.save("insert", "Contact", [{"LastName": "C"}])
    empty.age()
    empty.pull_one("Opportunity")
    before = stamps(empty, "Opportunity")
    role = {"OpportunityId": id, "ContactId": contact, "IsPrimary": True}
    empty.save("insert", "OpportunityContactRole", [role])
    empty.save("insert", "Task", [{"WhatId": id, "Status": "Not Started", "ActivityDate": "2020-01-01"}])
    empty.age(86400 + 3600)
    assert empty.pull_one("Opportunity").refreshed == 1
    kept = empty.sql("SELECT ContactId, HasOpenActivity, HasOverdueTask FROM live.Opportunity")
    assert kept == [(contact, True, True)]
    assert empty.differences("Opportunity") == []
    assert stamps(empty, "Opportunity") == before


def test_a_users_mapping_may_name_what_else_changes_without_a_stamp(empty, tmp_path):
    path = tmp_path / "lead.yaml"
    path.write_text("sobject: Lead\nfields: [LastName, Phone]\nunstamped: [phone]\n", encoding="utf-8")
    empty.leads(2)
    empty.age()
    mappings = [read_mapping(path)]
    empty.pull(mappings=mappings)
    empty.execute('UPDATE "Lead" SET "Phone" = \'+49 0\', "LastActivityDate" = DATE \'2026-02-03\'')
    empty.age(86400)
    assert result(empty.pull(mappings=mappings), "Lead").refreshed == 2
    assert empty.sql("SELECT DISTINCT Phone FROM live.Lead") == [("+49 0",)]


def test_a_field_hidden_behind_an_unmodified_describe_is_noticed_in_the_same_run(empty):
    empty.leads(2)
    for _ in range(2):  # the second time the describe is old enough to be kept
        empty.pull_one("Lead")
        empty.age()
    seen = empty.server.site.schema_time()
    empty.org.hide_field("Lead", "Phone")
    empty.server.site._schema_seen = (empty.org.schema.version, seen)
    before = empty.mirror("Lead")
    pulled = empty.pull_one("Lead")
    assert pulled.complete
    assert any("Phone" in w for w in pulled.warnings)
    assert empty.mirror("Lead") == before
    assert empty.sql("SELECT gone_at IS NOT NULL FROM sfsync.fields WHERE field = 'Phone'") == [(True,)]


def _after_the_describes(empty, change):
    """Do something in the org once, after a pull has asked for the describes and before it reads rows."""
    done: list[bool] = []

    def act(method: str, path: str, status: int, seconds: float) -> None:
        if path.endswith("/composite") and not done:
            done.append(True)
            change()

    empty.options["on_call"] = act


@pytest.mark.parametrize("api", ["rest", "bulk"])
@pytest.mark.parametrize("first", [True, False])
def test_a_field_that_is_hidden_in_the_middle_of_a_run_costs_that_run_nothing(empty, api, first):
    ids = empty.leads(3)
    empty.save("update", "Lead", [{"Id": id, "Phone": "007"} for id in ids])
    if not first:
        empty.pull_one("Lead")
    empty.leads(2, "Later")
    _after_the_describes(empty, lambda: empty.org.hide_field("Lead", "Phone"))
    pulled = empty.pull_one("Lead", api=api)
    assert (pulled.complete, pulled.error, pulled.rows) == (True, None, 5)
    if not first:
        assert any("Phone" in w for w in pulled.warnings)
        assert empty.sql("SELECT count(*) FROM live.Lead WHERE Phone = '007'") == [(3,)]
    assert empty.differences("Lead", leaving_out=["Phone"]) == []


def test_a_field_that_goes_on_vanishing_is_the_objects_error_and_the_next_pull_is_right(empty):
    empty.leads(3)
    names = iter(["Phone", "Fax", "Title", "Rating", "Website"])

    def hide(method: str, path: str, status: int, seconds: float) -> None:
        if path.endswith("/composite"):
            empty.org.hide_field("Lead", next(names))

    empty.options["on_call"] = hide
    pulled = empty.pull_one("Lead", api="bulk")
    assert not pulled.complete
    assert "INVALID_FIELD" in (pulled.error or "")
    assert empty.cursor("Lead") is None
    del empty.options["on_call"]
    assert empty.pull_one("Lead").complete
    assert len(empty.mirror("Lead")) == 3


def test_a_field_of_a_users_mapping_that_vanishes_in_between_is_named(empty, tmp_path):
    path = tmp_path / "lead.yaml"
    path.write_text("sobject: Lead\nfields: [LastName, Phone]\n", encoding="utf-8")
    empty.leads(3)
    _after_the_describes(empty, lambda: empty.org.hide_field("Lead", "Phone"))
    pulled = result(empty.pull(mappings=[read_mapping(path)], api="bulk"), "Lead")
    assert not pulled.complete
    assert 'no field "Phone"' in (pulled.error or "")


def test_other_objects_do_not_wait_for_the_one_that_is_described_again(empty):
    empty.leads(3)
    empty.save("insert", "Account", [{"Name": "Acme"}])
    _after_the_describes(empty, lambda: empty.org.hide_field("Lead", "Phone"))
    pulled = empty.pull("Lead", "Account", api="bulk")
    assert pulled.exit_code == 0
    assert [r["Name"] for r in empty.mirror("Account")] == ["Acme"]
    assert len(empty.mirror("Lead")) == 3
