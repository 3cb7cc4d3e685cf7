from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sfsync.errors import WarehouseError
from sfsync.leads.assign import assign, assign_table, proposals
from sfsync.leads.ladder import Assignment, Office, Waiting, distribute, meets
from sfsync.leads.match import Matched, matches, root
from sfsync.leads.model import Assigning, Model, Named, Pool, Scoring, Territory
from sfsync.leads.pools import Standing, State
from sfsync.leads.score import score_table, scores
from sfsync.normalise.table import refresh
from sfsync.warehouse import Warehouse
from tests.insight.world import at, fill, opportunity, source, stages

R1, R2, R3, GONE, INTAKE = (f"00500000000000{i}AAA" for i in range(1, 6))
QUEUE, TRIAGE = "00G000000000001AAA", "00G000000000002AAA"
REPS = frozenset((R1, R2, R3))


def office(state: State | None = None, **rules: Any) -> Office:
    given = {"pools": {"all": Pool("all", (R1, R2, R3))}, "default_pool": "all", "triage": TRIAGE, **rules}
    return Office(Assigning(**given), REPS, REPS, {}, state=state or {})


def waiting(id: str, **given: Any) -> Waiting:
    return Waiting(id, QUEUE, **given)


def steps(found: list[Assignment]) -> list[tuple[str, str | None]]:
    return [(a.step, a.owner) for a in found]


def test_territories_in_their_order() -> None:
    names = ("Enterprise", "West", "US-Rest", "Nordics", "Rest")
    rules = (
        Territory("Enterprise", countries=("US",), employees_min=1000),
        Territory("West", countries=("US",), states=("CA", "OR", "WA")),
        Territory("US-Rest", countries=("US",)),
        Territory("Nordics", countries=("SE", "NO", "DK")),
    )
    found = distribute(
        [
            waiting("1", country="US", state="TX", employees=2000),
            waiting("2", country="US", state="CA", employees=50),
            waiting("3", country="US"),
            waiting("4", country="SE"),
            waiting("5", country="FR"),
            waiting("6"),
        ],
        office(pools={n: Pool(n, (R1,)) for n in names}, default_pool="Rest", territories=rules),
    )
    assert [a.pool for a in found] == ["Enterprise", "West", "US-Rest", "Nordics", "Rest", "Rest"]
    assert [a.step for a in found] == ["TERRITORY"] * 4 + ["POOL"] * 2


def test_missing_data_fails_the_condition_that_asks_for_it() -> None:
    assert not meets(waiting("1"), Territory("p", employees_max=10))
    assert not meets(waiting("1"), Territory("p", postal_prefixes=("90",)))
    assert meets(waiting("1", postal_code="sw1a 1aa"), Territory("p", postal_prefixes=("SW1",)))
    assert meets(waiting("1", employees=10), Territory("p", employees_min=10, employees_max=10))
    assert not meets(waiting("1", lead_source="Web"), Territory("p", sources=("Partner",)))


def test_the_ladder_takes_the_first_step_that_applies() -> None:
    here = office(named_accounts=(Named(R3, company="Big Corp."),))
    here.accounts = {
        "2": [Matched("2", "A1", "Acme", R1, "domain")],
        "3": [Matched("3", "A2", "Other", R2, "name")],
        "4": [Matched("4", "A3", "Left", GONE, "name")],
    }
    here.deals = {"A1": [GONE, R2], "A3": [GONE]}
    found = distribute(
        [
            waiting("0", no_contact=True, company="big"),
            waiting("1", company="big"),
            waiting("2"),
            waiting("3", company="acme"),
            waiting("4"),
            waiting("5", company="acme"),
        ],
        here,
    )
    assert steps(found) == [
        ("EXCLUDED", None),
        ("NAMED", R3),
        ("OPEN_DEAL", R2),
        ("ACCOUNT_OWNER", R2),
        ("POOL", R1),
        ("SAME_COMPANY", R2),
    ]


def test_ownership_does_not_move_the_rotation() -> None:
    here = office()
    here.accounts = {"2": [Matched("2", "A1", "Acme", R3, "name")]}
    found = distribute([waiting("1"), waiting("2"), waiting("3")], here)
    assert [a.owner for a in found] == [R1, R3, R2]
    assert [a.turn for a in found] == [1, 0, 2]
    assert found[2].because["state"] == {"last": R2}


def test_turns_go_on_where_the_last_plan_stopped() -> None:
    found = distribute([waiting("1"), waiting("2")], office({"all": Standing(7, {"last": R1})}))
    assert [(a.owner, a.turn) for a in found] == [(R2, 8), (R3, 9)]


def test_accounts_of_one_hierarchy_with_two_owners_go_to_triage() -> None:
    here = office()
    here.accounts = {"1": [Matched("1", "A1", "Acme", R1, "domain"), Matched("1", "A2", "Acme UK", R2, "domain")]}
    here.parents = {"A2": "A1"}
    here.names = {R1: "Ann", R2: "Bob"}
    (found,) = distribute([waiting("1")], here)
    assert (found.step, found.owner) == ("FALLBACK", TRIAGE)
    assert found.detail == "matched accounts of one hierarchy belong to Ann and Bob"
    here.parents = {}
    assert steps(distribute([waiting("1")], here)) == [("ACCOUNT_OWNER", R1)]


