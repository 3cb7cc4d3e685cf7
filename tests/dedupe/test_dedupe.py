from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from sfsync.dedupe.run import dedupe
from sfsync.errors import ConfigError, WarehouseError
from sfsync.warehouse import Warehouse
from tests.dedupe.small_org import NOW, add, day, decide, lead_id, leads, run, shape

JOHN = {"FirstName": "John", "LastName": "Smith", "Email": "john.smith@acme.example", "Company": "Acme Inc"}
PHONE = "+1 415 555 2671"


def test_same_email_and_name_is_one_person() -> None:
    with leads(JOHN, {**JOHN, "Email": " JOHN.SMITH@acme.example", "Phone": PHONE}, {"LastName": "Doe"}) as warehouse:
        result = run(warehouse)
    assert shape(result) == [([1, 2], 2, "merge")]
    assert result.clusters[0].score == 1.0
    assert result.clusters[0].matches[0].levels["email"] == "equal"


def test_same_person_company_and_phone_is_one_person() -> None:
    one = {"FirstName": "José", "LastName": "García", "Company": "Acme, Inc.", "Phone": PHONE}
    two = {"FirstName": "Jose", "LastName": "Garcia", "Company": "ACME", "MobilePhone": "(415) 555-2671"}
    with leads(one, two) as warehouse:
        assert shape(run(warehouse)) == [([1, 2], 1, "merge")]


def test_a_number_without_its_country_meets_the_full_one() -> None:
    one = {**JOHN, "Email": None, "Phone": "(415) 555-2671", "Country": None}
    with leads(one, {**one, "Phone": "+1 415 555 2671", "Country": "US"}) as warehouse:
        assert shape(run(warehouse)) == [([1, 2], 2, "merge")]


def test_a_person_with_the_same_phone_at_another_company_is_a_question() -> None:
    one = {**JOHN, "MobilePhone": PHONE}
    with leads(one, {**one, "Company": "Globex", "Email": "jsmith@globex.example"}) as warehouse:
        assert shape(run(warehouse)) == [([1, 2], 1, "review")]


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ({"LastName": "Simth"}, True),
        ({"FirstName": "Johnny"}, True),
        ({"FirstName": "Smith", "LastName": "John"}, True),
        ({"FirstName": "J."}, False),
        ({"FirstName": "Mary"}, False),
        ({"LastName": "Jones"}, False),
    ],
)
def test_another_spelling_at_one_company_and_phone_is_a_question(other: dict[str, Any], found: bool) -> None:
    one = {**JOHN, "Email": None, "Phone": PHONE}
    with leads(one, {**one, **other}) as warehouse:
        assert shape(run(warehouse)) == ([([1, 2], 1, "review")] if found else [])


def test_another_email_turns_person_company_and_phone_into_a_question() -> None:
    one = {**JOHN, "Phone": PHONE}
    with leads(one, {**one, "Email": "john.smith2@acme.example"}) as warehouse:
        assert shape(run(warehouse)) == [([1, 2], 1, "review")]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"FirstName": "Mary"}, id="family at one address"),
        pytest.param({"Suffix": "Jr."}, id="father and son"),
        pytest.param({"LastName": "Smith III"}, id="suffix in the name"),
        pytest.param({"FirstName": "Peter", "LastName": "Jones"}, id="two surnames at one address"),
        pytest.param({"Email": None}, id="nothing but the name and company"),
        pytest.param({"Email": "john@other.example", "Company": "Other"}, id="namesake"),
    ],
)
def test_different_people_are_kept_apart(other: dict[str, Any]) -> None:
    with leads(JOHN, {**JOHN, **other}) as warehouse:
        assert shape(run(warehouse)) == []


def test_role_mailboxes_identify_nobody() -> None:
    one = {**JOHN, "Email": "info@acme.example"}
    with leads(one, one) as warehouse:
        assert shape(run(warehouse)) == []


def test_an_email_used_under_several_surnames_identifies_nobody() -> None:
    """Two records alike stay apart too: with three names on one address, the address proves nothing."""
    shared = "frontdesk@acme.example"
    with leads(
        {**JOHN, "Email": shared}, {**JOHN, "Email": shared}, {"FirstName": "Ann", "LastName": "Lee", "Email": shared}
    ) as warehouse:
        assert shape(run(warehouse)) == []


@pytest.mark.parametrize(
    ("other", "decision"),
    [
        ({"FirstName": "Jonathan"}, None),
        ({"FirstName": "J."}, "merge"),
        ({"FirstName": "Johnny"}, "merge"),
        ({"FirstName": None}, "merge"),
        ({"FirstName": "Jhon"}, "review"),
        ({"LastName": "Smyth"}, "merge"),
        ({"FirstName": "Smith", "LastName": "John"}, "merge"),
    ],
)
def test_name_variants_at_one_email(other: dict[str, Any], decision: str | None) -> None:
    with leads(JOHN, {**JOHN, **other}) as warehouse:
        assert [c.decision for c in run(warehouse).clusters] == ([decision] if decision else [])


def test_converted_and_deleted_leads_take_no_part() -> None:
    with leads(JOHN, {**JOHN, "IsConverted": True}, {**JOHN, "IsDeleted": True}) as warehouse:
        result = run(warehouse)
    assert shape(result) == []
    assert result.counts["records"] == 1


