"""Bulk API 2.0 jobs, on the wire."""

from __future__ import annotations

import csv
import io
import time
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from clients import Rest

from sfsync.practice.pages import read_locator, write_locator
from sfsync.practice.schema import Field
from sfsync.practice.serve import PracticeServer

FINISHED = ("JobComplete", "Failed", "Aborted")


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


def rows(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def wait(rest: Rest, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job = rest.get(path).json()
        if job["state"] in FINISHED:
            return dict(job)
        time.sleep(0.01)
    raise AssertionError(f"{path} did not finish: {job}")


def query_job(rest: Rest, soql: str, **more: Any) -> dict[str, Any]:
    """A finished query job."""
    answer = rest.post("/jobs/query", json={"operation": "query", "query": soql, **more})
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "UploadComplete"
    return wait(rest, f"/jobs/query/{answer.json()['id']}")


def results(rest: Rest, job: dict[str, Any], **params: Any) -> requests.Response:
    answer = rest.get(f"/jobs/query/{job['id']}/results", params=params, headers={"Accept": "text/csv"})
    assert answer.status_code == 200, answer.text
    return answer


def accounts(server: PracticeServer, count: int) -> None:
    server.org.load(
        "Account",
        f"SELECT practice_id('001', 9 + i) \"Id\", 'A' || i \"Name\", 'x, \"' || i || '\"\nÜ' \"BillingStreet\", "
        f"TIMESTAMP '2026-01-10 09:15:00' \"SystemModstamp\" FROM range({count}) r(i)",
    )


# -- query jobs -----------------------------------------------------------------------------------------------------


def test_query_job_has_the_documented_shape(rest: Rest, server: PracticeServer) -> None:
    accounts(server, 3)
    job = query_job(rest, "SELECT Id, Name FROM account")
    assert job | {"id": "", "createdDate": "", "systemModstamp": "", "totalProcessingTime": 0} == {
        "id": "",
        "operation": "query",
        "object": "Account",
        "createdById": server.org.user_id,
        "createdDate": "",
        "systemModstamp": "",
        "state": "JobComplete",
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": 66.0,
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
        "jobType": "V2Query",
        "numberRecordsProcessed": 3,
        "retries": 0,
        "totalProcessingTime": 0,
        "isPkChunkingSupported": True,
    }
    assert job["id"].startswith("750")
    assert job["createdDate"].endswith("+0000")


def test_pages_have_a_header_each_and_end_with_the_text_null(rest: Rest, server: PracticeServer) -> None:
    accounts(server, 25)
    job = query_job(rest, "SELECT Id, Name, BillingStreet, SystemModstamp FROM Account")
    found: list[dict[str, str]] = []
    params: dict[str, Any] = {"maxRecords": 10}
    sizes = []
    while params.get("locator") != "null":
        page = results(rest, job, **params)
        assert page.text.startswith('"Id","Name","BillingStreet","SystemModstamp"\n')
        assert page.headers["Content-Type"] == "text/csv; charset=UTF-8"
        sizes.append(int(page.headers["Sforce-NumberOfRecords"]))
        assert len(rows(page.text)) == sizes[-1]
        found += rows(page.text)
        params["locator"] = page.headers["Sforce-Locator"]
    assert sizes == [10, 10, 5]
    assert {r["BillingStreet"] for r in found} == {f'x, "{i}"\nÜ' for i in range(25)}
    assert {r["SystemModstamp"] for r in found} == {"2026-01-10T09:15:00.000Z"}


def test_pages_can_be_read_again_and_show_the_moment_of_the_job(rest: Rest, server: PracticeServer) -> None:
    accounts(server, 12)
    job = query_job(rest, "SELECT Id FROM Account")
    first = results(rest, job, maxRecords=5)
    accounts_more = rest.post("/sobjects/Account", json={"Name": "Later"})
    assert accounts_more.status_code == 201
    again = results(rest, job, maxRecords=5)
    assert (again.text, again.headers["Sforce-Locator"]) == (first.text, first.headers["Sforce-Locator"])
    assert results(rest, job).headers["Sforce-NumberOfRecords"] == "12"


def test_more_pages_than_are_kept_on_disk(rest: Rest, server: PracticeServer) -> None:
    accounts(server, 100)
    job = query_job(rest, "SELECT Id FROM Account")
    seen = set()
    for locator in [write_locator(job["id"], i) for i in range(0, 100, 5)] * 2:
        seen |= {r["Id"] for r in rows(results(rest, job, maxRecords=5, locator=locator).text)}
    assert len(seen) == 100
    assert len(list(server.site.folder.glob("*.csv"))) <= 7


def test_an_empty_result_is_a_header(rest: Rest) -> None:
    page = results(rest, query_job(rest, "SELECT Id, Name FROM Account"))
    assert page.text == '"Id","Name"\n'
    assert page.headers["Sforce-NumberOfRecords"] == "0"
    assert page.headers["Sforce-Locator"] == "null"


def test_delimiter_line_ending_and_gzip(rest: Rest, server: PracticeServer) -> None:
    accounts(server, 3)
    job = query_job(rest, "SELECT Id, Name FROM Account", columnDelimiter="PIPE", lineEnding="CRLF")
    packed = rest.get(f"/jobs/query/{job['id']}/results", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.content.startswith(b'"Id"|"Name"\r\n')
    plain = rest.get(f"/jobs/query/{job['id']}/results", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.content == packed.content


def test_query_all_jobs_see_deleted_rows(rest: Rest) -> None:
    account = rest.new("Account", Name="A")
    rest.delete(f"/sobjects/Account/{account}")
    job = query_job(rest, "SELECT Id, IsDeleted FROM Account", operation="queryAll")
    assert rows(results(rest, job).text) == [{"Id": account, "IsDeleted": "true"}]


def test_result_pages_cover_the_result_in_fives(rest: Rest, server: PracticeServer) -> None:
    accounts(server, 23)
    server.settings.bulk_page = 3
    job = query_job(rest, "SELECT Id FROM Account")
    path, seen, sizes = f"/jobs/query/{job['id']}/resultPages", [], []
    while path:
        answer = rest.get(path).json()
        sizes.append(len(answer["resultPages"]))
        for page in answer["resultPages"]:
            seen += [r["Id"] for r in rows(rest.get(page["resultUrl"]).text)]
        assert answer["done"] is ("nextRecordsUrl" not in answer)
        path = answer.get("nextRecordsUrl", "")
    assert sizes == [5, 3]
    assert (len(seen), len(set(seen))) == (23, 23)
    early = query_job(rest, "SELECT Id FROM Account")
    old = rest.get(f"/services/data/v57.0/jobs/query/{early['id']}/resultPages")
    assert code(old) == (404, "NOT_FOUND")


def test_results_need_the_jobs_version_its_end_and_a_real_locator(rest: Rest, server: PracticeServer) -> None:
    accounts(server, 3)
    job = query_job(rest, "SELECT Id FROM Account")
    assert rest.get(f"/services/data/v65.0/jobs/query/{job['id']}/results").status_code == 409
    path = f"/jobs/query/{job['id']}/results"
    for params in (
        {"locator": "MTAwMDA"},
        {"maxRecords": "0"},
        {"limit": "3"},
        {"locator": write_locator(job["id"], 3)},
    ):
        assert rest.get(path, params=params).status_code == 400
    assert rest.get(path, headers={"Accept": "application/json"}).status_code == 406
    server.settings.job_seconds = 5
    running = rest.post("/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Account"}).json()
    assert code(rest.get(f"/jobs/query/{running['id']}/results")) == (400, "INVALIDJOBSTATE")


def test_locators_belong_to_their_job() -> None:
    assert read_locator("750A", write_locator("750A", 1000, 50)) == (1000, 50)
    assert read_locator("750A", write_locator("750A", 7)) == (7, 0)
    assert read_locator("750B", write_locator("750A", 1000)) is None
    assert read_locator("750A", "é") is None


def test_states_follow_each_other(rest: Rest, server: PracticeServer) -> None:
    server.settings.job_seconds = 0.4
    job = rest.post("/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Account"}).json()
    states = []
    while not states or states[-1] not in FINISHED:
        state = rest.get(f"/jobs/query/{job['id']}").json()["state"]
        states += [state] if state not in states else []
        time.sleep(0.01)
    assert states == ["UploadComplete", "InProgress", "JobComplete"]


def test_abort_and_delete(rest: Rest, server: PracticeServer) -> None:
    server.settings.job_seconds = 5
    job = rest.post("/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Account"}).json()
    path = f"/jobs/query/{job['id']}"
    assert code(rest.delete(path)) == (400, "API_ERROR")
    assert rest.patch(path, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert code(rest.patch(path, json={"state": "Aborted"})) == (400, "INVALIDJOBSTATE")
    assert rest.delete(path).status_code == 204
    assert code(rest.get(path)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"query": "SELECT Id, BillingAddress FROM Account"}, "API_ERROR"),
        ({"query": "SELECT Id FROM LeadStatus"}, "INVALIDENTITY"),
        ({"query": "SELECT Nope FROM Account"}, "INVALID_FIELD"),
        ({"query": "SELECT"}, "MALFORMED_QUERY"),
        ({"query": "SELECT Id FROM Account", "operation": "insert"}, "INVALIDOPERATION"),
        ({"query": "SELECT Id FROM Account", "columnDelimiter": ","}, "INVALIDJOB"),
        ({"query": "SELECT Id FROM Account", "chunk": True}, "JSON_PARSER_ERROR"),
        ({}, "INVALIDJOB"),
    ],
)
def test_bad_query_jobs_are_refused_when_made(rest: Rest, body: dict[str, Any], expected: str) -> None:
    assert code(rest.post("/jobs/query", json={"operation": "query", **body})) == (400, expected)
    assert rest.get("/jobs/query").json()["records"] == []


