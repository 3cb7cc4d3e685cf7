"""What the config calls no contact is none in any analysis, as it is none for the rules."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sfsync.config import RulesConfig
from sfsync.insight.account import account_view
from sfsync.insight.configured import shared_settings
from sfsync.insight.pipeline import pipeline
from sfsync.insight.response import first_response
from sfsync.insight.slippage import stale
from sfsync.insight.touch import touched, touches
from sfsync.normalise.table import refresh
from sfsync.rules import check, load_rules
from sfsync.warehouse import Warehouse
from tests.insight.world import NOON, TODAY, at, fill, opportunity, source, stages

MAILS = ["Email: %", "List Email%"]
CREATED = at("2026-03-10", 8)
SUBJECT = {"Subject": "TEXT"}


def task(id: str, who: str, done: datetime, subject: str | None = None, **given: Any) -> dict[str, Any]:
    return {"Id": id, "WhoId": who, "IsClosed": True, "CreatedDate": done, "CompletedDateTime": done,
            "ActivityDate": done.date(), "Subject": subject, **given}  # fmt: skip


def lead(id: str, **given: Any) -> dict[str, Any]:
    return {"Id": id, "OwnerId": "U", "Status": "Open", "IsConverted": False, "CreatedDate": CREATED,
            "SystemModstamp": CREATED, "LeadSource": "Partner", **given}  # fmt: skip


def last_touches(warehouse: Warehouse, **settings: Any) -> dict[str, tuple[date | None, int]]:
    """Lead → (day of the last touch, how many lately)."""
    with source(warehouse, **settings) as opened:
        rows = opened.rows(
            f"SELECT l.Id AS id, {touched(opened, 'Lead', 'l')} AS day, COALESCE(t.recent, 0) AS recent "
            f"FROM live.Lead l {touches(opened, 'Lead', 'l')}"
        )
    return {r.id: (r.day, int(r.recent)) for r in rows}


def test_a_mail_that_logged_itself_is_no_touch_and_moves_no_activity_date(warehouse: Warehouse) -> None:
    call, mail = at("2026-03-11"), at("2026-03-12")
    fill(
        warehouse,
        "Lead",
        lead("called", LastActivityDate=mail.date()),
        lead("mailed", LastActivityDate=mail.date()),
        lead("met", LastActivityDate=date(2026, 3, 13)),  # an event of which the mirror knows nothing
        lead("nameless", LastActivityDate=call.date()),
    )
    fill(
        warehouse,
        "Task",
        task("1", "called", call, "Call"),
        task("2", "called", mail, "Email: welcome"),
        task("3", "mailed", mail, "List Email of March"),
        task("4", "met", mail, "Email: it's 100% free"),
        task("5", "nameless", call),
        more=SUBJECT,
    )
    every = {"called": (mail.date(), 2), "mailed": (mail.date(), 1), "met": (date(2026, 3, 13), 1),
             "nameless": (call.date(), 1)}  # fmt: skip
    assert last_touches(warehouse) == every
    assert last_touches(warehouse, touch_exclude_subjects=MAILS) == {
        **every, "called": (call.date(), 1), "mailed": (None, 0), "met": (date(2026, 3, 13), 0),
    }  # fmt: skip
    assert last_touches(warehouse, touch_exclude_subjects=["%it's 100% free"])["met"] == (date(2026, 3, 13), 0)


def test_a_mirror_without_subjects_leaves_nothing_out(warehouse: Warehouse) -> None:
    fill(warehouse, "Lead", lead("1"))
    touch = task("1", "1", CREATED)
    del touch["Subject"]
    fill(warehouse, "Task", touch)
    assert last_touches(warehouse, touch_exclude_subjects=["%"]) == {"1": (CREATED.date(), 1)}


def test_deals_and_accounts_are_as_long_untouched_as_without_such_mails(warehouse: Warehouse) -> None:
    stages(warehouse)
    long_ago, lately = at("2025-11-01"), at("2026-03-12")
    account = "001000000000001AAA"
    fill(warehouse, "User", {"Id": "U", "Name": "Ann", "IsActive": True})
    fill(warehouse, "Account", {"Id": account, "Name": "Acme", "OwnerId": "U", "SystemModstamp": NOON,
                                "LastActivityDate": lately.date()})  # fmt: skip
    fill(warehouse, "Contact", {"Id": "C", "Name": "Jo", "AccountId": account, "LastActivityDate": lately.date()})
    fill(warehouse, "Opportunity", opportunity("O", 100, "Proposal", "2026-05-01", CreatedDate=long_ago,
                                               AccountId=account, LastActivityDate=lately.date()))  # fmt: skip
    about = {"WhoId": None, "Subject": "Email: news"}
    fill(
        warehouse,
        "Task",
        *(task(what, "", lately, **{**about, "WhatId": what}) for what in ("O", account)),
        task("C", "C", lately, "Email: news"),
        more=SUBJECT,
    )
    refresh(warehouse, "Account")

    def seen(**settings: Any) -> tuple[int, str, list[date | None]]:
        with source(warehouse, **settings) as opened:
            dead = pipeline(opened).row(line="dead")["n"]
            [aged] = [r["line"] for r in stale(opened).rows if r["n"] and r["line"] != "total"]
            summary, contacts, *_ = account_view(opened, account)
        return dead, aged, [summary.rows[0]["last_touch"], contacts.rows[0]["last_touch"]]

    assert seen() == (0, "0-90", [lately.date(), lately.date()])
    assert seen(touch_exclude_subjects=MAILS) == (1, "91-180", [None, None])


@pytest.mark.parametrize(
    ("params", "late"),
    [
        ({}, {"reply", "slow"}),
        ({"v_task_link": {"touch_exclude_subjects": MAILS}}, {"mail", "reply", "slow"}),
        ({"ACT-005": {"automatic_replies": []}}, {"slow"}),
        ({"ACT-005": {"sla_hours_by_source": {"Web": "1.5"}}}, {"web", "reply", "slow"}),
        ({"ACT-005": {"response_sla_hours": 31, "sla_hours_by_source": {"Web": "1"}}}, {"web", "reply"}),
    ],
)
def test_the_first_response_is_late_where_the_rule_says_so(
    warehouse: Warehouse, params: dict[str, Any], late: set[str]
) -> None:
    """Two hours for a call on a lead of the web, mails and automatic replies at once, a call after thirty hours."""
    ids = {name: f"00Q00000000000{n}AAA" for n, name in enumerate(("web", "partner", "mail", "reply", "slow"))}
    sources = {"web": "Web", "slow": None}
    fill(warehouse, "Lead", *(lead(id, LeadSource=sources.get(name, "Partner")) for name, id in ids.items()))
    done = (
        ("web", 2, "Call"), ("partner", 2, "Call"), ("mail", 1, "Email: welcome"), ("reply", 1, "Out of Office: away"),
        ("slow", 30, None),
    )  # fmt: skip
    tasks = (task(name, ids[name], CREATED + timedelta(hours=hours), subject) for name, hours, subject in done)
    fill(warehouse, "Task", *tasks, more=SUBJECT)
    config = RulesConfig(params=params)
    found = check(
        warehouse, load_rules(), only=["ACT-005"], as_of=TODAY, now=NOON, run_id="r", config=config, time_zone="UTC"
    )
    assert {f.finding.ref.id for f in found.findings} == {ids[name] for name in late}
    with source(warehouse, **shared_settings(config)) as opened:
        table = first_response(opened, opened.fiscal.parse("2026-03", TODAY))
    assert table.row(line="all")["over_sla"] == len(late)
    assert table.row(line="Web")["over_sla"] == ("web" in late)
    assert table.parameters.get("sla_hours_by_source") == params.get("ACT-005", {}).get("sla_hours_by_source")
    assert table.row(line="all")["within_sla_percent"] == Decimal(20 * (5 - len(late)))