def test_nobody_available_goes_to_triage_and_is_said() -> None:
    found = distribute([waiting(str(i)) for i in range(4)], office(lead_cap=1, absent=(R2,)))
    assert steps(found) == [("POOL", R1), ("POOL", R3), ("FALLBACK", TRIAGE), ("FALLBACK", TRIAGE)]
    assert "nobody in pool all is available below the cap of 1" in found[2].detail
    assert steps(distribute([waiting("1")], office(triage=None, default_pool=None))) == [("FALLBACK", None)]


def test_the_same_input_gives_the_same_plan() -> None:
    leads = [waiting(str(i), company=f"c{i % 3}") for i in range(20)]
    assert distribute(leads, office()) == distribute(leads, office())


def test_a_loop_of_accounts_has_a_root() -> None:
    assert root("A", {"A": "B", "B": "C", "C": "B"}) == "B"
    assert root("A", {"A": "B"}) == "B"


# -- on a mirror


def lead(id: str, owner: str, **given: Any) -> dict[str, Any]:
    stamp = at("2026-03-10")
    return {"Id": id, "OwnerId": owner, "Status": "Open", "IsConverted": False, "CreatedDate": stamp,
            "SystemModstamp": stamp, **given}  # fmt: skip


def org(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(
        warehouse,
        "User",
        *({"Id": id, "Name": name, "IsActive": id != GONE} for id, name in
          ((R1, "Ann"), (R2, "Bob"), (R3, "Cid"), (GONE, "Gone"), (INTAKE, "Web form"))),
    )  # fmt: skip
    fill(
        warehouse,
        "Account",
        {"Id": "A1", "Name": "Acme Inc", "OwnerId": R1, "Website": "https://www.acme.com",
         "SystemModstamp": at("2026-03-01")},
        {"Id": "A2", "Name": "Volvo AB", "OwnerId": R2, "SystemModstamp": at("2026-03-01")},
        {"Id": "A3", "Name": "Gone Ltd", "OwnerId": R3, "Website": "gone.example", "SystemModstamp": at("2026-03-01"),
         "IsDeleted": True, "_deleted_reason": "deleted"},
    )  # fmt: skip
    fill(warehouse, "Opportunity", opportunity("O", 5, "Proposal", "2026-05-01", AccountId="A2", OwnerId=R3))
    fill(
        warehouse,
        "Lead",
        lead("L1", QUEUE, Email="jane@mail.acme.com", Company="Something else", LastName="Doe"),
        lead("L2", QUEUE, Company="Volvo", Country="Sweden", LastName="Ek"),
        lead("L3", GONE, Company="New One", Email="x@gmail.com", Title="CEO"),
        lead("L4", INTAKE, Company="Newer", LastName="N"),
        lead("L5", R2, Company="Kept", LastName="K"),
        lead("L6", QUEUE, Company="kept ltd", LastName="K2"),
        lead("L7", QUEUE, Company="Old", Status="Unqualified"),
        lead("L8", QUEUE, Company="Done", IsConverted=True),
        lead("L9", QUEUE, Company="Dead", IsDeleted=True, _deleted_reason="deleted"),
        lead("LA", QUEUE, Email="y@gone.example", Company="X", LastName="Y", DoNotCall=True, HasOptedOutOfEmail=True),
    )
    for sobject in ("Lead", "Account"):
        refresh(warehouse, sobject)


MODEL = Model(
    Scoring(target_countries=("SE",)),
    Assigning(pools={"all": Pool("all", (R1, R2, R3))}, default_pool="all", triage=TRIAGE, intake_users=(INTAKE,)),
)


def test_only_waiting_leads_are_given_out_and_each_says_why(warehouse: Warehouse) -> None:
    org(warehouse)
    with source(warehouse) as opened:
        found = assign(opened, MODEL)
        table = assign_table(opened, found)
    by_id = {a.lead.id: (a.step, a.owner) for a in found}
    assert by_id == {
        "L1": ("ACCOUNT_OWNER", R1),
        "L2": ("OPEN_DEAL", R3),
        "L3": ("POOL", R1),
        "L4": ("POOL", R2),
        "L6": ("SAME_COMPANY", R2),
        "LA": ("EXCLUDED", None),
    }
    assert table.row(id="LA")["to"] is None
    assert table.facts["steps"]["POOL"] == 2
    assert table.facts["given"] == {"Ann": 2, "Bob": 2, "Cid": 1}
    assert "1 lead stays where it is" in table.notes


def test_assignments_become_proposals_of_a_new_owner(warehouse: Warehouse) -> None:
    org(warehouse)
    with source(warehouse) as opened:
        made = {p.ref.id: p for p in proposals(assign(opened, MODEL))}
    assert sorted(made) == ["L1", "L2", "L3", "L4", "L6"]
    assert all(set(p.after) == {"OwnerId"} and p.confidence == "assisted" for p in made.values())
    assert made["L1"].because["rule"] == "ASSIGN-ACCOUNT_OWNER"
    assert made["L1"].because["kind"] == "reassign"
    assert made["L3"].because["pool"] == "all"


def test_owned_leads_move_only_when_asked(warehouse: Warehouse) -> None:
    org(warehouse)
    with source(warehouse) as opened:
        assert "L5" not in {a.lead.id for a in assign(opened, MODEL)}
        assert "L5" in {a.lead.id for a in assign(opened, MODEL, reassign_owned=True)}


def test_leads_are_matched_to_accounts_by_domain_before_name(warehouse: Warehouse) -> None:
    org(warehouse)
    fill(
        warehouse, "Account", {"Id": "A9", "Name": "Something Else", "OwnerId": R3, "SystemModstamp": at("2026-03-01")}
    )
    refresh(warehouse, "Account")
    with source(warehouse) as opened:
        found = matches(opened)
        assert [(m.account, m.by) for m in found["L1"]] == [("A1", "domain"), ("A9", "name")]
        assert [m.account for m in found["L2"]] == ["A2"]
        assert list(matches(opened, account="A2")) == ["L2"]
    assert "LA" not in found


def test_scores_are_in_work_order_and_explained(warehouse: Warehouse) -> None:
    org(warehouse)
    fill(warehouse, "Task", {"Id": "T", "WhoId": "L2", "IsClosed": True, "CompletedDateTime": at("2026-03-15")})
    with source(warehouse) as opened:
        found = score_table(opened, MODEL.scoring)
        short = score_table(opened, MODEL.scoring, limit=1)
    first = found.rows[0]
    assert (first["id"], first["fit"], first["engagement"], first["tier"]) == ("L2", 20, 35, "C")
    assert "Country 20: SE is a target" in first["reasons"]
    assert "last touch 30: 0 days ago" in first["reasons"]
    assert "Email 0: empty" in first["reasons"]
    assert len(found.rows) == 7
    assert len(short.rows) == 1
    assert {"L7", "L8", "L9"}.isdisjoint(r["id"] for r in found.rows)
    assert any("which limits the model" in note for note in found.notes)


def test_what_the_config_says_of_touches_and_sources_holds_for_the_score(warehouse: Warehouse) -> None:
    org(warehouse)
    fill(warehouse, "Task", {"Id": "T", "WhoId": "L2", "IsClosed": True, "CompletedDateTime": at("2026-03-15"),
                             "Subject": "Email: welcome"}, more={"Subject": "TEXT"})  # fmt: skip
    new = {"Status": "Open", "IsConverted": False, "OwnerId": QUEUE, "SystemModstamp": at("2026-03-14")}
    fill(warehouse, "Lead", {**new, "Id": "S1", "CreatedDate": at("2026-03-14", 9), "LeadSource": "Fair"},
         {**new, "Id": "S2", "CreatedDate": at("2026-03-14", 11), "LeadSource": "Web"})  # fmt: skip
    refresh(warehouse, "Lead")
    with source(warehouse, touch_exclude_subjects=["Email: %"], sla_hours_by_source={"Web": "1.5"}) as opened:
        found = score_table(opened, MODEL.scoring)
    assert found.row(id="L2")["engagement"] == 0
    assert found.row(id="S1")["deadline"] == at("2026-03-15", 9)
    assert found.row(id="S2")["deadline"] == at("2026-03-14", 12) + timedelta(minutes=30)
    order = [r["id"] for r in found.rows if r["id"] in ("S1", "S2")]
    assert (order, found.row(id="S1")["tier"], found.row(id="S2")["tier"]) == (["S2", "S1"], "D", "D")


def test_competitors_and_customers_are_not_scored(warehouse: Warehouse) -> None:
    org(warehouse)
    with source(warehouse) as opened:
        found = scores(opened, Scoring(excluded_domains=("acme.com",)))
    assert found.excluded == {"L1": "domain of acme.com, which is excluded"}
    assert "L1" not in {lead.id for lead in found.leads}


def test_source_rates_are_of_leads_old_enough_to_judge(warehouse: Warehouse) -> None:
    fill(
        warehouse,
        "Lead",
        *(lead(f"W{i}", R1, LeadSource="Web", IsConverted=i < 2, ConvertedDate=date(2026, 1, 11),
               CreatedDate=at("2026-01-01"))
          for i in range(10)),
        lead("young", R1, LeadSource="Fair", CreatedDate=at("2026-03-14")),
        lead("none", R1, LeadSource=None, CreatedDate=at("2026-01-01")),
    )  # fmt: skip
    refresh(warehouse, "Lead")
    with source(warehouse) as opened:
        rates = scores(opened, Scoring()).rates
    overall = Decimal(2) / 11
    assert rates == {"Web": (2 + 20 * overall) / 30, "Fair": overall}


def test_scoring_without_normalised_values_says_what_to_do(warehouse: Warehouse) -> None:
    fill(warehouse, "Lead", lead("1", R1))
    with source(warehouse) as opened, pytest.raises(WarehouseError, match="Run `sfsync pull`"):
        scores(opened, Scoring())
