"""Every fault, and the practice server's own doors."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from typing import Any

import pytest
import requests
from clients import Rest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.practice.faults import KINDS, Fault, Faults
from sfsync.practice.serve import PracticeServer

LEAD = {"LastName": "A", "Company": "B"}


def total(rest: Rest) -> int:
    return int(rest.soql("SELECT COUNT() FROM Lead").json()["totalSize"])


# -- answers instead of work ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("503", 503, "SERVER_UNAVAILABLE"),
        ("500", 500, "UNKNOWN_EXCEPTION"),
        ("429", 429, "TOO_MANY_REQUESTS"),
        ("quota", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("concurrent", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("session", 401, "INVALID_SESSION_ID"),
    ],
)
def test_refusals_happen_before_the_work(
    rest: Rest, server: PracticeServer, fault: str, status: int, code: str
) -> None:
    server.faults.add(f"{fault}:times=1")
    answer = rest.post("/sobjects/Lead", json=LEAD)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)
    with Rest(server) as again:
        assert total(again) == 0
    assert server.faults.hits(fault) == 1


def test_retry_after_is_sent(rest: Rest, server: PracticeServer) -> None:
    server.faults.add("429:times=1,seconds=7")
    server.faults.add("503:times=1,seconds=2.5")
    assert rest.get("/limits").headers["Retry-After"] == "7"
    assert rest.get("/limits").headers["Retry-After"] == "2.5"


def test_an_expired_session_can_be_replaced(rest: Rest, server: PracticeServer) -> None:
    server.faults.add("session:times=1")
    assert [rest.get("/limits").status_code for _ in range(2)] == [401, 401]
    with Rest(server) as again:
        assert again.get("/limits").status_code == 200


def test_html_instead_of_json(rest: Rest, server: PracticeServer) -> None:
    server.faults.add("html:times=1")
    server.faults.add("html:times=1,status=200")
    for status in (503, 200):
        answer = rest.get("/limits")
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html;charset=UTF-8")
        assert answer.text.startswith("<!DOCTYPE html>")


def test_empty_406(rest: Rest, server: PracticeServer) -> None:
    server.faults.add("406:times=1")
    answer = rest.get("/limits")
    assert (answer.status_code, answer.content, "Content-Type" in answer.headers) == (406, b"", False)


def test_slow_answers_come_late(rest: Rest, server: PracticeServer) -> None:
    server.faults.add("slow:times=1,seconds=0.3")
    began = time.monotonic()
    assert rest.get("/limits").status_code == 200
    assert time.monotonic() - began > 0.29


# -- broken connections ---------------------------------------------------------------------------------------------


def test_a_dropped_request_was_not_done_and_a_lost_reply_was(rest: Rest, server: PracticeServer) -> None:
    server.faults.add("drop:times=1,method=POST")
    with pytest.raises(requests.ConnectionError):
        rest.post("/sobjects/Lead", json=LEAD)
    assert total(rest) == 0
    server.faults.add("lost:times=1,method=POST")
    with pytest.raises(requests.ConnectionError):
        rest.post("/sobjects/Lead", json=LEAD)
    assert total(rest) == 1


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
@pytest.mark.parametrize("size", [3, 3000])
def test_a_cut_body_is_noticed_by_the_client(rest: Rest, server: PracticeServer, encoding: str, size: int) -> None:
    server.org.load("Account", f"SELECT practice_id('001', 9 + i) \"Id\", 'A' || i \"Name\" FROM range({size}) r(i)")
    job = query_job(rest)
    server.faults.add("cut:times=2,method=GET")
    headers = {"Accept-Encoding": encoding}
    for path in ("/query?q=SELECT+Id,Name+FROM+Account", f"/jobs/query/{job}/results"):
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            rest.get(path, headers=headers)
    assert rest.get(f"/jobs/query/{job}/results", headers=headers).status_code == 200


def query_job(rest: Rest, soql: str = "SELECT Id, Name FROM Account") -> str:
    made = rest.post("/jobs/query", json={"operation": "query", "query": soql}).json()
    assert ended(rest, f"/jobs/query/{made['id']}")["state"] == "JobComplete"
    return str(made["id"])


def ended(rest: Rest, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job = rest.get(path).json()
        if job["state"] in ("JobComplete", "Failed"):
            return dict(job)
        time.sleep(0.01)
    raise AssertionError(path)


# -- wrong content --------------------------------------------------------------------------------------------------


def test_a_truncated_page_has_fewer_rows_than_its_header_says(rest: Rest, server: PracticeServer) -> None:
    server.org.load("Account", "SELECT practice_id('001', 9 + i) \"Id\", 'A' || i \"Name\" FROM range(20) r(i)")
    job = query_job(rest)
    server.faults.add("truncated:times=1,rows=3")
    page = rest.get(f"/jobs/query/{job}/results")
    assert page.headers["Sforce-NumberOfRecords"] == "20"
    assert len(list(csv.DictReader(io.StringIO(page.text)))) == 17
    whole = rest.get(f"/jobs/query/{job}/results")
    assert len(list(csv.DictReader(io.StringIO(whole.text)))) == 20


def test_charset_can_be_wrong_or_missing(rest: Rest, server: PracticeServer) -> None:
    rest.new("Lead", LastName="Åberg", Company="B")
    server.faults.add("charset:times=1,path=/query,value=iso-8859-1")
    server.faults.add("charset:times=1,path=/query")
    wrong, missing = (rest.soql("SELECT LastName FROM Lead") for _ in range(2))
    assert wrong.headers["Content-Type"] == "application/json;charset=iso-8859-1"
    assert missing.headers["Content-Type"] == "application/json"
    assert "Åberg".encode() in wrong.content


def test_locators_can_be_expired(rest: Rest, server: PracticeServer) -> None:
    server.org.load("Account", "SELECT practice_id('001', 9 + i) \"Id\", 'A' || i \"Name\" FROM range(2100) r(i)")
    following = rest.soql("SELECT Id FROM Account").json()["nextRecordsUrl"]
    server.faults.add("locator:times=1")
    assert rest.get(following).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
    assert rest.get(following).status_code == 200


# -- jobs and rows --------------------------------------------------------------------------------------------------


def test_query_jobs_can_fail_and_be_slow(rest: Rest, server: PracticeServer) -> None:
    server.faults.add("failed-job:times=1")
    made = rest.post("/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Account"}).json()
    failed = ended(rest, f"/jobs/query/{made['id']}")
    assert failed["state"] == "Failed"
    assert failed["errorMessage"] == "QUERY_TIMEOUT: Your query request was running for too long."
    server.faults.add("slow-job:times=1,seconds=0.2")
    began = time.monotonic()
    query_job(rest)
    assert time.monotonic() - began > 0.39


def test_an_ingest_job_can_stop_half_way(rest: Rest, server: PracticeServer) -> None:
    server.faults.add("failed-job:times=1,message=TooManyLockFailure : stopped")
    made = rest.post("/jobs/ingest", json={"object": "Lead", "operation": "insert", "contentType": "CSV"}).json()
    content = "LastName,Company\n" + "A,B\n" * 10
    rest.put(f"/jobs/ingest/{made['id']}/batches", content, headers={"Content-Type": "text/csv"})
    rest.patch(f"/jobs/ingest/{made['id']}", json={"state": "UploadComplete"})
    job = ended(rest, f"/jobs/ingest/{made['id']}")
    assert (job["state"], job["errorMessage"]) == ("Failed", "TooManyLockFailure : stopped")
    left = rest.get(f"/jobs/ingest/{made['id']}/unprocessedrecords").text
    assert (total(rest), left.count("\n")) == (5, 6)


def test_row_locks_hit_single_records_and_rows_of_collections(rest: Rest, server: PracticeServer) -> None:
    lead = rest.new("Lead", **LEAD)
    server.faults.add("lock:times=1")
    single = rest.patch(f"/sobjects/Lead/{lead}", json={"Company": "C"})
    assert (single.status_code, single.json()[0]["errorCode"]) == (400, "UNABLE_TO_LOCK_ROW")
    assert lead[:15] in single.json()[0]["message"]
    server.faults.add("lock:times=1,rows=2")
    records = [{"attributes": {"type": "Lead"}, **LEAD} for _ in range(3)]
    answer = rest.post("/composite/sobjects", json={"records": records}).json()
    assert [r["success"] for r in answer] == [False, False, True]
    server.faults.add("lock:times=1")
    whole = rest.post("/composite/sobjects", json={"records": records, "allOrNone": True}).json()
    codes = [r["errors"][0]["statusCode"] for r in whole]
    assert codes == ["UNABLE_TO_LOCK_ROW", *["ALL_OR_NONE_OPERATION_ROLLED_BACK"] * 2]
    assert total(rest) == 2


# -- ordering -------------------------------------------------------------------------------------------------------


def test_times_after_path_and_method_choose_the_requests() -> None:
    faults = Faults(["503:times=2,after=1,path=/query$,method=get"])
    asked = [("GET", "/query"), ("POST", "/query"), ("GET", "/queryAll"), *[("GET", "/query")] * 4]
    hit = [faults.take("request", method, path) is not None for method, path in asked]
    assert hit == [False, False, False, True, True, False, False]
    assert faults.hits("503") == 2


def test_without_times_a_fault_goes_on_until_cleared() -> None:
    faults = Faults(["500"])
    assert all(faults.take("request", "GET", "/") for _ in range(50))
    faults.clear()
    assert faults.take("request", "GET", "/") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("504", "unknown fault"),
        ("503:time=1", "unknown key"),
        ("503:times=x", "not a number"),
        ("503:path=(", "regular"),
    ],
)
def test_a_misspelt_fault_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Fault.parse(text)


def test_commas_in_a_path_survive() -> None:
    assert Fault.parse("503:path=a{1,2},times=3") == Fault("503", times=3, path="a{1,2}")


@given(
    st.sampled_from(sorted(KINDS)),
    st.one_of(st.none(), st.integers(0, 99)),
    st.integers(0, 99),
    st.text("abc/{}.,", max_size=9).map(re.escape),
)
def test_text_and_object_form_are_the_same(kind: str, times: int | None, after: int, path: str) -> None:
    text = f"{kind}:after={after},path={path}" + ("" if times is None else f",times={times}")
    assert Fault.parse(text) == Fault.of({"kind": kind, "times": times, "after": after, "path": path})


# -- the server's own doors -----------------------------------------------------------------------------------------


def admin(server: PracticeServer, method: str, path: str, body: Any = None) -> requests.Response:
    return requests.request(method, f"{server.url}/practice{path}", json=body, timeout=60)


def test_faults_are_ordered_and_cleared_over_http(rest: Rest, server: PracticeServer) -> None:
    admin(server, "POST", "/faults", {"fault": "503:times=1"})
    admin(server, "POST", "/faults", [{"kind": "429", "path": "/nope"}, "406:times=1"])
    assert rest.get("/limits").status_code == 503
    assert [f["hits"] for f in admin(server, "GET", "/faults").json()["faults"]] == [1, 0, 0]
    assert admin(server, "DELETE", "/faults").json() == {"faults": []}
    assert rest.get("/limits").status_code == 200
    assert "unknown fault" in admin(server, "POST", "/faults", {"fault": "nope"}).json()["error"]


def test_status_clock_calls_and_sessions(rest: Rest, server: PracticeServer) -> None:
    rest.new("Lead", **LEAD)
    rest.post("/composite", json={"compositeRequest": [part("/sobjects")]})
    found = admin(server, "GET", "/").json()
    assert found["records"]["Lead"] == 1
    assert found["organization_id"] == server.org.organization_id
    calls = admin(server, "GET", "/calls").json()["calls"]
    assert calls["POST /sobjects/{sobject}"] == calls["POST /composite"] == calls["(composite) GET /sobjects"] == 1
    before = server.org.clock.now()
    admin(server, "POST", "/clock", {"offset_seconds": 3600})
    assert (server.org.clock.now() - before).total_seconds() > 3500
    assert admin(server, "POST", "/sessions/expire").json()["expired"] >= 1
    assert rest.get("/limits").status_code == 401


def part(url: str) -> dict[str, str]:
    return {"method": "GET", "url": f"/services/data/v66.0{url}", "referenceId": "a"}


def test_dump_late_and_purge(rest: Rest, server: PracticeServer) -> None:
    kept, gone = (rest.new("Lead", **LEAD) for _ in range(2))
    stamp = rest.get(f"/sobjects/Lead/{kept}").json()["SystemModstamp"]
    assert admin(server, "POST", "/late", {"sobject": "Lead", "id": kept, "seconds": 600}).status_code == 200
    assert rest.get(f"/sobjects/Lead/{kept}").json()["SystemModstamp"] < stamp
    assert admin(server, "POST", "/purge", {"sobject": "Lead", "ids": [gone]}).status_code == 200
    lines = admin(server, "GET", "/dump/lead").text.splitlines()
    assert [json.loads(line)["Id"] for line in lines] == [kept]
    assert admin(server, "GET", "/dump/Nope").status_code == 404


def test_fields_come_hide_and_go(rest: Rest, server: PracticeServer) -> None:
    lead = rest.new("Lead", **LEAD)

    def fields(**body: Any) -> None:
        answer = admin(server, "POST", "/fields", {"sobject": "Lead", **body})
        assert answer.status_code == 200, answer.text

    fields(add={"name": "Tier__c", "type": "string", "length": 10}, value_sql="'gold'")
    assert rest.get(f"/sobjects/Lead/{lead}").json()["Tier__c"] == "gold"
    fields(hide="Tier__c")
    assert rest.soql("SELECT Tier__c FROM Lead").json()[0]["errorCode"] == "INVALID_FIELD"
    fields(show="Tier__c")
    assert rest.soql("SELECT Tier__c FROM Lead").status_code == 200
    fields(remove="Tier__c")
    assert "Tier__c" not in {f["name"] for f in rest.get("/sobjects/Lead/describe").json()["fields"]}
    assert admin(server, "POST", "/fields", {"sobject": "Lead", "hide": "Nope"}).status_code == 400


def test_truth_is_there_only_where_defects_were_planted(server: PracticeServer) -> None:
    assert admin(server, "GET", "/truth").status_code == 404
    with server.org.transaction() as connection:
        connection.execute("CREATE TABLE practice_truth AS SELECT 'Lead' AS sobject, 'x' AS id")
    assert admin(server, "GET", "/truth").json() == {"sobject": "Lead", "id": "x"}


def test_the_servers_doors_refuse_other_hosts_and_web_pages(server: PracticeServer) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        assert requests.get(f"{server.url}/practice/", headers=headers, timeout=60).status_code == 403


def test_faults_do_not_hit_the_servers_own_doors(server: PracticeServer) -> None:
    server.faults.add("503")
    assert admin(server, "GET", "/").status_code == 200
    assert requests.get(f"{server.url}/services/data", timeout=60).status_code == 503
