"""Who owned a lead when, from everything that saw it change hands."""

from __future__ import annotations

from datetime import UTC, datetime

from sfsync.insight.source import Source

_BY_ID = "(h.{0} LIKE '005%' OR h.{0} LIKE '00G%')"
"""Salesforce keeps a change of owner twice, with names and with Ids."""
_OWNER = f"h.Field IN ('Owner', 'OwnerId') AND {_BY_ID.format('NewValue')}"


def owner_changes(source: Source) -> str:
    """A SELECT of id, at, old and owner (the new one) per change of a lead's owner that anything tells of.

    Salesforce's LeadHistory, what pulls saw (`sfsync.history`, stamped with the record's later SystemModstamp) and what
    pushes wrote (`sfsync.assignments`): one change may come from all three, a little apart.
    """
    parts = ["SELECT CAST(NULL AS text) AS id, CAST(NULL AS timestamp with time zone) AS at, "
             "CAST(NULL AS text) AS old, CAST(NULL AS text) AS owner WHERE 1 = 0"]  # fmt: skip
    if _tracked(source):
        parts.append(
            "SELECT h.LeadId AS id, h.CreatedDate AS at, h.OldValue AS old, h.NewValue AS owner "
            f"FROM live.LeadHistory h WHERE {_OWNER}"
        )
    if source.has("sfsync.history"):
        parts.append(
            "SELECT h.id AS id, h.changed_at AS at, h.old AS old, h.new AS owner FROM sfsync.history h "
            "WHERE h.sobject = 'Lead' AND h.field = 'OwnerId'"
        )
    if source.has("sfsync.assignments"):
        parts.append(
            "SELECT a.id AS id, a.assigned_at AS at, a.from_owner AS old, a.owner AS owner FROM sfsync.assignments a "
            "WHERE a.assigned_at IS NOT NULL"
        )
    return " UNION ALL ".join(parts)


def tracked_from(source: Source) -> datetime | None:
    """The first change of owner in LeadHistory, UTC: from then on Salesforce kept them all. None: it keeps none."""
    if not _tracked(source):
        return None
    moment: datetime | None = source.rows(f"SELECT MIN(h.CreatedDate) AS at FROM live.LeadHistory h WHERE {_OWNER}")[
        0
    ].at
    return None if moment is None else moment.astimezone(UTC)


def _tracked(source: Source) -> bool:
    return source.has("LeadHistory", "LeadId", "Field", "OldValue", "NewValue", "CreatedDate")
