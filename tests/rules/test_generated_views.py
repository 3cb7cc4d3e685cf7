"""Views written out from the describe, on a warehouse as a pull leaves it."""

import json
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from sfsync.rules.catalog import Catalog
from sfsync.rules.generated import generate
from sfsync.warehouse.tables import cursors, fields, picklists

ACCOUNT, GONE, LOST = "001000000000001AAA", "001000000000002AAA", "001000000000003AAA"


@pytest.fixture
def contacts(warehouse):
    """Three contacts: of a live, of a deleted and of an unknown account."""
    with warehouse.write() as con:
        con.exec_driver_sql("CREATE TABLE salesforce.Account (Id TEXT, IsDeleted BOOLEAN)")
        con.exec_driver_sql("CREATE TABLE salesforce.Contact (Id TEXT, AccountId TEXT, Level__c TEXT)")
        con.exec_driver_sql("CREATE VIEW live.Account AS SELECT * FROM salesforce.Account WHERE IsDeleted IS NOT TRUE")
        con.exec_driver_sql("CREATE VIEW live.Contact AS SELECT * FROM salesforce.Contact")
        warehouse.load(con, "salesforce.Account", ["Id", "IsDeleted"], [(ACCOUNT, False), (GONE, True)])
        rows = [("c1", ACCOUNT, "A"), ("c2", GONE, "B;X"), ("c3", LOST, None), ("c4", None, "")]
        warehouse.load(con, "salesforce.Contact", ["Id", "AccountId", "Level__c"], rows)
    return warehouse


def describe(warehouse, name, kind, **lists):
    sobject, _, field = name.partition(".")
    row = {key: json.dumps(value) for key, value in lists.items()}
    with warehouse.write() as con:
        con.execute(sa.insert(fields), [{"sobject": sobject, "field": field, "ordinal": 1, "type": kind, **row}])


def rows(warehouse, view):
    with warehouse.read() as con:
        catalog = Catalog(warehouse, con)
        tree = generate(view, catalog)
        if tree is None:
            return None
        if view == "v_broken_reference":
            tree = tree.with_("v_lost_reference", as_=generate("v_lost_reference", catalog))
        return sorted(tuple(row) for row in con.exec_driver_sql(tree.sql(dialect=warehouse.dialect)))


def test_references_and_those_that_are_broken(contacts):
    describe(contacts, "Contact.AccountId", "reference", reference_to=["Account"])
    assert [row[1:] for row in rows(contacts, "v_reference")] == [
        ("c1", "AccountId", ACCOUNT),
        ("c2", "AccountId", GONE),
        ("c3", "AccountId", LOST),
    ]
    assert rows(contacts, "v_broken_reference") == [
        ("Contact", "c2", "AccountId", GONE, "deleted"),
        ("Contact", "c3", "AccountId", LOST, "missing"),
    ]


def test_of_a_target_kept_from_some_day_on_nothing_counts_as_missing(contacts):
    describe(contacts, "Contact.AccountId", "reference", reference_to=["Account"])
    with contacts.write() as con:
        con.execute(sa.insert(cursors), [{"sobject": "Account", "start": datetime(2026, 1, 1, tzinfo=UTC)}])
    assert [row[1] for row in rows(contacts, "v_broken_reference")] == ["c2"]


def test_of_several_targets_only_ids_of_those_kept_are_looked_at(contacts):
    describe(contacts, "Contact.AccountId", "reference", reference_to=["Account", "Partner__c"])
    with contacts.write() as con:
        con.exec_driver_sql("UPDATE salesforce.Contact SET AccountId = 'a01000000000001AAA' WHERE Id = 'c3'")
    assert [row[1] for row in rows(contacts, "v_broken_reference")] == ["c2"]


def test_fields_that_are_not_kept_or_point_nowhere_kept_are_left_out(contacts):
    describe(contacts, "Contact.Boss__c", "reference", reference_to=["Account"])
    describe(contacts, "Lead.AccountId", "reference", reference_to=["Account"])
    describe(contacts, "Contact.AccountId", "reference", reference_to=["Partner__c"])
    assert rows(contacts, "v_reference") is None
    assert rows(contacts, "v_broken_reference") is None


def test_several_values_of_one_field_are_looked_at_one_by_one(contacts):
    describe(contacts, "Contact.Level__c", "multipicklist", picklist=["A", "B", "it's"])
    assert rows(contacts, "v_picklist_use") == [
        ("Contact", "c1", "Level__c", "A", True, False, True, True, None, "A", True),
        ("Contact", "c2", "Level__c", "B", True, False, True, True, None, "B;X", True),
        ("Contact", "c2", "Level__c", "X", False, False, True, True, None, "B;X", True),
    ]


def test_a_list_without_active_values_says_nothing(contacts):
    describe(contacts, "Contact.Level__c", "picklist", picklist=[])
    assert rows(contacts, "v_picklist_use") is None


def test_what_record_types_have_is_told_of_active_values_only(contacts):
    describe(contacts, "Contact.Level__c", "multipicklist", picklist=["A", "B", "it's", "C"])
    types = {"r1": ["A", "B", "it's", "C"], "r2": ["it's", "X"], "r3": ["it's"], "r4": ["A", "C", "it's"]}
    listed = [
        {"sobject": "Contact", "record_type": id, "field": "LEVEL__C", "listed": json.dumps(values)}
        for id, values in types.items()
    ]
    with contacts.write() as con:
        con.execute(sa.insert(picklists), listed)
        con.exec_driver_sql(
            "CREATE OR REPLACE VIEW live.Contact AS "
            "SELECT Id, Level__c, AccountId AS RecordTypeId FROM salesforce.Contact"
        )
        con.exec_driver_sql("DELETE FROM salesforce.Contact")
        several = [(f"of {id}", id, "A;B;it's;X") for id in [*types, "r5", None]]
        contacts.load(con, "salesforce.Contact", ["Id", "AccountId", "Level__c"], several)
    lacking = {(row[1], row[3]) for row in rows(contacts, "v_picklist_use") if row[4] and row[7] is False}
    assert lacking == {("of r2", "A"), ("of r2", "B"), ("of r3", "A"), ("of r3", "B"), ("of r4", "B")}


def test_a_record_type_the_org_was_not_asked_about_has_the_stages_of_its_process(warehouse):
    columns = "Id TEXT, SobjectType TEXT, BusinessProcessId TEXT"
    types = [
        ("r1", "Opportunity", "p1"),
        ("r2", "Opportunity", "p1"),
        ("r3", "Opportunity", "p2"),
        ("r4", "Lead", "p1"),
    ]
    told = [{"sobject": "Opportunity", "record_type": "r1", "field": "StageName", "listed": '["New", "Won"]'}]
    with warehouse.write() as con:
        con.execute(sa.insert(picklists), told)
    assert rows(warehouse, "v_process_stage") == [("r1", "New"), ("r1", "Won")]
    with warehouse.write() as con:
        con.exec_driver_sql(f"CREATE TABLE salesforce.RecordType ({columns})")
        con.exec_driver_sql("CREATE VIEW live.RecordType AS SELECT * FROM salesforce.RecordType")
        warehouse.load(con, "salesforce.RecordType", ["Id", "SobjectType", "BusinessProcessId"], types)
    assert rows(warehouse, "v_process_stage") == [("r1", "New"), ("r1", "Won"), ("r2", "New"), ("r2", "Won")]


def test_other_views_are_not_generated(contacts):
    assert rows(contacts, "v_opp") is None
