"""Duplicate rules: refuse a save that makes a record like one that is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sfsync.practice.errors import ApiError
from sfsync.practice.saving import Draft, DuplicateRule, Moment
from sfsync.practice.schema import SObject
from sfsync.practice.shaping import attributes

_MESSAGE = "Use one of these records?"


def check(moment: Moment, obj: SObject, drafts: Sequence[Draft]) -> None:
    """Refuse drafts with DUPLICATES_DETECTED. Alerts let callers pass who allow duplicates."""
    for rule in moment.duplicate_rules:
        if rule.sobject == obj.name and (rule.block or not moment.caller.allow_duplicates):
            touched = [d for d in drafts if d.error is None and any(d.changed(f) for f in rule.fields)]
            matches = _matches(moment, rule, touched)
            for draft in touched:
                others = [i for i in matches.get(_key(rule, draft.new), ()) if i != draft.id]
                if others:
                    draft.error = _refusal(moment, rule, others)


def _key(rule: DuplicateRule, row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row.get(f) or "").lower() for f in rule.fields)


def _matches(moment: Moment, rule: DuplicateRule, drafts: Sequence[Draft]) -> dict[tuple[str, ...], list[str]]:
    """Live records by their values of the rule's fields."""
    keys = [key for key in (_key(rule, d.new) for d in drafts) if all(key)]
    if not keys:
        return {}
    wanted = [sorted({key[i] for key in keys}) for i in range(len(rule.fields))]
    conditions = [f'lower("{f}") IN (SELECT unnest(${i}::VARCHAR[]))' for i, f in enumerate(rule.fields, 1)]
    live = 'AND NOT "IsDeleted"' if "IsDeleted" in moment.schema.full(rule.sobject).fields else ""
    found: dict[tuple[str, ...], list[str]] = {}
    for row in moment.store.select(rule.sobject, f'{" AND ".join(conditions)} {live} ORDER BY "Id"', wanted):
        found.setdefault(_key(rule, row), []).append(row["Id"])
    return found


def _refusal(moment: Moment, rule: DuplicateRule, ids: Sequence[str]) -> ApiError:
    records = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {"attributes": attributes(rule.sobject, i, moment.caller.version), "Id": i},
        }
        for i in ids
    ]
    match = {
        **{"entityType": rule.sobject, "errors": [], "matchEngine": "ExactMatchEngine", "matchRecords": records},
        **{"rule": rule.name, "size": len(records), "success": True},
    }
    # The misspelt key is Salesforce's own.
    result = {
        **{"allowSave": not rule.block, "duplicateRule": rule.name, "duplicateRuleEntityType": rule.sobject},
        **{"errorMessage": _MESSAGE, "matchResults": [match]},
    }
    return ApiError(400, "DUPLICATES_DETECTED", _MESSAGE, extra={"duplicateResut": result})
