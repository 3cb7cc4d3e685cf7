"""A finding's row → the change its rule proposes.

In sfsync.findings and in JSON a fix is {"confidence", "after"}; one that is no update begins with its "op": a create
also has its "sobject", a merge the "records" it puts together, the finding's own among them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sfsync.model import Change, Ref
from sfsync.rules.rule import Fix, Param, text_sql
from sfsync.rules.settings import ActiveRule

OTHER = '{"op": "'
"""How the text of a fix that is no update begins; then comes what it does."""

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
    """The change a fix of sfsync.findings stands for; `before` is not kept there. Decimals and dates stay text.

    Of a merge the finding's record stands for the master, which is chosen when planning.
    """
    if text is None:
        return None
    fix = json.loads(text)
    because = {"rule": rule} | ({"kind": kind} if kind else {})
    return Change(
        fix.get("op", "update"),
        Ref(fix["sobject"], "") if "sobject" in fix else ref,
        after=fix["after"],
        because=(because,),
        confidence=fix["confidence"],
        losers=tuple(id for id in fix.get("records", ()) if id != ref.id),
    )


def fix_json(change: Change | None) -> dict[str, Any] | None:
    """The `fix` of a finding in JSON. Decimals and dates are text."""
    if change is None:
        return None
    said = {"confidence": change.confidence, "after": dict(change.after)}
    if change.op == "update":
        return said
    if change.op == "create":
        return {"op": "create", "sobject": change.ref.sobject, **said}
    if change.op == "merge":
        return {"op": "merge", "records": sorted([change.ref.id, *change.losers]), **said}
    return {"op": change.op, **said}


def _case(fix: Fix, active: ActiveRule, kind: str, columns: Mapping[str, str]) -> str:
    """WHEN … THEN … of one fix; "" when it never applies to rows of these columns."""
    fields = _fields(fix, active, columns)
    if (fix.op in ("update", "create") and not fields) or (fix.when and fix.when.lower() not in columns):
        return ""
    conditions = [f"{kind} IN ({', '.join(map(text_sql, fix.kinds))})"] if fix.kinds else []
    conditions += [f"r.{fix.when} IS TRUE"] if fix.when else []
    conditions += [f"r.{fix.merge} IS NOT NULL"] if fix.merge else []
    conditions += [f"({' OR '.join(field.changes for field in fields)})"] if fix.op in ("update", "create") else []
    pairs = ", ".join(
        f"CASE WHEN {f.there} THEN {f.key or text_sql(json.dumps(f.name))} || ': ' || {f.value} END" for f in fields
    )
    after = f"concat_ws(', ', {pairs})" if pairs else "''"
    return f"WHEN {' AND '.join(conditions) or 'TRUE'} THEN {_head(fix)} || {after} || '}}}}'"


def _head(fix: Fix) -> str:
    """The beginning of the JSON as an expression."""
    confidence = f'"confidence": "{fix.confidence}", "after": {{'
    if fix.op == "update":
        return text_sql(f"{{{confidence}")
    begin = f'{OTHER}{fix.op}", '
    if fix.op == "create":
        return text_sql(f'{begin}"sobject": {json.dumps(fix.sobject)}, {confidence}')
    if fix.op == "merge":
        records = f"""'["' || replace(r.{fix.merge}, ' ', '", "') || '"], '"""
        return f"{text_sql(begin + chr(34) + 'records' + chr(34) + ': ')} || {records} || {text_sql(confidence)}"
    return text_sql(begin + confidence)


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
    here = columns if fix.op == "update" else {}
    found = {name: _set(name, c, columns, here.get(name.lower())) for name, c in named.items() if name and c in columns}
    for name in fix.clear:
        if name.lower() in columns:
            found[name] = _cleared(name, found.get(name))
    return [found[name] for name in sorted(found)]


def _set(name: str, column: str, columns: Mapping[str, str], now: str | None) -> _Field:
    """now: the type of the row's column with the field's present value, if it has one."""
    if name.startswith("{"):
        field = f"r.{name[1:-1]}"
        there = f"({field} IS NOT NULL AND r.{column} IS NOT NULL)"
        return _Field(name, there, _json(f"r.{column}", columns[column]), there, _json(field, "text"))
    there = f"r.{column} IS NOT NULL"
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
