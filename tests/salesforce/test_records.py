from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sfsync.errors import IncompleteRead, InputError, OrgError, UnknownOutcome
from sfsync.salesforce.org import Org
from sfsync.salesforce.records import SaveResult
from tests.salesforce.scripted import Answer, Asked, ScriptedServer, js, no, page

ID, OTHER = "00Q000000000001EAA", "00Q000000000002EAA"


def saved(id: str) -> dict[str, Any]:
    return {"id": id, "success": True, "errors": []}


def test_an_update_is_one_patch_with_exact_values(server: ScriptedServer, org: Org) -> None:
    server.on("PATCH ", js([saved(ID), saved(OTHER)]))
    records = [
        {"Id": ID[:15], "AnnualRevenue": Decimal("12345678901234567.89"), "Company": "X", "Phone": None},
        {"Id": OTHER, "DoNotCall": True, "Last_Call__c": date(2026, 1, 31), "At__c": datetime(2026, 1, 1, tzinfo=UTC)},
    ]
    assert org.update("Lead", records) == [SaveResult(ID, True), SaveResult(OTHER, True)]
    (asked,) = server.all("PATCH")
    assert asked.path == "/services/data/v66.0/composite/sobjects"
    assert b'"AnnualRevenue":12345678901234567.89' in asked.body
    assert asked.json() == {
        "allOrNone": False,
        "records": [
            {
                "attributes": {"type": "Lead"},
                "id": ID,
                "AnnualRevenue": pytest.approx(12345678901234567.89),
                "Company": "X",
                "Phone": None,
            },
            {
                "attributes": {"type": "Lead"},
                "id": OTHER,
                "DoNotCall": True,
                "Last_Call__c": "2026-01-31",
                "At__c": "2026-01-01T00:00:00.000Z",
            },
        ],
    }


@pytest.mark.parametrize(
    ("options", "assign", "duplicates"),
    [
        ({}, "FALSE", "allowSave=false"),
        ({"assignment_rules": True, "duplicate_rules": "allow"}, "TRUE", "allowSave=true"),
    ],
)
def test_rules_run_only_when_asked(
    server: ScriptedServer, org: Org, options: dict[str, Any], assign: str, duplicates: str
) -> None:
    server.on("(PATCH|POST) /services/data", js([saved(ID)]))
    server.on("PATCH .*/sobjects/Lead/", Answer(204))
    org.update("Lead", [{"Id": ID, "Company": "X"}], **options)
    org.create("Lead", [{"LastName": "X"}], **options)
    org.update_one("Lead", ID, {"Company": "X"}, **options)
    for asked in server.all("/services/data"):
        assert asked.headers["Sforce-Auto-Assign"] == assign
        assert asked.headers["Sforce-Duplicate-Rule-Header"] == duplicates


def test_each_row_gets_its_own_result_in_order(server: ScriptedServer, org: Org) -> None:
    errors = [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access", "fields": []}]
    invalid = [{"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required", "fields": ["LastName"]}]
    server.on("PATCH ", js([{"success": False, "errors": errors}, saved(OTHER), {"success": False, "errors": invalid}]))
    results = org.update("Lead", [{"Id": ID}, {"Id": OTHER}, {"Id": ID}])
    assert [(r.id, r.ok, r.code) for r in results] == [
        (ID, False, "UNABLE_TO_LOCK_ROW"),
        (OTHER, True, ""),
        (ID, False, "REQUIRED_FIELD_MISSING"),
    ]
    assert results[2].fields == ("LastName",)
    assert server.count("PATCH") == 1


@pytest.mark.parametrize("status", [400, 500])
def test_a_lock_that_fails_the_whole_request_fails_every_row(server: ScriptedServer, org: Org, status: int) -> None:
    server.on("PATCH ", no(status, "UNABLE_TO_LOCK_ROW"))
    results = org.update("Lead", [{"Id": ID}, {"Id": OTHER}])
    assert [(r.id, r.ok, r.code) for r in results] == [(i, False, "UNABLE_TO_LOCK_ROW") for i in (ID, OTHER)]
    assert server.count("PATCH") == 1


def test_an_error_of_the_whole_request_is_raised(server: ScriptedServer, org: Org) -> None:
    server.on("PATCH ", no(400, "JSON_PARSER_ERROR"))
    with pytest.raises(OrgError) as caught:
        org.update("Lead", [{"Id": ID}])
    assert caught.value.code == "JSON_PARSER_ERROR"


def test_fewer_results_than_rows_leave_the_outcome_unknown(server: ScriptedServer, org: Org) -> None:
    server.on("PATCH ", js([saved(ID)]))
    with pytest.raises(UnknownOutcome, match="2 Lead records were sent and 1 results came"):
        org.update("Lead", [{"Id": ID}, {"Id": OTHER}])


@pytest.mark.parametrize(
    "records",
    [
        [{"Company": "X"}],
        [{"Id": None}],
        [{"Id": ID, "Amount": 1.5}],
        [{"Id": ID, "a b": "x"}],
        [{"Id": ID, "At__c": datetime(2026, 1, 1)}],
        [{"Id": ID}] * 201,
    ],
    ids=["no Id", "null Id", "float", "bad name", "naive", "201"],
)
def test_what_cannot_be_written_is_refused_before_it_is_sent(
    server: ScriptedServer, org: Org, records: list[dict[str, Any]]
) -> None:
    with pytest.raises(InputError):
        org.update("Lead", records)
    assert server.count("PATCH") == 0


def test_nothing_to_write_asks_nothing(server: ScriptedServer, org: Org) -> None:
    assert org.update("Lead", []) == org.create("Lead", []) == org.delete("Lead", []) == []
    assert server.asked == []


def test_created_records_come_back_with_their_ids(server: ScriptedServer, org: Org) -> None:
    server.on("POST .*/composite/sobjects", js([saved(ID[:15])]))
    assert org.create("Lead", [{"LastName": "X", "Company": "Y"}], all_or_none=True) == [SaveResult(ID, True)]
    body = server.all("POST .*/composite/sobjects")[0].json()
    assert body == {"allOrNone": True, "records": [{"attributes": {"type": "Lead"}, "LastName": "X", "Company": "Y"}]}


def test_deletes_name_their_ids_in_the_address(server: ScriptedServer, org: Org) -> None:
    server.on(
        "DELETE ", js([saved(ID), {"id": OTHER, "success": False, "errors": [{"statusCode": "ENTITY_IS_DELETED"}]}])
    )
    first, second = org.delete("Lead", [ID, OTHER])
    assert (first.ok, second.code) == (True, "ENTITY_IS_DELETED")
    assert server.all("DELETE")[0].query == {"ids": f"{ID},{OTHER}", "allOrNone": "false"}


# -- one record


def test_one_record_is_written_only_if_unmodified(server: ScriptedServer, org: Org) -> None:
    server.on("PATCH ", Answer(204), no(412, "PRECONDITION"), Answer(412))
    since = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert org.update_one("Lead", ID, {"Company": None}, since) == SaveResult(ID, True)
    for _ in range(2):
        result = org.update_one("Lead", ID, {"Company": "X"}, since)
        assert (result.ok, result.code) == (False, "PRECONDITION_FAILED")
    asked = server.all("PATCH")[0]
    assert asked.path == f"/services/data/v66.0/sobjects/Lead/{ID}"
    assert asked.headers["If-Unmodified-Since"] == "Tue, 03 Feb 2026 04:05:06 GMT"
    assert json.loads(asked.body) == {"Company": None}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION"),
        (404, "ENTITY_IS_DELETED"),
        (403, "INSUFFICIENT_ACCESS_OR_READONLY"),
        (500, "UNABLE_TO_LOCK_ROW"),
    ],
)
def test_a_refused_record_is_a_value(server: ScriptedServer, org: Org, status: int, code: str) -> None:
    server.on("PATCH ", no(status, code))
    result = org.update_one("Lead", ID, {"Company": "X"})
    assert (result.id, result.ok, result.code) == (ID, False, code)


