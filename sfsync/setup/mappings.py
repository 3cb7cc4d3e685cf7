"""Hold mappings against the org's describe, and against what the warehouse has seen of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfsync.errors import OrgError, WarehouseError
from sfsync.mapping import ObjectMapping, shipped_folder

if TYPE_CHECKING:
    from sfsync.salesforce.org import Org
    from sfsync.warehouse import Warehouse

Stored = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""sObject → field → its row of sfsync.fields."""


@dataclass
class MappingCheck:
    """One mapping against the org."""

    sobject: str
    path: Path
    shipped: bool
    fields: int = 0
    """Fields that will be kept."""
    problems: list[str] = field(default_factory=list)
    """With file:line: what must be corrected, or a pull refuses."""
    notes: list[str] = field(default_factory=list)
    offered: bool = True
    """False: the org has no such object for this user, and the mapping says it may be so."""
    """What differs and may be meant so."""

    def as_json(self) -> dict[str, Any]:
        return {
            "sobject": self.sobject,
            "file": str(self.path),
            "source": "shipped" if self.shipped else "user",
            "fields": self.fields,
            "problems": self.problems,
            "notes": self.notes,
            "ok": not self.problems,
        }


@dataclass
class MappingsResult:
    mappings: list[MappingCheck]

    @property
    def exit_code(self) -> int:
        return 2 if any(m.problems for m in self.mappings) else 0

    def as_json(self) -> dict[str, Any]:
        return {"mappings": [m.as_json() for m in self.mappings]}


def check_mappings(org: Org, mappings: Sequence[ObjectMapping], stored: Stored) -> MappingsResult:
    """Unknown fields (with file:line and the nearest name), fields this user cannot write, types that changed.

    One describe each. A shipped mapping must suit many orgs, so what it names in vain is a note; in a user's own file
    it is a problem. stored: see `stored_fields`; empty before the first pull.
    """
    return MappingsResult([_check(org, mapping, stored.get(mapping.sobject, {})) for mapping in mappings])


def stored_fields(warehouse: Warehouse) -> Stored:
    """sfsync.fields as the last pull left it, fields gone by then left out; empty when there is nothing to read."""
    import sqlalchemy as sa

    from sfsync.warehouse import tables

    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    try:
        if not warehouse.exists:
            return found
        with warehouse.read() as con:
            for row in con.execute(sa.select(tables.fields).where(tables.fields.c.gone_at.is_(None))).mappings():
                found.setdefault(row["sobject"], {})[row["field"]] = dict(row)
    except WarehouseError:
        return {}
    return found


def is_shipped(mapping: ObjectMapping) -> bool:
    return mapping.path.is_relative_to(shipped_folder())


def unwritable(described: Sequence[Mapping[str, Any]]) -> list[str]:
    """Fields that can be granted to users and that this one may read but never write; formulas are none."""
    return [
        f["name"]
        for f in described
        if f.get("permissionable") and not (f.get("updateable") or f.get("createable") or f.get("calculated"))
    ]


def _check(org: Org, mapping: ObjectMapping, stored: Mapping[str, Mapping[str, Any]]) -> MappingCheck:
    found = MappingCheck(mapping.sobject, mapping.path, is_shipped(mapping))
    try:
        describe = org.describe(mapping.sobject)
    except OrgError as err:
        if err.code not in ("NOT_FOUND", "INVALID_TYPE"):
            raise
        if mapping.optional:
            found.offered = False
            found.notes.append("the org does not offer it to this user; it is left out")
        else:
            found.problems.append(f"{mapping.path}:1: {err}")
        return found
    problems = mapping.problems(describe)
    if found.shipped:
        found.notes += [p.split(": ", 1)[1] for p in problems]
    else:
        found.problems += problems
    if not describe.get("queryable", True):
        found.problems.append(f"{mapping.path}:1: {mapping.sobject} cannot be queried by this user.")
    described = mapping.keep(describe)
    found.fields = len(described)
    if not found.shipped and describe.get("updateable") and (fixed := unwritable(described)):
        found.notes.append(f"this user may read but not write: {', '.join(fixed)}")
    found.notes += _drift(described, stored)
    return found


def _drift(described: Sequence[Mapping[str, Any]], stored: Mapping[str, Mapping[str, Any]]) -> list[str]:
    if not stored:
        return []
    here = {f["name"]: f for f in described}
    notes = [
        f"{name} was {_kind(stored[name])} at the last pull and is {_kind(here[name])} now"
        for name in stored
        if name in here and _kind(stored[name]) != _kind(here[name])
    ]
    if gone := [name for name in stored if name not in here]:
        notes.append(f"kept so far, but no longer shown to this user: {', '.join(gone)}; the values stay as they are")
    if new := [name for name in here if name not in stored]:
        notes.append(f"new since the last pull: {', '.join(new)}; the next one fills them for all rows")
    return notes


def _kind(field: Mapping[str, Any]) -> str:
    if field["type"] in ("currency", "double", "percent"):
        return f"{field['type']}({field.get('precision') or 0},{field.get('scale') or 0})"
    if field["type"] in ("string", "textarea"):
        return f"{field['type']}({field.get('length') or 0})"
    return str(field["type"])
