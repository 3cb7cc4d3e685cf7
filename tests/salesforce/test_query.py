from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest

from sfsync.errors import IncompleteRead, InputError, OrgError
from sfsync.salesforce import soql
from sfsync.salesforce.org import Identity, Org
from tests.salesforce.scripted import Answer, Asked, ScriptedServer, js, no

ORG, USER = "00D000000000001EAA", "005000000000001AAA"
NEXT = "/services/data/v66.0/query/01gRO0000016PIAYA2-2"


def some(numbers: list[int], total: int, following: str | None = None) -> Answer:
    records = [{"attributes": {"type": "Lead", "url": "/x"}, "Id": str(n)} for n in numbers]
    body = {"totalSize": total, "done": following is None, "records": records}
    return js(body if following is None else {**body, "nextRecordsUrl": following})


def test_pages_follow_the_url_as_it_came(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/query", some([1, 2], 5, NEXT))
    server.on("GET .*/query/01g", some([3, 4], 5, NEXT + "x"), some([5], 5))
    pages = list(org.query_pages("SELECT Id FROM Lead"))
    assert [[r["Id"] for r in p.records] for p in pages] == [["1", "2"], ["3", "4"], ["5"]]
    assert [(p.total, p.done) for p in pages] == [(5, False), (5, False), (5, True)]
    assert [a.path for a in server.all("query/")] == [NEXT, NEXT + "x"]


def test_the_query_arrives_as_it_was_written(server: ScriptedServer, org: Org) -> None:
    text = "SELECT Id FROM Lead WHERE Name = 'A+B & 100% = ü' AND SystemModstamp >= 2026-01-01T00:00:00Z"
    server.on("GET .*/queryAll", some([], 0))
    assert list(org.query(text, all_rows=True)) == []
    assert server.all("queryAll")[0].query == {"q": text}


def test_records_lose_their_attributes_and_keep_exact_numbers(server: ScriptedServer, org: Org) -> None:
    body = (
        b'{"totalSize":1,"done":true,"records":[{"attributes":{"type":"Opportunity"},"Id":"1","Amount":1234567890123456.78,'
        b'"Account":{"attributes":{"type":"Account"},"Name":"A"},"Owner":null,'
        b'"Tasks":{"totalSize":1,"done":true,"records":[{"attributes":{},"Id":"2"}]}}]}'
    )
    server.on("GET .*/query", Answer(200, body, {"Content-Type": "application/json"}))
    (record,) = org.query("SELECT Id FROM Opportunity")
    assert record == {
        "Id": "1",
        "Amount": Decimal("1234567890123456.78"),
        "Account": {"Name": "A"},
        "Owner": None,
        "Tasks": {"totalSize": 1, "done": True, "records": [{"Id": "2"}]},
    }


@pytest.mark.parametrize("came", [[5], [5, 6, 7]])
def test_fewer_or_more_rows_than_promised_are_not_passed_off_as_whole(
    server: ScriptedServer, org: Org, came: list[int]
) -> None:
    server.on("GET .*/query", some([1, 2, 3, 4], 6, NEXT))
    server.on("GET .*/query/01g", some(came, 6))
    pages = org.query_pages("SELECT Id FROM Lead")
    assert next(pages).done is False
    with pytest.raises(IncompleteRead, match="promised 6"):
        next(pages)


def test_a_single_empty_page_that_promises_rows_is_incomplete(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/query", some([], 3))
    with pytest.raises(IncompleteRead):
        list(org.query("SELECT Id FROM Lead"))


def test_a_limit_makes_the_promise_void(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/query", some([1], 500))
    assert len(list(org.query("SELECT Id FROM Lead LIMIT 1"))) == 1


def test_a_lost_cursor_is_an_error_with_its_code(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/query", some([1], 2, NEXT))
    server.on("GET .*/query/01g", no(400, "INVALID_QUERY_LOCATOR", "invalid query locator"))
    with pytest.raises(OrgError) as caught:
        list(org.query("SELECT Id FROM Lead"))
    assert caught.value.code == "INVALID_QUERY_LOCATOR"
    assert server.count("query/01g") == 1


def test_a_cursor_that_stumbles_is_asked_again(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/query", some([1], 2, NEXT))
    stumble = no(400, "INVALID_QUERY_LOCATOR", "TEMPORARY_QUERY_MORE_FAILURE")
    server.on("GET .*/query/01g", stumble, some([2], 2))
    assert len(list(org.query("SELECT Id FROM Lead"))) == 2


@pytest.mark.parametrize("body", [{}, [], {"records": []}, {"records": [], "totalSize": 1, "done": False}])
def test_json_that_is_no_page_is_refused(server: ScriptedServer, org: Org, body: object) -> None:
    server.on("GET .*/query", js(body))
    with pytest.raises(IncompleteRead):
        list(org.query("SELECT Id FROM Lead"))


def test_count_is_the_total(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/query", js({"totalSize": 17, "done": True, "records": []}))
    assert org.count("SELECT COUNT() FROM Lead") == 17


def test_a_long_query_travels_in_a_body(server: ScriptedServer, org: Org) -> None:
    text = f"SELECT Id FROM Lead WHERE Company IN {soql.in_list([f'Company {n} & sons' for n in range(1000)])}"

    def batch(asked: Asked) -> Answer:
        (one,) = asked.json()["batchRequests"]
        assert parse_qs(urlsplit(one["url"]).query)["q"] == [text]
        assert one["url"].startswith("v66.0/query?q=")
        first = json.loads(some([1], 2, NEXT).body)
        return js({"hasErrors": False, "results": [{"statusCode": 200, "result": first}]})

    server.on("POST .*/composite/batch", batch)
    server.on("GET .*/query/01g", some([2], 2))
    assert [r["Id"] for r in org.query(text)] == ["1", "2"]


def test_a_long_query_that_is_refused_raises_as_a_short_one(server: ScriptedServer, org: Org) -> None:
    refused = [{"errorCode": "INVALID_FIELD", "message": "No such column"}]
    server.on("POST .*/batch", js({"hasErrors": True, "results": [{"statusCode": 400, "result": refused}]}))
    with pytest.raises(OrgError, match="No such column") as caught:
        list(org.query("SELECT Id FROM Lead WHERE X = '" + "x" * 9000 + "'"))
    assert (caught.value.code, caught.value.status) == ("INVALID_FIELD", 400)


def test_a_batch_is_sent_by_25_and_answered_in_order(server: ScriptedServer, org: Org) -> None:
    def batch(asked: Asked) -> Answer:
        sent = asked.json()["batchRequests"]
        return js({"results": [{"statusCode": 200, "result": {"url": r["url"]}} for r in sent]})

    server.on("POST .*/batch", batch)
    results = org.batch_get([f"limits?n={n}" for n in range(60)])
    assert [r.body["url"] for r in results] == [f"v66.0/limits?n={n}" for n in range(60)]
    assert [len(a.json()["batchRequests"]) for a in server.all("batch")] == [25, 25, 10]
    assert org.batch_get([]) == []


def test_a_failed_request_of_a_batch_is_a_value(server: ScriptedServer, org: Org) -> None:
    refused = [{"errorCode": "NOT_FOUND", "message": "gone"}]
    answers = [{"statusCode": 404, "result": refused}, {"statusCode": 200, "result": {}}]
    server.on("POST .*/batch", js({"hasErrors": True, "results": answers}))
    first, second = org.batch_get(["a", "b"])
    assert (first.ok, second.ok, second.error) == (False, True, None)
    assert first.error is not None
    assert (first.error.code, first.error.message) == ("NOT_FOUND", "gone")


@pytest.mark.parametrize("body", [{}, {"results": []}, {"results": [{"statusCode": 200}]}, []])
def test_a_batch_without_all_its_answers_is_incomplete(server: ScriptedServer, org: Org, body: object) -> None:
    server.on("POST .*/batch", js(body))
    with pytest.raises(IncompleteRead):
        org.batch_get(["limits"])


# -- the org itself


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["64.0", "65.0", "66.0", "67.0"], "66.0"), (["8.0", "59.0", "60.0"], "60.0")]
)
def test_the_newest_version_both_sides_know_is_taken(
    server: ScriptedServer, make_org: Callable[..., Org], offered: list[str], chosen: str
) -> None:
    server.on("GET /services/data$", js([{"version": v, "url": f"/services/data/v{v}"} for v in offered]))
    org = make_org(api_version=None)
    assert org.api_version == chosen
    assert org.api_version == chosen
    assert server.count("/services/data$") == 1


def test_identity_is_asked_of_the_orgs_own_host_once(server: ScriptedServer, org: Org) -> None:
    server.on("GET /id/", js({"user_id": USER[:15], "organization_id": ORG[:15], "username": "u@example.com"}))
    assert org.identity() == Identity(ORG, USER, "u@example.com")
    assert org.identity() == Identity(ORG, USER, "u@example.com")
    assert server.count("GET") == 1


def test_a_session_without_identity_still_names_its_org(server: ScriptedServer, org: Org) -> None:
    server.on("GET /id/", Answer(403, b"Bad_OAuth_Token", {"Content-Type": "text/plain"}))
    record = {"Id": ORG[:15], "Name": "Acme", "IsSandbox": True}
    server.on("GET .*/query", js({"totalSize": 1, "done": True, "records": [record]}))
    assert org.identity() == Identity(ORG, "", "")
    assert org.organization()["IsSandbox"] is True
    assert server.count("/query") == 1


def test_describe_of_an_unknown_object_names_the_nearest(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/sobjects$", js({"sobjects": [{"name": "Lead"}, {"name": "Account"}]}))
    with pytest.raises(OrgError, match='Nearest: "Lead"') as caught:
        org.describe("Laed")
    assert (caught.value.code, caught.value.status) == ("NOT_FOUND", 404)


def test_a_name_cannot_lead_out_of_its_path(org: Org) -> None:
    with pytest.raises(InputError):
        org.describe("../limits")


def test_updated_and_deleted_speak_utc_and_18_characters(server: ScriptedServer, org: Org) -> None:
    covered = "2026-02-02T10:00:00.000+0000"
    server.on("GET .*/updated", js({"ids": ["00Q000000000001"], "latestDateCovered": covered}))
    gone = [{"id": "00Q000000000002", "deletedDate": "2026-02-01T09:00:00.000+0000"}]
    body = {"deletedRecords": gone, "earliestDateAvailable": covered, "latestDateCovered": covered}
    server.on("GET .*/deleted", js(body))
    start, end = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 2, 10, tzinfo=UTC)
    updated, deleted = org.updated("Lead", start, end), org.deleted("Lead", start, end)
    assert (updated.ids, updated.latest_covered) == (["00Q000000000001EAA"], end)
    assert deleted.ids == {"00Q000000000002EAA": datetime(2026, 2, 1, 9, tzinfo=UTC)}
    assert (deleted.earliest_available, deleted.latest_covered) == (end, end)
    assert server.all("updated")[0].query == {"start": "2026-02-01T00:00:00.000Z", "end": "2026-02-02T10:00:00.000Z"}


def test_a_log_that_does_not_reach_back_is_told_by_its_code(server: ScriptedServer, org: Org) -> None:
    server.on("GET .*/deleted", no(400, "INVALID_REPLICATION_DATE"))
    with pytest.raises(OrgError) as caught:
        org.deleted("Lead", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    assert caught.value.code == "INVALID_REPLICATION_DATE"