def test_a_bridge_between_two_people_goes_to_review() -> None:
    with leads(JOHN, {**JOHN, "FirstName": None}, {**JOHN, "FirstName": "Mary"}) as warehouse:
        result = run(warehouse)
    assert shape(result) == [([1, 2], 1, "review")]
    refusal = result.as_json()["refused_unions"][0]
    assert (refusal["left"], refusal["right"], refusal["reason"]) == (lead_id(1), lead_id(3), "given names contradict")


def test_groups_of_more_than_five_go_to_review() -> None:
    with leads(*[JOHN] * 5) as warehouse:
        assert [c.decision for c in run(warehouse).clusters] == ["merge"]
    with leads(*[JOHN] * 6) as warehouse:
        assert [c.decision for c in run(warehouse).clusters] == ["review"]


def test_a_key_too_common_is_reported_and_not_compared() -> None:
    with leads(*[JOHN] * 26) as warehouse:
        result = run(warehouse)
    assert result.clusters == ()
    assert result.as_json()["capped"] == [{"sobject": "Lead", "kind": "email", "size": 26, "first_id": lead_id(1)}]


@pytest.mark.parametrize(
    ("second", "master"),
    [
        pytest.param({"Title": "CEO"}, 2, id="most filled fields"),
        pytest.param({"LastActivityDate": day(2)}, 2, id="latest activity"),
        pytest.param({"CreatedDate": NOW - timedelta(days=1)}, 2, id="oldest"),
        pytest.param({}, 1, id="smallest Id"),
    ],
)
def test_master_is_chosen_in_the_stated_order(second: dict[str, Any], master: int) -> None:
    with leads({**JOHN, "LastActivityDate": day(1)}, {**JOHN, "LastActivityDate": day(1), **second}) as warehouse:
        assert shape(run(warehouse)) == [([1, 2], master, "merge")]


def test_related_records_outweigh_filled_fields() -> None:
    with leads({**JOHN, "Title": "CEO", "Phone": PHONE}, JOHN) as warehouse:
        with warehouse.write() as con:
            task = {"Id": "00T000000000001", "WhoId": lead_id(2), "IsDeleted": False}
            add(con, warehouse, "Task", {"Id": "id", "WhoId": "reference", "IsDeleted": "boolean"}, [task])
        assert shape(run(warehouse)) == [([1, 2], 2, "merge")]


def test_a_decision_keeps_two_apart_for_good() -> None:
    with leads(JOHN, JOHN) as warehouse:
        decide(warehouse, lead_id(2), lead_id(1), "different")
        assert shape(run(warehouse)) == []
        decide(warehouse, lead_id(1), lead_id(2), "same", NOW + timedelta(days=1))
        assert shape(run(warehouse)) == [([1, 2], 1, "merge")]


def test_a_decision_joins_what_shares_nothing() -> None:
    with leads(JOHN, {"FirstName": "Maria", "LastName": "Weber", "Email": "m@web.example"}) as warehouse:
        decide(warehouse, lead_id(1), lead_id(2), "same")
        assert shape(run(warehouse)) == [([1, 2], 1, "merge")]


def test_a_decision_follows_a_merged_record() -> None:
    with leads(JOHN, JOHN) as warehouse:
        decide(warehouse, lead_id(1), lead_id(9), "different")
        with warehouse.write() as con:
            warehouse.load(
                con,
                "sfsync.redirects",
                ("sobject", "loser", "survivor", "run_id"),
                [("Lead", lead_id(9), lead_id(2), "r")],
            )
        assert shape(run(warehouse)) == []


def test_tables_hold_this_run_only_and_the_same_each_time() -> None:
    def tables(warehouse: Warehouse) -> list[list[tuple[Any, ...]]]:
        with warehouse.read() as con:
            return [
                [tuple(r) for r in con.exec_driver_sql(f"SELECT * FROM sfsync.{name} ORDER BY ALL")]
                for name in ("matches", "clusters")
            ]

    with leads(JOHN, JOHN) as warehouse:
        run(warehouse)
        first = tables(warehouse)
        run(warehouse)
        assert tables(warehouse) == first
    matches, clusters = first
    assert matches[0][:3] == ("Lead", lead_id(1), lead_id(2))
    assert json.loads(matches[0][4])["email"] == "equal"
    assert [(r[0], r[2], r[3], r[4]) for r in clusters] == [
        (lead_id(1), lead_id(1), True, "merge"),
        (lead_id(1), lead_id(2), False, "merge"),
    ]


def test_json_has_the_documented_keys() -> None:
    with leads(JOHN, JOHN) as warehouse:
        cluster = run(warehouse).as_json()["clusters"][0]
    assert (cluster["cluster"], cluster["decision"], cluster["score"]) == (lead_id(1), "merge", 1.0)
    assert cluster["records"][0] == {"sobject": "Lead", "id": lead_id(1), "master": True}
    assert cluster["evidence"][0]["levels"]["given"] == "equal"
    assert json.loads(json.dumps(cluster)) == cluster


def test_missing_data_is_said() -> None:
    warehouse = Warehouse("duckdb:///:memory:")
    try:
        with warehouse.write():
            pass
        with pytest.raises(WarehouseError, match="Lead is not in the warehouse"):
            run(warehouse)
        with pytest.raises(ConfigError, match=r'cannot compare "Leed".*Nearest: "Lead"'):
            dedupe(warehouse, run_id="r", sobjects=["Leed"])
    finally:
        warehouse.close()
