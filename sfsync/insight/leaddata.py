"""What analyses of leads share: who is active, since when in a status, who owned a lead first, what brought it in."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Any

from sfsync.errors import InputError
from sfsync.insight.source import Source

ACTIVE = "l.IsConverted IS NOT TRUE AND (l.Status IS NULL OR l.Status NOT IN (cfg('terminal')))"
"""Neither converted nor in a terminal status; give terminal=source.terminal_statuses."""


def owner_at_creation(source: Source) -> str:
    """A SELECT of id, owner for leads that had another owner before; empty when nothing was tracked."""
    parts = []
    if source.has("LeadHistory", "LeadId", "Field", "OldValue", "CreatedDate"):
        # Salesforce keeps a change of owner twice, with names and with Ids.
        parts.append(
            "SELECT h.LeadId AS id, h.OldValue AS owner, h.CreatedDate AS at FROM live.LeadHistory h "
            "WHERE h.Field IN ('Owner', 'OwnerId') AND (h.OldValue LIKE '005%' OR h.OldValue LIKE '00G%')"
        )
    if source.has("sfsync.history"):
        parts.append(
            "SELECT h.id AS id, h.old AS owner, h.changed_at AS at FROM sfsync.history h "
            "WHERE h.sobject = 'Lead' AND h.field = 'OwnerId' AND h.old IS NOT NULL"
        )
    if not parts:
        return "SELECT CAST(NULL AS text) AS id, CAST(NULL AS text) AS owner WHERE 1 = 0"
    return (
        "SELECT c.id, c.owner FROM (SELECT x.id, x.owner, ROW_NUMBER() OVER (PARTITION BY x.id ORDER BY x.at, x.owner) "
        f"AS place FROM ({' UNION ALL '.join(parts)}) x) c WHERE c.place = 1"
    )


def first_campaign(source: Source) -> tuple[str, str]:
    """(SQL of the campaign's name for a lead `l`, the JOIN it takes): one campaign a lead, null for none.

    It is the campaign the lead responded to first, else the one it joined first, by as_of. Campaigns of one name are
    told apart by their Ids; without Campaign in the mirror the Id is all there is. Converted leads keep theirs:
    Salesforce leaves LeadId in the membership, and adds the contact. Raises InputError without CampaignMember.
    """
    if not source.columns("CampaignMember"):
        raise InputError(
            "CampaignMember is not in the warehouse. Add CampaignMember to `objects:` in the config and run "
            "`sfsync pull`; if that leaves it out, this org or user has no campaigns (docs/permissions.md)."
        )
    source.need("CampaignMember", "LeadId", "CampaignId", "CreatedDate")
    joined = "local_date(m.CreatedDate)"
    responded = f"COALESCE({source.column('CampaignMember', 'm', 'FirstRespondedDate', 'date')}, {joined})"
    has = f"({source.column('CampaignMember', 'm', 'HasResponded', 'boolean')} IS TRUE AND {responded} <= as_of())"
    first = (
        "SELECT m.LeadId AS lead, m.CampaignId AS campaign, ROW_NUMBER() OVER (PARTITION BY m.LeadId ORDER BY "
        f"CASE WHEN {has} THEN 0 ELSE 1 END, CASE WHEN {has} THEN {responded} END, m.CreatedDate, m.Id) AS place "
        f"FROM live.CampaignMember m WHERE m.LeadId IS NOT NULL AND {joined} <= as_of()"
    )
    join = f"LEFT JOIN ({first}) f ON f.lead = l.Id AND f.place = 1"
    if not source.has("Campaign", "Name"):
        return "f.campaign", join
    named = (
        "SELECT c.Id AS id, CASE WHEN COUNT(*) OVER (PARTITION BY c.Name) > 1 THEN c.Name || ' (' || c.Id || ')' "
        "ELSE c.Name END AS name FROM live.Campaign c"
    )
    return "COALESCE(cp.name, f.campaign)", f"{join} LEFT JOIN ({named}) cp ON cp.id = f.campaign"


class StatusChanges:
    """Changes of Lead.Status: Salesforce's own history where it is tracked, else those that pulls have seen."""

    def __init__(self, source: Source):
        self.source = source

    @cached_property
    def salesforce(self) -> bool:
        if not self.source.has("LeadHistory", "LeadId", "Field", "OldValue", "NewValue", "CreatedDate"):
            return False
        found = self.source.rows("SELECT COUNT(*) AS n FROM live.LeadHistory h WHERE h.Field = 'Status'")
        return int(found[0].n) > 0

    @property
    def sql(self) -> str:
        """A SELECT of id, row_id, at, day, old, new per change."""
        if self.salesforce:
            return (
                "SELECT h.LeadId AS id, h.Id AS row_id, h.CreatedDate AS at, local_date(h.CreatedDate) AS day, "
                "h.OldValue AS old, h.NewValue AS new FROM live.LeadHistory h WHERE h.Field = 'Status'"
            )
        return (
            "SELECT h.id AS id, h.new AS row_id, h.changed_at AS at, local_date(h.changed_at) AS day, h.old AS old, "
            "h.new AS new FROM sfsync.history h WHERE h.sobject = 'Lead' AND h.field = 'Status'"
        )

    @cached_property
    def tracked_from(self) -> date | None:
        """The day of the first change known of any lead; before it nothing is known."""
        found: Any = self.source.rows(f"SELECT MIN(c.day) AS day FROM ({self.sql}) c")
        day: date | None = found[0].day
        return day

    @property
    def note(self) -> str:
        if self.tracked_from is None:
            return "no change of status is known: every lead counts as in its status since creation"
        if self.salesforce:
            return f"status changes are those of LeadHistory, from {self.tracked_from}"
        return (
            f"history is first-hand from {self.tracked_from}: LeadHistory does not track Status, or is not pulled; "
            "changes before were not seen"
        )
