"""A finding's row → the update its rule proposes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sfsync.model import Change, Ref, Value
from sfsync.rules.rule import Fix, Param, Rule


def propose(
    rule: Rule, kind: str, ref: Ref, row: Mapping[str, Any], params: Mapping[str, Param] | None = None
) -> Change | None:
    """The first fix of the rule that applies to this row, as an Update; None when a person has to find one.

    row: column in lower case → value. A field whose column is null is left alone; only `clear` empties one, and only
    if the row has a value for it. `before` holds what the row itself tells; the plan reads the rest from the mirror.
    """
    for fix in rule.fixes:
        if fix.confidence == "manual" or not _applies(fix, kind, row):
            continue
        named = {_field(field, params or rule.params): column.lower() for field, column in fix.set.items()}
        after = {field: _value(row[c]) for field, c in named.items() if field and row.get(c) is not None}
        after |= {field: None for field in fix.clear if row.get(field.lower()) is not None}
        before = {field: _value(row[field.lower()]) for field in after if field.lower() in row}
        if after and before != after:
            because = {"rule": rule.code} | ({"kind": kind} if kind else {})
            return Change("update", ref, before, after, (because,), fix.confidence)
    return None


def fix_json(change: Change | None) -> dict[str, Any] | None:
    """The `fix` of CONTRACT and of sfsync.findings: confidence, and the values to set. Decimals and dates are text."""
    if change is None:
        return None
    return {"confidence": change.confidence, "after": {k: _plain(v) for k, v in sorted(change.after.items())}}


def fix_text(change: Change | None) -> str | None:
    found = fix_json(change)
    return None if found is None else json.dumps(found, ensure_ascii=False)


def _applies(fix: Fix, kind: str, row: Mapping[str, Any]) -> bool:
    if fix.kinds and kind not in fix.kinds:
        return False
    return fix.when is None or row.get(fix.when.lower()) is True


def _field(name: str, params: Mapping[str, Param]) -> str:
    return str(params.get(name[1:]) or "") if name.startswith(":") else name


def _value(value: Any) -> Value:
    return value  # type: ignore[no-any-return]


def _plain(value: Value) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else format(value, "f")
