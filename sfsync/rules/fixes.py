"""A finding's row → the update its rule proposes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sfsync.model import Change, Ref
from sfsync.rules.rule import Fix, Param, text_sql
from sfsync.rules.settings import ActiveRule

_PLAIN = ("bool", "smallint", "integer", "bigint", "hugeint", "tinyint", "utinyint", "usmallint", "uinteger", "ubigint")
_NUMBERS = (*_PLAIN[1:], "numeric", "decimal", "double", "real", "float")
_TEXTS = ("text", "varchar", "character")


def fix_sql(active: ActiveRule, kind: str, columns: Mapping[str, str]) -> str:
    """An expression over a row `r`: `fix` of sfsync.findings by the first of the rule's fixes that applies, or null.

    kind: the expression of the finding's kind. columns: column in small letters → type. A field whose column is null is
    left alone; only `clear` empties one, and only if the row has a value for it. What would change nothing is no fix.
    """
    cases = [_case(fix, active, kind, columns) for fix in active.rule.fixes if fix.confidence != "manual"]
    return f"CASE {' '.join(cases)} END" if any(cases) else "CAST(NULL AS TEXT)"


def fix_change(text: str | None, rule: str, kind: str, ref: Ref) -> Change | None:
    """The update a fix of sfsync.findings stands for; `before` is not kept there. Decimals and dates stay text."""
    if text is None:
        return None
    fix = json.loads(text)
    because = {"rule": rule} | ({"kind": kind} if kind else {})
    return Change("update", ref, after=fix["after"], because=(because,), confidence=fix["confidence"])


def fix_json(change: Change | None) -> dict[str, Any] | None:
    """The `fix` of CONTRACT and of sfsync.findings: confidence, and the values to set. Decimals and dates are text."""
    if change is None:
        return None
    return {"confidence": change.confidence, "after": dict(change.after)}


def _case(fix: Fix, active: ActiveRule, kind: str, columns: Mapping[str, str]) -> str:
    """WHEN … THEN … of one fix; "" when it never applies to rows of these columns."""
    fields = _fields(fix, active, columns)
    if not fields or (fix.when and fix.when.lower() not in columns):
        return ""
    conditions = [f"{kind} IN ({', '.join(map(text_sql, fix.kinds))})"] if fix.kinds else []
    conditions += [f"r.{fix.when} IS TRUE"] if fix.when else []
    conditions.append(f"({' OR '.join(field.changes for field in fields)})")
    pairs = ", ".join(
        f"CASE WHEN {f.there} THEN {f.key or text_sql(json.dumps(f.name))} || ': ' || {f.value} END" for f in fields
    )
    head = text_sql(f'{{"confidence": "{fix.confidence}", "after": {{')
    return f"WHEN {' AND '.join(conditions)} THEN {head} || concat_ws(', ', {pairs}) || '}}}}'"


@dataclass(frozen=True)
class _Field:
    """Expressions over a row about a field a fix may touch."""

    name: str
    there: str
    """Whether the fix touches it."""
    value: str
    """Its new value as JSON."""
    changes: str
    """Whether the fix touches it and gives it another value than the row shows."""
    key: str = ""
    """Its name as JSON, where each row names the field."""


def _fields(fix: Fix, active: ActiveRule, columns: Mapping[str, str]) -> list[_Field]:
    """Sorted by name."""
    named = {_field(field, active.params): column.lower() for field, column in fix.set.items()}
    found = {name: _set(name, c, columns) for name, c in named.items() if name and c in columns}
    for name in fix.clear:
        if name.lower() in columns:
            found[name] = _cleared(name, found.get(name))
    return [found[name] for name in sorted(found)]


def _set(name: str, column: str, columns: Mapping[str, str]) -> _Field:
    if name.startswith("{"):
        field = f"r.{name[1:-1]}"
        there = f"({field} IS NOT NULL AND r.{column} IS NOT NULL)"
        return _Field(name, there, _json(f"r.{column}", columns[column]), there, _json(field, "text"))
    there, now = f"r.{column} IS NOT NULL", columns.get(name.lower())
    if now is None:
        changes = there
    elif _alike(now, columns[column]):
        changes = f"({there} AND r.{name} IS DISTINCT FROM r.{column})"
    else:
        changes = f"({there} AND CAST(r.{name} AS TEXT) IS DISTINCT FROM CAST(r.{column} AS TEXT))"
    return _Field(name, there, _json(f"r.{column}", columns[column]), changes)


def _cleared(name: str, given: _Field | None) -> _Field:
    there = f"r.{name} IS NOT NULL"
    if given is None:
        return _Field(name, there, "'null'", there)
    value = f"CASE WHEN {there} THEN 'null' ELSE {given.value} END"
    return _Field(name, f"({there} OR {given.there})", value, f"({there} OR {given.changes})")


def _json(value: str, kind: str) -> str:
    text = f"CAST({value} AS TEXT)"
    if kind.startswith(_PLAIN):
        return text
    if kind.startswith(_TEXTS):
        return f"CAST(to_json({text}) AS TEXT)"
    if kind.startswith("timestamp"):
        return f"'\"' || replace({text}, ' ', 'T') || ':00\"'"
    return f"'\"' || {text} || '\"'"


def _alike(a: str, b: str) -> bool:
    return any(a.startswith(kinds) and b.startswith(kinds) for kinds in (_NUMBERS, _TEXTS)) or a == b


def _field(name: str, params: Mapping[str, Param]) -> str:
    return str(params.get(name[1:]) or "") if name.startswith(":") else name
