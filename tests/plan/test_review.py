from __future__ import annotations

from datetime import UTC, datetime

from sfsync.model import Change, Confidence, Ref
from sfsync.plan.plan import Plan, ordered
from sfsync.plan.review import accept, diff_lines, refuse, summary
from sfsync.salesforce.ids import to18

LEAD, CONTACT = to18("00Q000000000001"), to18("003000000000001")


def change(sobject: str, id: str, field: str, rule: str, confidence: Confidence = "assisted") -> Change:
    before = {field: "old", "SystemModstamp": "2026-01-01T00:00:00Z"}
    return Change("update", Ref(sobject, id), before, {field: None}, ({"rule": rule},), confidence)


PLAN = Plan(
    to18("00D000000000001"),
    "https://acme.my.salesforce.com",
    True,
    datetime(2026, 3, 1, tzinfo=UTC),
    ordered([change("Lead", LEAD, "Email", "DQ-001", "auto"), change("Contact", CONTACT, "AccountId", "CONT-001")]),
)


def decisions(plan: Plan) -> list[str | None]:
    return [c.decision for c in plan.changes]


def test_every_filter_narrows_the_lines_accepted() -> None:
    assert decisions(accept(PLAN)) == ["accepted", "accepted"]
    assert decisions(accept(PLAN, sobjects=["lead"])) == [None, "accepted"]
    assert decisions(accept(PLAN, ids=[CONTACT[:15]])) == ["accepted", None]
    assert decisions(accept(PLAN, rules=["CONT-001"])) == ["accepted", None]
    assert decisions(accept(PLAN, fields=["email"])) == [None, "accepted"]
    assert decisions(accept(PLAN, confidences=["auto"])) == [None, "accepted"]
    assert decisions(accept(PLAN, ops=["merge"])) == [None, None]
    assert decisions(accept(PLAN, ops=["update"], sobjects=["Lead"])) == [None, "accepted"]
    assert decisions(accept(PLAN, sobjects=["Lead"], rules=["CONT-001"])) == [None, None]


def test_a_refused_line_is_only_accepted_by_name() -> None:
    refused = refuse(PLAN, sobjects=["Lead"])
    assert decisions(refused) == [None, "refused"]
    assert decisions(accept(refused)) == ["accepted", "refused"]
    assert decisions(accept(refused, ids=[LEAD])) == [None, "accepted"]
    assert decisions(refuse(accept(PLAN))) == ["refused", "refused"]


def test_summary_counts_every_view() -> None:
    assert summary(accept(PLAN, sobjects=["Lead"])) == {
        "total": 2,
        "op": {"update": 2},
        "sobject": {"Contact": 1, "Lead": 1},
        "confidence": {"assisted": 1, "auto": 1},
        "decision": {"accepted": 1, "undecided": 1},
        "because": {"CONT-001": 1, "DQ-001": 1},
        "field": {"Contact.AccountId": 1, "Lead.Email": 1},
    }


def test_diff_shows_old_and_new_values() -> None:
    assert list(diff_lines(accept(PLAN, sobjects=["Lead"]))) == [
        f"update Contact {CONTACT} (assisted) because CONT-001",
        '    AccountId: "old" → null',
        f"update Lead {LEAD} (auto, accepted) because DQ-001",
        '    Email: "old" → null',
    ]
