"""Many records or many requests in one call."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from clients import Rest

from sfsync.practice.schema import Field
from sfsync.practice.serve import PracticeServer

DATA = "/services/data/v66.0"


def typed(sobject: str, **values: Any) -> dict[str, Any]:
    return {"attributes": {"type": sobject}, **values}


def lead(**values: Any) -> dict[str, Any]:
    return typed("Lead", **{"LastName": "A", "Company": "B", **values})


def collection(rest: Rest, method: str, records: list[dict[str, Any]], **more: Any) -> requests.Response:
    return rest.request(method, "/composite/sobjects", json={"records": records, **more})


def count(rest: Rest, sobject: str = "Lead") -> int:
    return int(rest.soql(f"SELECT COUNT() FROM {sobject}").json()["totalSize"])


# -- collections ----------------------------------------------------------------------------------------------------


def test_collection_results_keep_the_order_and_report_each_record(rest: Rest) -> None:
    answer = collection(rest, "POST", [lead(), lead(LastName=None), typed("Account", Name="C")])
    assert answer.status_code == 200
    good, bad, account = answer.json()
    assert (good["success"], good["errors"], good["id"][:3], set(good)) == (
        True,
        [],
        "00Q",
        {"id", "success", "errors"},
    )
    assert bad == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [LastName]",
                "fields": ["LastName"],
            }
        ],
    }
    assert account["id"][:3] == "001"


def test_collection_all_or_none_takes_everything_back_even_across_objects(rest: Rest) -> None:
    answer = collection(rest, "POST", [typed("Account", Name="C"), lead(), lead(Company=None)], allOrNone=True).json()
    assert [r["success"] for r in answer] == [False, False, False]
    assert [r["errors"][0]["statusCode"] for r in answer] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "REQUIRED_FIELD_MISSING",
    ]
    assert count(rest) == count(rest, "Account") == 0
    assert "id" not in answer[0]


def test_collection_update_upsert_delete(rest: Rest, server: PracticeServer) -> None:
    server.org.add_field("Lead", Field("Ext__c", "string", length=40, external_id=True, unique=True, custom=True))
    ids = [r["id"] for r in collection(rest, "POST", [lead(Ext__c=str(i)) for i in range(3)]).json()]
    updated = collection(rest, "PATCH", [typed("Lead", id=i, Company="New") for i in ids]).json()
    assert [r["id"] for r in updated] == ids
    body = {"records": [lead(Ext__c="1", Company="U"), lead(Ext__c="9")]}
    upserted = rest.patch("/composite/sobjects/Lead/Ext__c", json=body).json()
    assert [r["created"] for r in upserted] == [False, True]
    deleted = rest.delete("/composite/sobjects", params={"ids": ",".join([*ids, "00Q000000000009"])}).json()
    assert [r["success"] for r in deleted] == [True, True, True, False]
    assert count(rest) == 1


def test_collection_retrieve_keeps_order_and_gives_null_for_the_missing(rest: Rest) -> None:
    ids = [r["id"] for r in collection(rest, "POST", [lead(LastName=str(i)) for i in range(3)]).json()]
    wanted = [ids[2], "00Q000000000009EAA", ids[0]]
    found = rest.post("/composite/sobjects/Lead", json={"ids": wanted, "fields": ["LastName"]}).json()
    assert [r and r["LastName"] for r in found] == ["2", None, "0"]
    assert set(found[0]) == {"attributes", "LastName"}
    by_get = rest.get("/composite/sobjects/Lead", params={"ids": ",".join(wanted), "fields": "LastName"})
    assert by_get.json() == found


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([lead()] * 201, "EXCEEDED_ID_LIMIT"),
        ([lead(), typed("Account", Name="C")] * 6, "EXCEEDED_MAX_TYPES_LIMIT"),
        ([{"LastName": "A"}], "INVALID_INPUT"),
        ([typed("Nope")], "INVALID_TYPE"),
        ([], "MISSING_ARGUMENT"),
        (["x"], "JSON_PARSER_ERROR"),
    ],
)
def test_a_bad_collection_saves_nothing(rest: Rest, records: list[Any], code: str) -> None:
    answer = collection(rest, "POST", records)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)
    assert count(rest) == 0


def test_two_hundred_records_in_one_call_count_once(rest: Rest) -> None:
    before = rest.get("/limits").headers["Sforce-Limit-Info"]
    answer = collection(rest, "POST", [lead(LastName=str(i)) for i in range(200)])
    assert all(r["success"] for r in answer.json())
    used = [int(info.partition("=")[2].partition("/")[0]) for info in (before, answer.headers["Sforce-Limit-Info"])]
    assert used[1] - used[0] == 1


# -- composite ------------------------------------------------------------------------------------------------------


def composite(rest: Rest, *parts: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    answer = rest.post("/composite", json={"compositeRequest": list(parts), **more})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["compositeResponse"])


def part(reference: str, method: str, url: str, **more: Any) -> dict[str, Any]:
    return {"referenceId": reference, "method": method, "url": f"{DATA}{url}", **more}


def test_composite_uses_earlier_answers(rest: Rest) -> None:
    answers = composite(
        rest,
        part("acc", "POST", "/sobjects/Account", body={"Name": "Acme"}),
        part("con", "POST", "/sobjects/Contact", body={"LastName": "L", "AccountId": "@{acc.id}"}),
        part("q", "GET", "/query?q=SELECT Id, AccountId FROM Contact WHERE AccountId = '@{acc.id}'"),
        part("get", "GET", "/sobjects/Account/@{q.records[0].AccountId}?fields=Name"),
    )
    assert [a["httpStatusCode"] for a in answers] == [201, 201, 200, 200]
    assert [a["referenceId"] for a in answers] == ["acc", "con", "q", "get"]
    assert answers[3]["body"]["Name"] == "Acme"


def test_composite_failures_stay_inside_with_status_200(rest: Rest) -> None:
    answers = composite(
        rest,
        part("bad", "GET", "/query/?q=select count() from XYZZY"),
        part("good", "POST", "/sobjects/Lead", body={"LastName": "A", "Company": "B"}),
        part("after", "GET", "/sobjects/Lead/@{bad.id}"),
        part("no", "GET", "/jobs/query"),
    )
    assert [a["httpStatusCode"] for a in answers] == [400, 201, 400, 400]
    assert answers[0]["body"][0]["errorCode"] == "INVALID_TYPE"
    assert answers[2]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert count(rest) == 1


def test_composite_all_or_none_rolls_back(rest: Rest) -> None:
    answers = composite(
        rest,
        part("a", "POST", "/sobjects/Account", body={"Name": "Acme"}),
        part("b", "POST", "/sobjects/Contact", body={"FirstName": "only", "AccountId": "@{a.id}"}),
        part("c", "POST", "/sobjects/Account", body={"Name": "Later"}),
        allOrNone=True,
    )
    assert [a["httpStatusCode"] for a in answers] == [400, 400, 400]
    assert [a["body"][0]["errorCode"] for a in answers] == [
        "PROCESSING_HALTED",
        "REQUIRED_FIELD_MISSING",
        "PROCESSING_HALTED",
    ]
    assert count(rest, "Account") == 0


def test_composite_conditional_describe_answers_304_without_body(rest: Rest) -> None:
    when = rest.get("/sobjects").headers["Last-Modified"]
    (answer,) = composite(rest, part("d", "GET", "/sobjects", httpHeaders={"If-Modified-Since": when}))
    assert (answer["httpStatusCode"], answer["body"]) == (304, None)
    assert set(answer["httpHeaders"]) == {"ETag", "Last-Modified"}


@pytest.mark.parametrize(
    "parts",
    [
        [part(f"r{i}", "GET", "/sobjects") for i in range(26)],
        [part(f"r{i}", "GET", "/query?q=SELECT COUNT() FROM Lead") for i in range(6)],
        [part("same", "GET", "/sobjects"), part("same", "GET", "/sobjects")],
        [part("b-d", "GET", "/sobjects")],
        [part("a", "GET", "/sobjects", httpHeaders={"Authorization": "x"})],
        [part("a", "GET", "/sobjects", what=1)],
        [],
    ],
)
def test_malformed_composites_are_refused_whole(rest: Rest, parts: list[dict[str, Any]]) -> None:
    assert rest.post("/composite", json={"compositeRequest": parts}).status_code == 400


# -- batch ----------------------------------------------------------------------------------------------------------


def test_batch_runs_in_order_and_counts_each_part(rest: Rest) -> None:
    requests_ = [
        {"method": "POST", "url": "v66.0/sobjects/Lead", "richInput": {"LastName": "A", "Company": "B"}},
        {"method": "GET", "url": "v66.0/query?q=SELECT COUNT() FROM Lead"},
        {"method": "GET", "url": "v66.0/sobjects/Nope"},
    ]
    answer = rest.post("/composite/batch", json={"batchRequests": requests_})
    assert answer.json()["hasErrors"] is True
    results = answer.json()["results"]
    assert [r["statusCode"] for r in results] == [201, 200, 404]
    assert results[1]["result"]["totalSize"] == 1
    assert answer.headers["Sforce-Limit-Info"].startswith("api-usage=3/")


def test_batch_halts_when_asked(rest: Rest) -> None:
    requests_ = [
        {"method": "GET", "url": "v66.0/sobjects/Nope"},
        {"method": "POST", "url": "v66.0/sobjects/Lead", "richInput": {"LastName": "A", "Company": "B"}},
    ]
    answer = rest.post("/composite/batch", json={"batchRequests": requests_, "haltOnError": True}).json()
    assert [r["statusCode"] for r in answer["results"]] == [404, 412]
    assert answer["results"][1]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"
    assert count(rest) == 0
