from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from sfsync.errors import InputError
from sfsync.insight.table import Table
from sfsync.leads.model import Scoring
from sfsync.leads.validate import validate
from sfsync.normalise.table import refresh
from sfsync.warehouse import Warehouse
from tests.insight.world import at, fill, member, source

MODEL = Scoring(target_industries=("Software",), target_countries=("US",), tier_a=30)
"""A lead of a target with a chief's title is of tier A by fit alone: 0.6 x 75."""


def lead(id: str, *, good: bool, converted: str | None = None, **given: Any) -> dict[str, Any]:
    fit = {"Email": "x@acme.com", "Title": "CEO", "Industry": "Software", "Country": "US"} if good else {}
    return {
        "Id": id, "OwnerId": "U", "Status": "Open", "CreatedDate": at("2025-10-01"), "SystemModstamp": at("2026-01-01"),
        "IsConverted": converted is not None, "ConvertedDate": converted and date.fromisoformat(converted),
        "LeadSource": "Web", **fit, **given,
    }  # fmt: skip


def org(warehouse: Warehouse, *more: dict[str, Any]) -> None:
    """10 good leads, of which 6 converted; 30 plain ones, of which 4 did: all within 20 days."""
    rows = [lead(f"G{i:02}", good=True, converted="2025-10-20" if i < 6 else None) for i in range(10)]
    rows += [lead(f"P{i:02}", good=False, converted="2025-10-21" if i < 4 else None) for i in range(30)]
    fill(warehouse, "Lead", *rows, *more)
    refresh(warehouse, "Lead")


def judged(warehouse: Warehouse, mails: tuple[str, ...] = (), **settings: Any) -> list[Table]:
    with source(warehouse, touch_exclude_subjects=mails) as opened:
        return validate(opened, MODEL, **{"min_conversions": 10, **settings})


def test_a_score_that_tells_them_apart_helps(warehouse: Warehouse) -> None:
    org(warehouse)
    tiers, tenths, sources = judged(warehouse)
    assert tiers.row(line="A") == {
        "line": "A", "leads": 10, "converted": 6, "conversion_percent": Decimal("60.0"), "lift": Decimal("2.40"),
        "share_of_conversions_percent": Decimal("60.0"),
    }  # fmt: skip
    assert (tiers.row(line="D")["leads"], tiers.row(line="D")["lift"]) == (30, Decimal("0.53"))
    assert tiers.row(line="B")["lift"] is None
    assert tiers.row(line="all")["conversion_percent"] == Decimal("25.0")
    # Of 10 x 30 pairs of a converted and another lead: 6 x 26 are won, 6 x 4 and 4 x 26 are ties.
    assert tiers.facts == {"helps": True, "auc": Decimal("0.73")}
    assert [(r["line"], r["leads"], r["converted"]) for r in tenths.rows] == [("45", 10, 6), ("0", 30, 4)]
    assert sources.row(line="Web")["mean_score"] == Decimal("11.3")


def test_one_that_does_not_is_said_not_to_help(warehouse: Warehouse) -> None:
    org(warehouse, *(lead(f"N{i:02}", good=True) for i in range(10)))
    tiers, *_ = judged(warehouse)
    assert tiers.row(line="A")["lift"] == Decimal("1.50")
    assert tiers.facts["helps"] is False
    assert any("does not help" in note for note in tiers.notes)


def test_too_few_conversions_are_counted_and_not_judged(warehouse: Warehouse) -> None:
    org(warehouse)
    tiers, *_ = judged(warehouse, min_conversions=11)
    assert tiers.facts == {"helps": None, "auc": None}
    assert "not evaluated: 10 of 40 leads converted; a judgement needs 11" in tiers.notes
    assert (tiers.row(line="all")["leads"], tiers.row(line="all")["converted"]) == (40, 10)
    assert all(row["conversion_percent"] is None for row in tiers.rows)


def test_a_handful_of_tier_a_proves_nothing(warehouse: Warehouse) -> None:
    """One lead of tier A, and it converted: at the common rate of 11 in 31 it would be 0.35 conversions."""
    fill(warehouse, "Lead", lead("G", good=True, converted="2025-10-20"))
    fill(warehouse, "Lead", *(lead(f"P{i:02}", good=False, converted="2025-10-21" if i < 10 else None)
                              for i in range(30)))  # fmt: skip
    refresh(warehouse, "Lead")
    tiers, *_ = judged(warehouse)
    assert tiers.row(line="A")["conversion_percent"] == Decimal("100.0")
    assert tiers.facts["helps"] is None
    assert "whether the model helps is not evaluated: 1 past lead is of tier A, too few to judge" in tiers.notes


def test_an_org_without_conversions_is_not_evaluated(warehouse: Warehouse) -> None:
    fill(warehouse, "Lead", lead("1", good=True))
    refresh(warehouse, "Lead")
    tiers, tenths, _ = judged(warehouse)
    assert tenths.rows == []
    assert "not evaluated: no past lead is old enough to judge" in tiers.notes


def test_only_leads_that_could_be_judged_count(warehouse: Warehouse) -> None:
    """Not the young, not those of years ago, not those converted before there was anything to judge."""
    org(
        warehouse,
        lead("young", good=True, CreatedDate=at("2026-03-10")),
        lead("old", good=True, CreatedDate=at("2024-03-01")),
        lead("quick", good=True, converted="2025-10-08"),
        lead("gone", good=True, IsDeleted=True, _deleted_reason="deleted"),
        lead("just", good=True, converted="2025-10-09"),
    )
    tiers, *_ = judged(warehouse)
    assert (tiers.row(line="A")["leads"], tiers.row(line="A")["converted"]) == (11, 7)
    assert any("1 lead was converted within 7 days and not judged" in note for note in tiers.notes)


