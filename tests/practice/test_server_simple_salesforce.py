"""simple-salesforce, unmodified, as the judge of REST and Bulk."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from clients import loopback_session, salesforce
from simple_salesforce import Salesforce, SalesforceLogin
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)

from sfsync.practice.serve import PracticeServer


@pytest.fixture
def sf(server: PracticeServer) -> Iterator[Salesforce]:
    client = salesforce(server)
    yield client
    client.session.close()


def leads(count: int) -> list[dict[str, str]]:
    return [{"LastName": f"Mallard {i}", "Company": 'Wingo, "Ducks"\nLtd'} for i in range(count)]


def test_a_record_is_created_read_changed_and_deleted(sf: Salesforce) -> None:
    made = sf.Lead.create({"LastName": "Åberg", "Company": "Wingo", "Email": "a@example.com"})
    assert made["success"] is True
    assert made["errors"] == []
    assert sf.Lead.update(made["id"], {"Company": "Denio", "Email": None}) == 204
    read = sf.Lead.get(made["id"])
    assert (read["Name"], read["Company"], read["Email"]) == ("Åberg", "Denio", None)
    assert read["attributes"] == {"type": "Lead", "url": f"/services/data/v66.0/sobjects/Lead/{made['id']}"}
    assert sf.Lead.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound, match="ENTITY_IS_DELETED"):
        sf.Lead.get(made["id"])


def test_query_all_follows_locators_to_the_last_row(sf: Salesforce, server: PracticeServer) -> None:
    server.org.load(
        "Account", "SELECT practice_id('001', 100 + i) AS \"Id\", 'A' || i AS \"Name\" FROM range(4500) r(i)"
    )
    found = sf.query_all("SELECT Id, Name FROM Account")
    assert found["totalSize"] == 4500
    assert len({r["Id"] for r in found["records"]}) == 4500
    assert server.site.calls["GET /query/{locator}"] == 2


def test_soql_errors_keep_salesforces_code(sf: Salesforce) -> None:
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.query("SELECT Nope FROM Lead")
    assert caught.value.content[0]["errorCode"] == "INVALID_FIELD"


def test_describe_and_limits_are_read(sf: Salesforce) -> None:
    assert {"Lead", "Account", "Contact", "Opportunity"} <= {s["name"] for s in sf.describe()["sobjects"]}
    assert {f["name"] for f in sf.Lead.describe()["fields"]} >= {"Id", "LastName", "SystemModstamp"}
    assert sf.limits()["DailyApiRequests"]["Max"] == 100_000
    assert sf.api_usage["api-usage"].used >= 2


def test_bulk2_query_gives_every_row_in_pages(sf: Salesforce, server: PracticeServer) -> None:
    server.org.load(
        "Account", "SELECT practice_id('001', 100 + i) AS \"Id\", 'A' || i AS \"Name\" FROM range(2500) r(i)"
    )
    pages = list(sf.bulk2.Account.query("SELECT Id, Name FROM Account", max_records=1000, wait=0.01))
    assert [len(list(csv.DictReader(io.StringIO(p)))) for p in pages] == [1000, 1000, 500]
    assert len({row["Id"] for p in pages for row in csv.DictReader(io.StringIO(p))}) == 2500


def test_bulk2_ingest_reports_what_was_saved_and_what_was_not(sf: Salesforce) -> None:
    records = [*leads(25), {"LastName": "", "Company": "No name"}]
    (result,) = sf.bulk2.Lead.insert(records=records, wait=0.01)
    assert result["numberRecordsProcessed"] == 26
    assert result["numberRecordsFailed"] == 1
    reports = sf.bulk2.Lead.get_all_ingest_records(result["job_id"])
    assert "REQUIRED_FIELD_MISSING" in reports["failedRecords"][0]["sf__Error"]
    assert sf.query("SELECT COUNT() FROM Lead WHERE Company = 'Wingo, \"Ducks\"\\nLtd'")["totalSize"] == 25


def test_bulk2_update_and_delete(sf: Salesforce) -> None:
    ids = [sf.Lead.create(lead)["id"] for lead in leads(3)]
    sf.bulk2.Lead.update(records=[{"Id": i, "Company": "Moved"} for i in ids], wait=0.01)
    assert sf.query("SELECT COUNT() FROM Lead WHERE Company = 'Moved'")["totalSize"] == 3
    sf.bulk2.Lead.delete(records=[{"Id": i} for i in ids], wait=0.01)
    assert sf.query("SELECT COUNT() FROM Lead")["totalSize"] == 0


def test_soap_login_gives_a_working_session(server: PracticeServer) -> None:
    given = server.credentials
    with loopback_session(server) as session:
        token, instance = SalesforceLogin(
            username=given.username, password=given.password, security_token=given.security_token, session=session
        )
        sf = Salesforce(instance=instance, session_id=token, session=session)
        assert sf.query("SELECT COUNT() FROM User")["totalSize"] >= 1


def test_soap_login_refuses_a_wrong_password(server: PracticeServer) -> None:
    with loopback_session(server) as session, pytest.raises(SalesforceAuthenticationFailed, match="INVALID_LOGIN"):
        SalesforceLogin(username=server.credentials.username, password="wrong", security_token="", session=session)


def test_jwt_and_client_credentials_logins(server: PracticeServer) -> None:
    given = server.credentials
    with loopback_session(server) as session:
        by_key, _ = SalesforceLogin(
            username=given.username, consumer_key=given.client_id, privatekey=server.jwt_private_key, session=session
        )
        by_secret, _ = SalesforceLogin(
            consumer_key=given.client_id, consumer_secret=given.client_secret, domain="acme.my", session=session
        )
    assert by_key != by_secret
    assert all(server.site.sessions.use(t) for t in (by_key, by_secret))
