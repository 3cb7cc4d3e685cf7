from datetime import UTC, datetime, timedelta

import pytest

from sfsync.config import RulesConfig
from sfsync.errors import ConfigError, MappingError
from sfsync.normalise import table
from sfsync.normalise.lists import load_lists
from sfsync.normalise.table import behind, refresh
from sfsync.rules.settings import phone_country
from sfsync.warehouse import Warehouse

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
FIELDS = {
    "Id": "TEXT",
    "IsDeleted": "BOOLEAN",
    "SystemModstamp": "TIMESTAMP WITH TIME ZONE",
    "Email": "TEXT",
    "Phone": "TEXT",
    "Company": "TEXT",
    "FirstName": "TEXT",
    "LastName": "TEXT",
    "Country": "TEXT",
    "Website": "TEXT",
}


@pytest.fixture
def warehouse():
    made = Warehouse("duckdb:///:memory:")
    with made.write() as con:
        columns = ", ".join(f"{name} {kind}" for name, kind in FIELDS.items())
        con.exec_driver_sql(f"CREATE TABLE salesforce.Lead ({columns})")
        con.exec_driver_sql("CREATE VIEW live.Lead AS SELECT * FROM salesforce.Lead WHERE IsDeleted IS NOT TRUE")
    yield made
    made.close()


def put(warehouse, *records):
    rows = [
        [{"IsDeleted": False, "SystemModstamp": MONDAY, **record}.get(name) for name in FIELDS] for record in records
    ]
    with warehouse.write() as con:
        warehouse.load(con, "salesforce.Lead", list(FIELDS), rows)


def run(warehouse, sql):
    with warehouse.write() as con:
        con.exec_driver_sql(sql)


def norms(warehouse):
    with warehouse.read() as con:
        rows = con.exec_driver_sql("SELECT * FROM sfsync.norm_Lead ORDER BY Id").mappings()
        return {row["Id"]: dict(row) for row in rows}


def lead(number, **fields):
    return {"Id": f"00Q{number:012d}AAA", "LastName": "Doe", **fields}


def test_every_column_is_computed(warehouse):
    put(
        warehouse,
        lead(
            1,
            Email=" Info@ACME.example",
            Phone="(415) 555-1234",
            Company="Acme, Inc. ",
            FirstName="José",
            Country="U.S.",
            Website="https://www.acme.example/",
        ),
        lead(2, Email=" "),
    )
    assert refresh(warehouse, "Lead") == 2
    full, empty = norms(warehouse).values()
    assert {k: full[k] for k in full if k not in ("Id", "version", "SystemModstamp")} == {
        "email": "info@acme.example",
        "email_domain": "acme.example",
        "email_valid": False,
        "email_repaired": "info@acme.example",
        "email_free": False,
        "email_disposable": False,
        "email_role": True,
        "phone": "+14155551234",
        "mobile": None,
        "company": "acme",
        "person": "jose doe",
        "country": "US",
        "web_domain": "acme.example",
        "web_free": False,
        "text_issue": "edge_space",
        "text_field": "Company",
        "text_repaired": "Acme, Inc.",
        "text_suggested": None,
        "numbers": None,
        "placeholders": None,
    }
    assert (empty["email"], empty["email_valid"], empty["company"], empty["person"]) == (None, None, None, "doe")
    assert full["SystemModstamp"] == MONDAY


def test_only_changed_rows_are_computed_again(warehouse):
    put(warehouse, lead(1, Email="a@acme.example"), lead(2, Email="b@acme.example"))
    assert refresh(warehouse, "Lead") == 2
    assert refresh(warehouse, "Lead") == 0
    run(
        warehouse,
        "UPDATE salesforce.Lead SET Email = 'c@acme.example', SystemModstamp = '2026-03-03 08:00:00+00' "
        "WHERE Id = '00Q000000000001AAA'",
    )
    with warehouse.read() as con:
        assert behind(con, "Lead") == 1
    assert refresh(warehouse, "Lead") == 1
    assert [row["email"] for row in norms(warehouse).values()] == ["c@acme.example", "b@acme.example"]


def test_a_row_without_stamp_is_computed_once(warehouse):
    put(warehouse, lead(1, SystemModstamp=None))
    assert [refresh(warehouse, "Lead"), refresh(warehouse, "Lead")] == [1, 0]


def test_deleted_records_lose_their_row_and_undeleted_ones_get_it_back(warehouse):
    put(warehouse, lead(1), lead(2))
    refresh(warehouse, "Lead")
    run(warehouse, "UPDATE salesforce.Lead SET IsDeleted = true WHERE Id = '00Q000000000001AAA'")
    assert refresh(warehouse, "Lead") == 0
    assert list(norms(warehouse)) == ["00Q000000000002AAA"]
    run(warehouse, "UPDATE salesforce.Lead SET IsDeleted = false")
    assert refresh(warehouse, "Lead") == 1
    assert len(norms(warehouse)) == 2