@pytest.mark.parametrize("answer", [no(403, "API_DISABLED_FOR_ORG"), page(404), no(410, "GONE"), no(403, "ANY_OTHER")])
def test_a_refused_user_is_an_error(server: ScriptedServer, org: Org, answer: Answer) -> None:
    server.on("PATCH ", answer)
    with pytest.raises(OrgError):
        org.update_one("Lead", ID, {"Company": "X"})


def test_a_lost_reply_of_one_record_is_unknown(server: ScriptedServer, org: Org) -> None:
    server.on("PATCH ", Answer(cut=-1))
    with pytest.raises(UnknownOutcome):
        org.update_one("Lead", ID, {"Company": "X"})
    assert server.count("PATCH") == 1


# -- retrieve


def test_retrieve_gives_none_for_what_is_gone(server: ScriptedServer, org: Org) -> None:
    record = {"attributes": {"type": "Lead"}, "Id": ID, "Name": "X"}
    server.on("POST .*/composite/sobjects/Lead", js([record, None]))
    assert org.retrieve("Lead", [ID[:15], OTHER, ID], ["Name"]) == {ID: {"Id": ID, "Name": "X"}, OTHER: None}
    assert server.all("sobjects/Lead")[0].json() == {"ids": [ID, OTHER], "fields": ["Id", "Name"]}


def test_retrieve_does_not_trust_the_order(server: ScriptedServer, org: Org) -> None:
    server.on("POST .*/composite/sobjects/Lead", js([{"Id": OTHER}, {"Id": ID}]))
    found = org.retrieve("Lead", [ID, OTHER], ["Id"])
    assert list(found) == [ID, OTHER]
    assert [r and r["Id"] for r in found.values()] == [ID, OTHER]


def test_retrieve_asks_by_2000(server: ScriptedServer, org: Org) -> None:
    sizes = []

    def answer(asked: Asked) -> Answer:
        sizes.append(len(asked.json()["ids"]))
        return js([{"Id": id} for id in asked.json()["ids"]])

    server.on("POST .*/composite/sobjects/Lead", answer)
    ids = [f"00Q{n:012d}EAA" for n in range(4100)]
    found = org.retrieve("Lead", [i[:15] for i in ids], ["Id"])
    assert sizes == [2000, 2000, 100]
    assert all(r is not None for r in found.values())


def test_retrieve_with_a_missing_answer_is_incomplete(server: ScriptedServer, org: Org) -> None:
    server.on("POST .*/composite/sobjects/Lead", js([{"Id": ID}]))
    with pytest.raises(IncompleteRead):
        org.retrieve("Lead", [ID, OTHER], ["Id"])


def test_retrieve_is_repeated_after_a_lost_reply(server: ScriptedServer, org: Org) -> None:
    server.on("POST .*/composite/sobjects/Lead", Answer(cut=-1), js([{"Id": ID}]))
    assert org.retrieve("Lead", [ID], ["Id"]) == {ID: {"Id": ID}}
