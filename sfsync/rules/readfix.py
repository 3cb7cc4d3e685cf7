"""The `fix` of a rule file → what a finding may become in a plan."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sfsync.errors import nearest
from sfsync.model import Op
from sfsync.rules.rule import CONFIDENCES, Fix
from sfsync.yamlfile import YamlFile

_KEYS: Mapping[Op, tuple[str, ...]] = {
    "update": ("confidence", "set", "kinds", "when", "clear"),
    "create": ("confidence", "create", "set", "kinds", "when"),
    "convert": ("confidence", "convert", "kinds", "when"),
    "merge": ("confidence", "merge", "kinds", "when"),
}
_FORMS = (
    "{confidence: assisted, set: {Field: column}}; or in place of `set` {create: sObject, set: {Field: column}}, "
    "{convert: {account: column, contact: column}}, {merge: column}"
)
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
Where = tuple[str | int, ...]


def read_fixes(file: YamlFile, column: Callable[..., None]) -> tuple[Fix, ...]:
    """The fixes of the file; column: called with each column they name, complains where the SELECT has none such."""
    value = file.data.get("fix") or []
    if not isinstance(value, list):
        found = [_fix(file, column, value, ("fix",))]
    else:
        found = [_fix(file, column, entry, ("fix", i)) for i, entry in enumerate(value)]
    return tuple(fix for fix in found if fix)


def _fix(file: YamlFile, column: Callable[..., None], entry: Any, where: Where) -> Fix | None:
    op = _op(entry)
    if op is None:
        file.problem(f"a fix is {_FORMS}.", *where)
        return None
    for key in entry:
        if key not in _KEYS[op]:
            file.problem(f'unknown key "{key}".{nearest(str(key), _KEYS[op])}', *where, str(key))
    if entry.get("confidence") not in CONFIDENCES:
        known = f"{', '.join(CONFIDENCES[:-1])} or {CONFIDENCES[-1]}"
        file.problem(f'confidence "{entry.get("confidence")}" must be {known}.', *where)
        return None
    fix = Fix(
        confidence=entry["confidence"],
        set={str(name): str(value) for name, value in entry.get("convert" if op == "convert" else "set", {}).items()},
        kinds=tuple(map(str, entry.get("kinds") or [])),
        when=entry.get("when"),
        clear=tuple(map(str, entry.get("clear") or [])),
        op=op,
        sobject=str(entry.get("create") or ""),
        merge=str(entry.get("merge") or ""),
    )
    named = [name for field in fix.set for name in _PLACEHOLDER.findall(field)]
    for name in [*named, *fix.set.values(), *fix.clear, *filter(None, [fix.when, fix.merge])]:
        column(name, *where)
    return fix


def _op(entry: Any) -> Op | None:
    """What the fix does, if it says so in the form that belongs to it."""
    if not isinstance(entry, dict):
        return None
    if "create" in entry:
        return "create" if isinstance(entry["create"], str) and _is_set(entry.get("set")) else None
    if "convert" in entry:
        fields = entry["convert"]
        return "convert" if isinstance(fields, dict) and set(fields) <= {"account", "contact"} else None
    if "merge" in entry:
        return "merge" if isinstance(entry["merge"], str) else None
    return "update" if _is_set(entry.get("set")) or ("clear" in entry and "set" not in entry) else None


def _is_set(value: Any) -> bool:
    return isinstance(value, dict)
