"""Which record of a cluster stays."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from sfsync.dedupe.compare import Candidate

ORDER = (
    "a won opportunity",
    "most related records (tasks, events, campaign memberships, as far as they are mirrored)",
    "most filled fields",
    "latest activity",
    "oldest CreatedDate",
    "smallest Id",
)
"""The survivor order, first rule first. Converted leads take no part: Salesforce refuses them as a master."""

NOT_CONTENT = frozenset(
    """Id IsDeleted MasterRecordId CreatedDate CreatedById LastModifiedDate LastModifiedById SystemModstamp
    LastActivityDate LastViewedDate LastReferencedDate LastTransferDate OwnerId RecordTypeId Status PhotoUrl
    Jigsaw JigsawContactId CleanStatus""".split()
)
"""Fields every record has or the platform fills: they say nothing about how complete a record is."""

CHILDREN = {
    "Lead": (("Task", "WhoId"), ("Event", "WhoId"), ("CampaignMember", "LeadId")),
    "Contact": (
        *(("Task", "WhoId"), ("Event", "WhoId"), ("CampaignMember", "ContactId")),
        *(("OpportunityContactRole", "ContactId"), ("AccountContactRelation", "ContactId"), ("Contact", "ReportsToId")),
    ),
    "Account": (
        *(("Contact", "AccountId"), ("Opportunity", "AccountId"), ("Account", "ParentId")),
        *(("Task", "WhatId"), ("Event", "WhatId")),
    ),
}
"""sObject → (child sObject, its field): what moves to the master."""

WON = {
    "Account": "SELECT o.AccountId FROM live.Opportunity o WHERE o.IsWon IS TRUE",
    "Contact": "SELECT r.ContactId FROM live.OpportunityContactRole r "
    "JOIN live.Opportunity o ON o.Id = r.OpportunityId WHERE o.IsWon IS TRUE",
}
"""sObject → the Ids of those with a won opportunity. A lead that has one is converted."""

NEEDED_FOR_WON = {
    "Account": (("Opportunity", "AccountId"), ("Opportunity", "IsWon")),
    "Contact": (
        ("OpportunityContactRole", "ContactId"),
        ("OpportunityContactRole", "OpportunityId"),
        ("Opportunity", "IsWon"),
    ),
}


def content_fields(columns: dict[str, str]) -> list[str]:
    """The columns whose being filled counts for completeness: no system fields, no booleans (never empty)."""
    return [c for c, type in columns.items() if c not in NOT_CONTENT and c[0] != "_" and "BOOL" not in type.upper()]


def master(records: Iterable[Candidate]) -> Candidate:
    return min(records, key=_rank)


def _rank(record: Candidate) -> tuple[bool, int, int, int, datetime, str]:
    return (
        not record.won,
        -record.children,
        -record.filled,
        -(record.last_activity or date.min).toordinal(),
        record.created or datetime.max.replace(tzinfo=UTC),
        record.id,
    )