def test_daily_query_jobs_run_out(rest: Rest, server: PracticeServer) -> None:
    server.settings.daily_query_jobs = 1
    query_job(rest, "SELECT Id FROM Account")
    refused = rest.post("/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Account"})
    assert code(refused) == (400, "LIMIT_EXCEEDED")
    assert refused.json()[0]["message"].startswith("Max bulk v2 query jobs (1) per 24 hrs has been reached")
    assert rest.get("/limits").json()["DailyBulkV2QueryJobs"] == {"Max": 1, "Remaining": 0}


def test_jobs_are_listed_by_kind(rest: Rest) -> None:
    made = query_job(rest, "SELECT Id FROM Account")
    assert [j["id"] for j in rest.get("/jobs/query").json()["records"]] == [made["id"]]
    assert rest.get("/jobs/ingest").json() == {"done": True, "records": [], "nextRecordsUrl": None}


# -- ingest jobs ----------------------------------------------------------------------------------------------------


def open_job(rest: Rest, operation: str = "insert", sobject: str = "Lead", **more: Any) -> dict[str, Any]:
    answer = rest.post("/jobs/ingest", json={"object": sobject, "operation": operation, "contentType": "CSV", **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def put(rest: Rest, job: dict[str, Any], content: str | bytes) -> requests.Response:
    data = content.encode() if isinstance(content, str) else content
    return rest.put(f"/{job['contentUrl']}", data, headers={"Content-Type": "text/csv"})


def ingest(
    rest: Rest, content: str | bytes, operation: str = "insert", sobject: str = "Lead", **more: Any
) -> dict[str, Any]:
    """A finished ingest job."""
    job = open_job(rest, operation, sobject, **more)
    assert put(rest, job, content).status_code == 201
    closed = rest.patch(f"/jobs/ingest/{job['id']}", json={"state": "UploadComplete"})
    assert closed.json()["state"] == "UploadComplete"
    return wait(rest, f"/jobs/ingest/{job['id']}")


def report(rest: Rest, job: dict[str, Any], name: str) -> list[dict[str, str]]:
    answer = rest.get(f"/jobs/ingest/{job['id']}/{name}/")
    assert answer.headers["Content-Type"] == "text/csv; charset=UTF-8"
    return rows(answer.text)


def external_id(server: PracticeServer) -> None:
    server.org.add_field(
        "Lead", Field("Ext__c", "string", "Ext", length=40, external_id=True, unique=True, id_lookup=True, custom=True)
    )


def test_content_url_has_no_leading_slash_and_only_while_open(rest: Rest) -> None:
    job = open_job(rest)
    assert job["contentUrl"] == f"services/data/v66.0/jobs/ingest/{job['id']}/batches"
    assert job["state"] == "Open"
    put(rest, job, "LastName,Company\nA,B\n")
    assert "contentUrl" not in rest.patch(f"/jobs/ingest/{job['id']}", json={"state": "UploadComplete"}).json()


def test_reports_hold_every_row_but_not_in_the_order_of_the_upload(rest: Rest) -> None:
    content = "LastName,Company\n" + "".join(f"L{i},{'' if i % 10 == 0 else 'C'}\n" for i in range(100))
    job = ingest(rest, content)
    assert (job["state"], job["numberRecordsProcessed"], job["numberRecordsFailed"]) == ("JobComplete", 100, 10)
    good, bad = report(rest, job, "successfulResults"), report(rest, job, "failedResults")
    assert list(good[0]) == ["sf__Id", "sf__Created", "LastName", "Company"]
    assert {r["sf__Created"] for r in good} == {"true"}
    names = [r["LastName"] for r in good]
    assert sorted(names) != names
    assert {*names, *(r["LastName"] for r in bad)} == {f"L{i}" for i in range(100)}
    assert bad[0]["sf__Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [Company]:Company --"
    assert bad[0]["sf__Id"] == ""
    assert report(rest, job, "unprocessedrecords") == []


def test_empty_cells_leave_alone_and_na_blanks(rest: Rest) -> None:
    lead = rest.new("Lead", LastName="A", Company="B", Phone="1", Title="T")
    job = ingest(rest, f"Id,Phone,Title,Company\n{lead},,#N/A,New\n", "update")
    assert job["numberRecordsFailed"] == 0
    found = rest.get(f"/sobjects/Lead/{lead}").json()
    assert (found["Phone"], found["Title"], found["Company"]) == ("1", None, "New")


def test_upsert_job_says_which_rows_were_created(rest: Rest, server: PracticeServer) -> None:
    external_id(server)
    known = rest.new("Lead", LastName="A", Company="B", Ext__c="L-1")
    job = ingest(rest, "Ext__c,LastName,Company\nL-1,A2,\nL-2,N,C\n", "upsert", externalIdFieldName="Ext__c")
    assert job["externalIdFieldName"] == "Ext__c"
    done = {r["Ext__c"]: r for r in report(rest, job, "successfulResults")}
    assert (done["L-1"]["sf__Id"], done["L-1"]["sf__Created"], done["L-2"]["sf__Created"]) == (known, "false", "true")


def test_parents_are_found_by_key_and_polymorphic_ones_need_their_type(rest: Rest, server: PracticeServer) -> None:
    server.org.add_field(
        "Account",
        Field("Ext__c", "string", "Ext", length=40, external_id=True, unique=True, id_lookup=True, custom=True),
    )
    account = rest.new("Account", Name="Acme", Ext__c="A-1")
    job = ingest(rest, "LastName,Account.Ext__c\nL,A-1\nM,A-9\n", sobject="Contact")
    assert job["numberRecordsFailed"] == 1
    found = rest.soql("SELECT AccountId FROM Contact").json()["records"]
    assert [r["AccountId"] for r in found] == [account]
    username = server.credentials.username
    owned = ingest(rest, f"LastName,Company,User:Owner.Username\nL,C,{username}\nM,C,nobody\n")
    assert (owned["state"], owned["numberRecordsFailed"]) == ("JobComplete", 1), owned
    assert rest.soql("SELECT OwnerId FROM Lead").json()["records"][0]["OwnerId"] == server.org.user_id
    plain = ingest(rest, "LastName,Company,Owner.Username\nL,C,x\n")
    assert plain["state"] == "Failed"
    assert "Owner.Username" in plain["errorMessage"]


def test_wrong_types_fail_the_row_only(rest: Rest) -> None:
    content = (
        "LastName,Company,NumberOfEmployees,Email,HasOptedOutOfEmail\n"
        "a,C,many,,\nb,C,,not an address,\nc,C,,,maybe\nd,C,7,d@example.com,TRUE\n"
    )
    job = ingest(rest, content)
    assert job["numberRecordsFailed"] == 3
    codes = {r["LastName"]: r["sf__Error"].partition(":")[0] for r in report(rest, job, "failedResults")}
    assert codes == {
        "a": "INVALID_TYPE_ON_FIELD_IN_RECORD",
        "b": "INVALID_EMAIL_ADDRESS",
        "c": "INVALID_TYPE_ON_FIELD_IN_RECORD",
    }


def test_datetimes_with_rests_own_offset_are_refused(rest: Rest, server: PracticeServer) -> None:
    server.org.add_field("Lead", Field("Seen__c", "datetime", "Seen", custom=True))
    content = "LastName,Company,Seen__c\na,C,2026-01-31T23:01:01.000+0000\nb,C,2026-01-31T23:01:01+01:00\n"
    job = ingest(rest, content)
    assert [r["LastName"] for r in report(rest, job, "failedResults")] == ["a"]
    assert [r["Seen__c"] for r in server.org.dump("Lead")] == [datetime(2026, 1, 31, 22, 1, 1, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("LastName,Company\r\nA,B\r\n", "LineEnding is invalid on user data. Current LineEnding setting is LF"),
        ("LastName,Compny\nA,B\n", "Field name not found : Compny"),
        ("LastName,lastname\nA,B\n", "Duplicate field name found : LastName"),
        ("\ufeffLastName,Company\nA,B\n", "Field name not found : \ufeffLastName"),
        ("LastName,Company\nA,B,C\n", "does not match the header"),
        ('LastName,Company\n"A" ,B\n', "Failed to parse CSV"),
        (b"LastName,Company\nA,\xff\n", "not UTF-8"),
        ("LastName;Company\nA;B\n", "Field name not found : LastName;Company"),
    ],
)
def test_a_file_that_breaks_the_rules_fails_the_job(rest: Rest, content: str | bytes, message: str) -> None:
    job = ingest(rest, content)
    assert job["state"] == "Failed"
    assert message in job["errorMessage"]
    assert rest.soql("SELECT COUNT() FROM Lead").json()["totalSize"] == 0


def test_crlf_and_tab_jobs(rest: Rest) -> None:
    job = ingest(rest, 'LastName\tCompany\r\n"A\nB"\tC\r\n', lineEnding="CRLF", columnDelimiter="TAB")
    assert job["numberRecordsFailed"] == 0
    assert rest.soql("SELECT LastName FROM Lead").json()["records"][0]["LastName"] == "A\nB"


def test_delete_and_hard_delete_take_ids_only(rest: Rest) -> None:
    ids = [rest.new("Lead", LastName="A", Company="B") for _ in range(2)]
    assert ingest(rest, f"Id\n{ids[0]}\n", "delete")["numberRecordsFailed"] == 0
    assert ingest(rest, f"Id\n{ids[1]}\n", "hardDelete")["numberRecordsFailed"] == 0
    seen = rest.get("/queryAll", params={"q": "SELECT Id FROM Lead"}).json()["records"]
    assert [r["Id"] for r in seen] == [ids[0]]
    assert ingest(rest, f"Id,Company\n{ids[0]},B\n", "delete")["state"] == "Failed"


def test_a_job_takes_one_upload_and_must_have_it_to_close(rest: Rest) -> None:
    job = open_job(rest)
    close = {"state": "UploadComplete"}
    assert code(rest.patch(f"/jobs/ingest/{job['id']}", json=close)) == (400, "INVALIDJOBSTATE")
    assert put(rest, job, "LastName,Company\nA,B\n").content == b""
    assert code(put(rest, job, "LastName,Company\nA,B\n")) == (400, "INVALIDJOBSTATE")
    wrong = rest.put(f"/jobs/ingest/{job['id']}/batches", b"x", headers={"Content-Type": "application/json"})
    assert code(wrong) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert code(rest.get(f"/jobs/ingest/{job['id']}/successfulResults")) == (400, "INVALIDJOBSTATE")
    assert code(rest.delete(f"/jobs/ingest/{job['id']}")) == (400, "API_ERROR")


def test_an_aborted_job_leaves_its_rows_unprocessed(rest: Rest, server: PracticeServer) -> None:
    server.settings.job_seconds = 0.2
    job = open_job(rest)
    put(rest, job, "LastName,Company\nA,B\nC,D\n")
    rest.patch(f"/jobs/ingest/{job['id']}", json={"state": "UploadComplete"})
    assert rest.patch(f"/jobs/ingest/{job['id']}", json={"state": "Aborted"}).json()["state"] == "Aborted"
    deadline = time.monotonic() + 60
    while rest.get(f"/jobs/ingest/{job['id']}/unprocessedrecords").status_code == 400 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [r["LastName"] for r in report(rest, job, "unprocessedrecords")] == ["A", "C"]
    assert rest.soql("SELECT COUNT() FROM Lead").json()["totalSize"] == 0
    assert rest.delete(f"/jobs/ingest/{job['id']}").status_code == 204


def test_a_multipart_job_is_made_filled_and_closed_in_one_call(rest: Rest) -> None:
    parts = {
        "job": (None, '{"object": "Lead", "operation": "insert", "contentType": "CSV"}', "application/json"),
        "content": ("content", "LastName,Company\nMülti,B\n", "text/csv"),
    }
    made = rest.post("/jobs/ingest", files=parts)
    assert made.json()["state"] == "UploadComplete"
    assert wait(rest, f"/jobs/ingest/{made.json()['id']}")["numberRecordsProcessed"] == 1
    assert rest.soql("SELECT LastName FROM Lead").json()["records"][0]["LastName"] == "Mülti"
    assert rest.post("/jobs/ingest", files={"job": parts["job"]}).status_code == 400


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"object": "Nope", "operation": "insert"}, "INVALIDENTITY"),
        ({"object": "LeadStatus", "operation": "insert"}, "INVALIDENTITY"),
        ({"object": "Lead", "operation": "merge"}, "INVALIDOPERATION"),
        ({"object": "Lead", "operation": "upsert"}, "INVALIDJOB"),
        ({"object": "Lead", "operation": "upsert", "externalIdFieldName": "Company"}, "INVALIDJOB"),
        ({"object": "Lead", "operation": "insert", "externalIdFieldName": "Id"}, "INVALIDJOB"),
        ({"object": "Lead", "operation": "insert", "contentType": "JSON"}, "INVALIDJOB"),
    ],
)
def test_bad_ingest_jobs_are_refused_when_made(rest: Rest, body: dict[str, Any], expected: str) -> None:
    assert code(rest.post("/jobs/ingest", json=body)) == (400, expected)


def test_rows_beyond_the_daily_batches_stand_in_no_report(rest: Rest, server: PracticeServer) -> None:
    server.settings.daily_ingest_batches = 1
    assert ingest(rest, "LastName,Company\nA,B\n")["numberRecordsProcessed"] == 1
    late = ingest(rest, "LastName,Company\nA,B\n")
    assert late["numberRecordsProcessed"] == 0
    assert [report(rest, late, n) for n in ("successfulResults", "failedResults", "unprocessedrecords")] == [[], [], []]
