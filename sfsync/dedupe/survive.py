"""Which record of a cluster stays."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from sfsync.dedupe.compare import Candidate

ORDER = (
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

CHILDREN = {"Lead": (("Task", "WhoId"), ("Event", "WhoId"), ("CampaignMember", "LeadId"))}


def content_fields(columns: dict[str, str]) -> list[str]:
    """The columns whose being filled counts for completeness: no system fields, no booleans (never empty)."""
    return [c for c, type in columns.items() if c not in NOT_CONTENT and c[0] != "_" and "BOOL" not in type.upper()]


def master(records: Iterable[Candidate]) -> Candidate:
    return min(records, key=_rank)


def _rank(record: Candidate) -> tuple[int, int, int, datetime, str]:
    return (
        -record.children,
        -record.filled,
        -(record.last_activity or date.min).toordinal(),
        record.created or datetime.max.replace(tzinfo=UTC),
        record.id,
    )