def test_other_lists_compute_everything_again(warehouse, tmp_path):
    put(warehouse, lead(1, Email="a@acme.example", Company="Acme Sàrl"))
    refresh(warehouse, "Lead")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "free_domains.yaml").write_text("- ACME.example\n", encoding="utf-8")
    own = load_lists(tmp_path)
    assert refresh(warehouse, "Lead", lists=own) == 1
    assert refresh(warehouse, "Lead", lists=own) == 0
    (row,) = norms(warehouse).values()
    assert row["email_free"] is True
    assert row["company"] == "acme"


def test_a_new_field_computes_everything_again(warehouse):
    put(warehouse, lead(1))
    refresh(warehouse, "Lead")
    run(warehouse, "ALTER TABLE salesforce.Lead ADD COLUMN MobilePhone TEXT")
    run(warehouse, "UPDATE salesforce.Lead SET MobilePhone = '+49 170 1234567'")
    run(warehouse, "CREATE OR REPLACE VIEW live.Lead AS SELECT * FROM salesforce.Lead WHERE IsDeleted IS NOT TRUE")
    assert refresh(warehouse, "Lead") == 1
    assert [row["mobile"] for row in norms(warehouse).values()] == ["+491701234567"]


def test_more_records_than_one_chunk(warehouse):
    count = table.CHUNK + 3
    put(warehouse, *(lead(i, Company=f"Company {i % 7} Ltd") for i in range(count)))
    assert refresh(warehouse, "Lead") == count
    with warehouse.read() as con:
        assert con.exec_driver_sql("SELECT count(*), count(DISTINCT Id) FROM sfsync.norm_Lead").one() == (count, count)
        assert behind(con, "Lead") == 0


def test_records_that_keep_none_of_the_fields_are_computed_too(warehouse_url):
    made = Warehouse(warehouse_url)
    with made.write() as con:
        con.exec_driver_sql("CREATE TABLE salesforce.Opportunity (Id TEXT, SystemModstamp TIMESTAMP WITH TIME ZONE)")
        con.exec_driver_sql("CREATE VIEW live.Opportunity AS SELECT * FROM salesforce.Opportunity")
        made.load(con, "salesforce.Opportunity", ["Id", "SystemModstamp"], [("006000000000001AAA", MONDAY)])
    assert refresh(made, "Opportunity") == 1
    made.close()


def test_an_object_that_is_not_mirrored_is_nothing_to_do(warehouse):
    assert refresh(warehouse, "Contact") == 0


def test_an_object_without_declaration_is_an_error(warehouse):
    with pytest.raises(MappingError, match=r'Leads is normalised\. Nearest: "Lead"'):
        refresh(warehouse, "Leads")


def test_the_state_code_wins_over_the_country_name(warehouse):
    run(warehouse, "ALTER TABLE salesforce.Lead ADD COLUMN CountryCode TEXT")
    run(warehouse, "CREATE OR REPLACE VIEW live.Lead AS SELECT * FROM salesforce.Lead WHERE IsDeleted IS NOT TRUE")
    put(warehouse, lead(1, Country="Germany"), lead(2, Country="Germany", SystemModstamp=MONDAY + timedelta(days=1)))
    run(warehouse, "UPDATE salesforce.Lead SET CountryCode = 'CH' WHERE Id = '00Q000000000002AAA'")
    refresh(warehouse, "Lead")
    assert [row["country"] for row in norms(warehouse).values()] == ["DE", "CH"]


def test_a_number_without_country_is_called_from_that_of_the_config_once_there_is_one(warehouse):
    put(warehouse, lead(1, Phone="030 901820"), lead(2, Phone="030 901820", Country="Atlantis"))
    refresh(warehouse, "Lead")
    assert [row["phone"] for row in norms(warehouse).values()] == [None, None]
    country = phone_country(RulesConfig(params={"DQ-003": {"default_phone_country": "Deutschland"}}))
    assert refresh(warehouse, "Lead", lists=load_lists().calling_from(country)) == 2
    assert [row["phone"] for row in norms(warehouse).values()] == ["+4930901820", None]


def test_a_phone_country_there_is_not_is_named():
    assert phone_country(RulesConfig()) is None
    with pytest.raises(ConfigError, match='default_phone_country: "Atlantis" is no country'):
        phone_country(RulesConfig(params={"DQ-003": {"default_phone_country": "Atlantis"}}))