def test_touches_count_up_to_the_day_of_judgement_also_those_moved_to_the_contact(warehouse: Warehouse) -> None:
    def touch(id: str, who: str, day: str) -> dict[str, Any]:
        return {"Id": id, "WhoId": who, "IsClosed": True, "CompletedDateTime": at(day), "Subject": f"Call {id}"}

    org(warehouse, lead("T1", good=False, converted="2025-10-20", ConvertedContactId="C1", LeadSource="T1"))
    fill(warehouse, "Lead", lead("T2", good=False, LeadSource="T2"), lead("T3", good=False, LeadSource="T3"))
    refresh(warehouse, "Lead")
    fill(
        warehouse,
        "Task",
        *(touch(f"a{i}", "C1", "2025-10-08") for i in range(2)),
        touch("b", "T2", "2025-10-09"),
        touch("c", "T3", "2025-10-01"),
        {**touch("d", "T3", "2025-10-08"), "IsClosed": False},
        more={"Subject": "TEXT"},
    )
    _, _, sources = judged(warehouse)
    # 0.4 x (30 for today and 2 x 5); nothing after the 7th day; 0.4 x (30 x 0.5^(7 / 14) = 21 and 5).
    assert sources.row(line="T1")["mean_score"] == Decimal("16.0")
    assert sources.row(line="T2")["mean_score"] == Decimal("0.0")
    assert sources.row(line="T3")["mean_score"] == Decimal("10.0")
    _, _, sources = judged(warehouse, ("Call a%",))
    assert [sources.row(line=line)["mean_score"] for line in ("T1", "T3")] == [Decimal("0.0"), Decimal("10.0")]


def test_fields_are_as_they_were_where_history_tells(warehouse: Warehouse) -> None:
    def change(id: str, field: str, old: str | None, new: str, day: str) -> dict[str, Any]:
        row = {"Id": f"{id}{field}{day}", "LeadId": id, "Field": field, "OldValue": old, "NewValue": new}
        return {**row, "CreatedDate": at(day)}

    now = {"Rating": "Hot", "NumberOfEmployees": 5000, "Title": "CEO"}
    org(warehouse, lead("H1", good=False, LeadSource="H1", **now), lead("H2", good=False, LeadSource="H2", **now))
    fill(
        warehouse,
        "LeadHistory",
        change("H1", "Rating", "Warm", "Cold", "2025-10-20"),
        change("H1", "Rating", "Cold", "Hot", "2025-11-20"),
        change("H1", "NumberOfEmployees", "9", "5000", "2025-10-09"),
        change("H1", "Title", None, "CEO", "2025-12-01"),
        change("H2", "Rating", "Cold", "Hot", "2025-10-08"),
    )
    tiers, _, sources = judged(warehouse)
    assert sources.row(line="H1")["mean_score"] == Decimal("4.0")  # 0.6 x 3 + 0.4 x 5
    assert sources.row(line="H2")["mean_score"] == Decimal("31.0")  # 0.6 x (25 + 20) + 0.4 x 10
    assert any(note.endswith("Email, Country") for note in tiers.notes)


def test_source_rates_are_those_known_before(warehouse: Warehouse) -> None:
    """Leads of a year before make the rate; a conversion that came after the first judged lead does not."""
    day = at("2024-06-01")
    org(
        warehouse,
        *(lead(f"F{i}", good=False, LeadSource="Fair", CreatedDate=day, converted="2024-06-10") for i in range(5)),
        *(lead(f"L{i}", good=False, LeadSource="Late", CreatedDate=day) for i in range(4)),
        lead("L4", good=False, LeadSource="Late", CreatedDate=day, converted="2025-12-10"),
        lead("F", good=False, LeadSource="Fair"),
        lead("L", good=False, LeadSource="Late"),
    )
    _, _, sources = judged(warehouse, min_conversions=5)
    fair, late = (sources.row(line=name)["mean_score"] for name in ("Fair", "Late"))
    # Smoothed with 20 x 50 %: 15 of 25 and 10 of 25, so 40 and 27 of 40 points.
    assert (fair, late) == (Decimal("16.0"), Decimal("11.0"))


def test_a_lead_counts_in_the_campaign_of_the_funnel(warehouse: Warehouse) -> None:
    org(warehouse)
    with pytest.raises(InputError, match="CampaignMember is not in the warehouse"):
        judged(warehouse, by="campaign")
    with pytest.raises(InputError, match='leads by "sauce" are not offered'):
        judged(warehouse, by="sauce")
    fill(
        warehouse,
        "CampaignMember",
        member("C1", "G00", "2025-10-02"),
        member("C2", "G00", "2025-10-01"),
        member("C1", "G01", "2025-10-02"),
        member("C3", "G02", "2025-10-01"),
        member("C1", "G02", "2025-10-02", "2025-10-03"),
    )
    fill(warehouse, "Campaign", {"Id": "C1", "Name": "Spring fair"})
    _, _, campaigns = judged(warehouse, by="campaign")
    assert {r["line"]: r["leads"] for r in campaigns.rows} == {"(none)": 37, "C2": 1, "Spring fair": 2}
