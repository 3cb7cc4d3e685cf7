"""Bulk API 1.0, judged by simple-salesforce's `sf.bulk`, unmodified."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from clients import Rest, salesforce, token
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceGeneralError, SalesforceMalformedRequest

from sfsync.practice.serve import PracticeServer


@pytest.fixture
def sf(server: PracticeServer) -> Iterator[Salesforce]:
    client = salesforce(server)
    yield client
    client.session.close()


def leads(count: int) -> list[dict[str, Any]]:
    return [{"LastName": f"Mallard {i}", "Company": 'Wingo, "Ducks"\nLtd'} for i in range(count)]


def count(sf: Salesforce, where: str = "") -> int:
    return int(sf.query(f"SELECT COUNT() FROM Lead {where}")["totalSize"])


def test_insert_says_of_each_record_in_order_what_became_of_it(sf: Salesforce) -> None:
    results = sf.bulk.Lead.insert([*leads(2), {"Company": "No name"}, *leads(1)])
    assert [(r["success"], r["created"]) for r in results] == [(True, True)] * 2 + [(False, False), (True, True)]
    assert (results[2]["id"], results[2]["errors"][0]["statusCode"]) == (None, "REQUIRED_FIELD_MISSING")
    assert results[2]["errors"][0]["fields"] == ["LastName"]
    assert sf.Lead.get(results[0]["id"])["Company"] == 'Wingo, "Ducks"\nLtd'
    assert count(sf) == 3


def test_many_batches_are_one_job(sf: Salesforce, server: PracticeServer) -> None:
    results = sf.bulk.Lead.insert(leads(25), batch_size=10)
    assert len({r["id"] for r in results}) == 25
    assert server.site.calls["POST /services/async/{version}/job/{job_id}/batch"] == 3
    (job,) = server.site.jobs.listed("Classic")
    told = sf.session.get(
        f"{sf.bulk_url}job/{job.id}", headers={"X-SFDC-Session": sf.session_id, "Content-Type": "application/json"}
    ).json()
    assert (told["state"], told["numberBatchesTotal"], told["numberBatchesCompleted"]) == ("Closed", 3, 3)
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (25, 0)


def test_update_upsert_delete_and_hard_delete(sf: Salesforce) -> None:
    ids = [r["id"] for r in sf.bulk.Lead.insert(leads(3))]
    assert all(r["success"] for r in sf.bulk.Lead.update([{"Id": i, "Company": "Moved", "Title": None} for i in ids]))
    assert count(sf, "WHERE Company = 'Moved'") == 3
    keyed = [{"External_Id__c": "K1", "LastName": "New", "Company": "C"}]
    created = sf.bulk.Lead.upsert(keyed, "External_Id__c")
    again = sf.bulk.Lead.upsert([{**keyed[0], "Company": "D"}], "External_Id__c")
    assert [(r["created"], r["id"]) for r in (*created, *again)] == [
        (True, created[0]["id"]),
        (False, created[0]["id"]),
    ]
    sf.bulk.Lead.delete([{"Id": ids[0]}])
    sf.bulk.Lead.hard_delete([{"Id": ids[1]}])
    assert {r["Id"] for r in sf.bulk.Lead.query("SELECT Id FROM Lead")} == {ids[2], created[0]["id"]}
    seen = sf.bulk.Lead.query_all("SELECT Id, IsDeleted FROM Lead")
    assert {r["Id"] for r in seen if r["IsDeleted"]} == {ids[0]}


def test_results_can_come_with_the_request(sf: Salesforce) -> None:
    (result,) = sf.bulk.Lead.insert(leads(1), include_detailed_results=True)
    assert (result["success"], result["LastName"]) == (True, "Mallard 0")


def test_a_query_gives_records_with_times_in_milliseconds(sf: Salesforce, server: PracticeServer) -> None:
    server.org.clock.freeze(datetime(2026, 3, 10, 12, tzinfo=UTC))
    made = sf.Account.create({"Name": "Åcme", "AnnualRevenue": 12.5})["id"]
    opportunity = {"Name": "O", "StageName": "Prospecting", "CloseDate": "2026-04-01", "AccountId": made}
    sf.Opportunity.create(opportunity)
    (found,) = sf.bulk.Opportunity.query(
        "SELECT Id, CloseDate, CreatedDate, Amount, IsClosed, Account.Name, Account.CreatedDate FROM Opportunity"
    )
    assert found["attributes"]["type"] == "Opportunity"
    assert (found["CreatedDate"], found["CloseDate"]) == (1773144000000, 1775001600000)
    assert (found["Amount"], found["IsClosed"], found["Account"]["Name"]) == (None, False, "Åcme")
    assert found["Account"]["CreatedDate"] == 1773144000000


def test_every_row_of_a_long_answer_comes_once(sf: Salesforce, server: PracticeServer) -> None:
    server.org.load(
        "Account", "SELECT practice_id('001', 100 + i) AS \"Id\", 'A' || i AS \"Name\" FROM range(4500) r(i)"
    )
    pieces = list(sf.bulk.Account.query("SELECT Id FROM Account", lazy_operation=True))
    assert len({r["Id"] for piece in pieces for r in piece}) == 4500


@pytest.mark.parametrize(
    ("soql", "message"),
    [
        ("SELECT Nope FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM", "MALFORMED_QUERY"),
        ("SELECT COUNT() FROM Lead", "InvalidBatch"),
        ("SELECT Id FROM Account", "the job is one of Lead"),
    ],
)
def test_a_query_that_cannot_be_run_fails_its_batch(sf: Salesforce, soql: str, message: str) -> None:
    with pytest.raises(SalesforceGeneralError, match=message):
        sf.bulk.Lead.query(soql)


def test_a_batch_takes_its_time_when_told_so(sf: Salesforce, server: PracticeServer) -> None:
    server.site.settings.job_seconds = 0.1
    sf.Lead.create(leads(1)[0])
    assert len(sf.bulk.Lead.query("SELECT Id FROM Lead", wait=0.02)) == 1
    assert server.site.calls["GET /services/async/{version}/job/{job_id}/batch/{batch_id}"] > 1


@pytest.mark.parametrize(
    ("job", "code"),
    [
        ({"object": "Nope", "operation": "insert", "contentType": "JSON"}, "InvalidEntity"),
        ({"object": "Lead", "operation": "merge", "contentType": "JSON"}, "InvalidJob"),
        ({"object": "Lead", "operation": "insert", "contentType": "CSV"}, "InvalidJob"),
        ({"object": "Lead", "operation": "upsert", "contentType": "JSON"}, "InvalidJob"),
        ({"object": "Lead", "operation": "insert", "contentType": "JSON", "what": 1}, "InvalidJob"),
    ],
)
def test_bad_jobs_are_refused_in_its_own_words(rest: Rest, server: PracticeServer, job: Any, code: str) -> None:
    answer = rest.post("/services/async/66.0/job", json=job, headers={"X-SFDC-Session": token(server)})
    assert (answer.status_code, answer.json()["exceptionCode"]) == (400, code)


def test_a_closed_job_and_an_unknown_batch_are_refused(rest: Rest, server: PracticeServer) -> None:
    rest.headers["X-SFDC-Session"] = token(server)
    made = rest.post(
        "/services/async/66.0/job", json={"object": "Lead", "operation": "insert", "contentType": "JSON"}
    ).json()
    address = f"/services/async/66.0/job/{made['id']}"
    assert rest.get(f"{address}/batch/751000000000001").json()["exceptionCode"] == "InvalidBatch"
    assert rest.post(f"{address}/batch", data="[]").json()["exceptionCode"] == "InvalidBatch"
    no_array = rest.post(f"{address}/batch", json={"LastName": "x"}).json()
    assert (no_array["state"], no_array["stateMessage"]) == (
        "Failed",
        "InvalidBatch : a batch is a JSON array of records",
    )
    assert rest.get(f"{address}/batch/{no_array['id']}/result").json()["exceptionCode"] == "InvalidBatch"
    assert rest.post(address, json={"state": "Closed"}).json()["state"] == "Closed"
    assert rest.post(f"{address}/batch", json=leads(1)).json()["exceptionCode"] == "InvalidJobState"
    assert rest.get("/services/async/66.0/job/750000000000001AAA").json()["exceptionCode"] == "InvalidJob"
    assert rest.get("/services/async/9.0/job/750000000000001AAA").json()["exceptionCode"] == "InvalidVersion"


def test_an_expired_session_and_the_daily_batches_are_limits(sf: Salesforce, server: PracticeServer) -> None:
    server.settings.daily_ingest_batches = 1
    sf.bulk.Lead.insert(leads(1))
    with pytest.raises(SalesforceMalformedRequest, match="ExceededQuota"):
        sf.bulk.Lead.insert(leads(1))
    server.site.sessions.expire()
    with pytest.raises(SalesforceMalformedRequest, match="InvalidSessionId"):
        sf.bulk.Lead.insert(leads(1))
