"""What LEAD-CONV-006 says of a target that was never seen depends on how far the target's object was pulled."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from sfsync.rules import check, load_rules
from sfsync.warehouse.tables import cursors
from tests.rules.world import TODAY

JANUARY, FEBRUARY, MARCH = (datetime(2026, month, 1, 8, tzinfo=UTC) for month in (1, 2, 3))
LEAD, THERE, LOST, GONE = "00Q000000000001AAA", "001000000000001AAA", "001000000000009AAA", "001000000000002AAA"


@pytest.fixture
def converted(any_warehouse):
    """Accounts last changed in January; a lead of February was converted into one that was never seen."""
    with any_warehouse.write() as con:
        con.exec_driver_sql(
            "CREATE TABLE salesforce.Account (Id TEXT, MasterRecordId TEXT, IsDeleted BOOLEAN, "
            "SystemModstamp TIMESTAMP WITH TIME ZONE, _deleted_reason TEXT)"
        )
        con.exec_driver_sql(
            "CREATE TABLE salesforce.Lead (Id TEXT, IsConverted BOOLEAN, ConvertedAccountId TEXT, IsDeleted BOOLEAN, "
            "ConvertedContactId TEXT, ConvertedOpportunityId TEXT, SystemModstamp TIMESTAMP WITH TIME ZONE)"
        )
        con.exec_driver_sql("CREATE VIEW live.Lead AS SELECT * FROM salesforce.Lead WHERE IsDeleted IS NOT TRUE")
        any_warehouse.load(
            con,
            "salesforce.Account",
            ["Id", "SystemModstamp", "_deleted_reason"],
            [(THERE, JANUARY, None), (GONE, JANUARY, "deleted")],
        )
        columns = ["Id", "IsConverted", "ConvertedAccountId", "SystemModstamp"]
        any_warehouse.load(con, "salesforce.Lead", columns, [(LEAD, True, LOST, FEBRUARY)])
    return any_warehouse


def pulled(warehouse, **cursor):
    with warehouse.write() as con:
        con.execute(sa.delete(cursors))
        con.execute(sa.insert(cursors), [{"sobject": "Account", **cursor}])


def found(warehouse):
    rules = [rule for rule in load_rules() if rule.code == "LEAD-CONV-006"]
    return [c.finding.message for c in check(warehouse, rules, as_of=TODAY, now=MARCH, run_id="r").findings]


def test_a_lost_account_is_reported_once_accounts_were_pulled_after_the_lead_changed(converted):
    assert found(converted) == []
    pulled(converted, until=JANUARY)
    assert found(converted) == []
    pulled(converted, until=MARCH)
    assert found(converted) == [f"the account {LOST} it was converted into is not here"]


def test_where_only_recent_accounts_are_kept_only_a_deleted_one_is_reported(converted):
    pulled(converted, until=MARCH, start=JANUARY)
    assert found(converted) == []
    with converted.write() as con:
        con.exec_driver_sql(f"UPDATE salesforce.Lead SET ConvertedAccountId = '{GONE}'")
    assert found(converted) == [f"the account {GONE} it was converted into is deleted"]
