"""Campaigns, one after another over the years, and the leads and contacts who were in them."""

from __future__ import annotations

from sfsync.practice.generate.staff import marketing_user
from sfsync.practice.generate.workshop import DAY, Workshop

COUNT = 24
_TYPES = ("Webinar", "Trade Show", "Email", "Conference")
_RUNS = 60 * DAY
_JUST_NOW = 3600


def store_campaigns(shop: Workshop) -> None:
    """Write Campaign and CampaignMember. Needs `lead_life` and `contact_no`.

    Three leads in ten join the campaign that runs when they come, one in ten a later one; so does one in ten of the
    contacts who never were leads. A quarter respond. The membership of a converted lead names its contact as well.
    """
    starts = f"({shop.start} + n * {_gap(shop)})"
    kind = shop.pick("campaign", "n", _TYPES)
    shop.temp("campaign_no", f"SELECT n, {starts} AS starts, {kind} AS kind FROM range({COUNT}) t(n)")
    _store_campaigns(shop)
    _make_members(shop)
    _store_members(shop)


def _gap(shop: Workshop) -> int:
    return (shop.now - shop.start) // COUNT


def _store_campaigns(shop: Workshop) -> None:
    ends = f"starts + {_RUNS}"
    over, user = f"{ends} <= {shop.now}", marketing_user(shop)
    budget = f"(5 + {shop.roll('campaign budget', 'n', 40)}) * 1000"
    spent = f"{shop.roll('campaign cost', 'n', 3000)} - 1500"
    shop.store(
        "Campaign",
        f"""
        SELECT {shop.id("Campaign", "n")} AS Id, kind || ', ' || strftime({shop.time("starts")}, '%B %Y') AS Name,
            kind AS Type, CASE WHEN {over} THEN 'Completed' ELSE 'In Progress' END AS Status,
            {shop.day("starts")} AS StartDate, {shop.day(ends)} AS EndDate, NOT ({over}) AS IsActive,
            {budget} AS BudgetedCost, CASE WHEN {over} THEN {budget} + {spent} END AS ActualCost, {user} AS OwnerId,
            {shop.audit(f"starts - {20 * DAY}", f"CASE WHEN {over} THEN {ends} ELSE starts END", user, user)}
        FROM campaign_no ORDER BY n""",
    )


def _make_members(shop: Workshop) -> None:
    """Table `member`: who (the number of a lead, a contact, or both), in which campaign, since when; when responded."""
    running = f"least({COUNT - 1}, (created - {shop.start}) // {_gap(shop)})"
    until = f"coalesce(converted, {shop.now - _JUST_NOW})"
    joined = f"least(created + {shop.roll('joined', 'p', DAY)}, {until})"
    again = f"starts + {shop.roll('joined again', 'p', 10 * DAY)}"
    often = f"CASE WHEN lead IS NULL THEN {shop.chance('contact member', 'p', 10)} ELSE {{}} END"
    dice = "p * 2 + turn"
    responded = f"joined + {shop.roll('responded', dice, 14 * DAY)}"
    shop.temp(
        "member",
        f"""
        WITH people AS (
            SELECT p, l.number AS lead, c.number AS contact, l.created, c.created AS converted
            FROM lead_life l LEFT JOIN (SELECT p, 0 AS g, number, created FROM contact_no) c USING (p, g)
            UNION ALL
            SELECT p, NULL, number, created, NULL FROM contact_no
            WHERE p NOT IN (SELECT p FROM lead_life) AND created >= {shop.start}),
        joined AS (
            SELECT p, 0 AS turn, lead, contact, converted, {running} AS n, {joined} AS joined FROM people
            WHERE {often.format(shop.chance("member", "p", 30))}
            UNION ALL
            SELECT p, 1, lead, contact, converted, n, {again} FROM people
            JOIN campaign_no ON n = {running} + 1 + {shop.roll("which again", "p", 3)}
            WHERE {often.format(shop.chance("member again", "p", 10))} AND {again} < {until})
        SELECT *, row_number() OVER (ORDER BY joined, p, turn) - 1 AS number,
            CASE WHEN {shop.chance("responds", dice, 25)} AND {responded} < {shop.now - _JUST_NOW} THEN {responded} END
                AS responded
        FROM joined""",
    )


def _store_members(shop: Workshop) -> None:
    user = marketing_user(shop)
    modified = "greatest(joined, coalesce(responded, joined), coalesce(converted, joined))"
    shop.store(
        "CampaignMember",
        f"""
        SELECT {shop.id("CampaignMember", "number")} AS Id, {shop.id("Campaign", "n")} AS CampaignId,
            {shop.id("Lead", "lead")} AS LeadId, {shop.id("Contact", "contact")} AS ContactId,
            CASE WHEN responded IS NULL THEN 'Sent' ELSE 'Responded' END AS Status,
            responded IS NOT NULL AS HasResponded, {shop.day("responded")} AS FirstRespondedDate,
            {shop.audit("joined", modified, user, user)}
        FROM member ORDER BY number""",
    )
