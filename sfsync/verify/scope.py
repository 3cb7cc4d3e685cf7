"""Which rows of an sObject are compared: those that nobody touched in the org since the mirror was brought up.

The mirror is true as of its cursor. An org cannot be asked how it was then, but it can be asked which rows carry a
stamp from before the cursor: these are untouched since, so the mirror must hold them exactly so. The rows stamped
since are fetched by Id and left out on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sfsync.mapping import ObjectMapping
from sfsync.pull.window import MARKS
from sfsync.salesforce.soql import literal
from sfsync.warehouse import Warehouse, tables


@dataclass(frozen=True)
class Scope:
    """One sObject of the mirror, and how its rows are told apart."""

    mapping: ObjectMapping
    until: datetime
    """The mirror's cursor (UTC)."""
    start: datetime | None
    """Rows last changed before this were never asked for."""
    watermark: str | None
    """What pulls read increments by."""
    stamp: str | None
    """The stamp rows are told apart by; None when the object has none."""
    types: dict[str, str]
    """Field → column type, fields the org no longer shows left out."""
    tracked_deletes: bool
    """Deleting a row moves its stamp."""
    formulas_at: datetime | None
    """Formulas and unstamped fields are true as of then."""

    @property
    def sobject(self) -> str:
        return self.mapping.sobject

    @property
    def has_deleted(self) -> bool:
        return "IsDeleted" in self.types

    @property
    def has_created(self) -> bool:
        return "CreatedDate" in self.types

    def untouched(self, *conditions: str) -> list[str]:
        """SOQL conditions for the rows that nobody touched since the cursor."""
        found = [f"{self.stamp} < {literal(self.until)}"] if self.stamp else []
        if self.stamp and self.start and self.watermark:
            found.append(f"{self.stamp} >= {literal(self.start)}")
        return [*found, *conditions]

    def touched(self) -> list[str]:
        return [f"{self.stamp} >= {literal(self.until)}"] if self.stamp else []

    def alive(self, alias: str) -> str:
        """SQL: the mirror holds this row as live."""
        flag = f" AND {alias}.IsDeleted IS NOT TRUE" if self.has_deleted else ""
        return f"({alias}._deleted_reason IS NULL{flag})"


def soql(fields: str, sobject: str, conditions: Sequence[str]) -> str:
    return f"SELECT {fields} FROM {sobject}" + (f" WHERE {' AND '.join(conditions)}" if conditions else "")


def scopes(warehouse: Warehouse, mappings: Sequence[ObjectMapping]) -> tuple[list[Scope], list[ObjectMapping]]:
    """The scope of each mapping that has been pulled, and the mappings that never were."""
    f, table = tables.fields.c, tables.cursors
    with warehouse.read() as con:
        cursors = {row.sobject: row for row in con.execute(sa.select(table))}
        types: dict[str, dict[str, str]] = {}
        for row in con.execute(
            sa.select(f.sobject, f.field, f.sql_type).where(f.gone_at.is_(None)).order_by(f.ordinal)
        ):
            types.setdefault(row.sobject, {})[row.field] = row.sql_type
    found = []
    for mapping in mappings:
        cursor = cursors.get(mapping.sobject)
        if cursor is None:
            continue
        columns = types.get(mapping.sobject, {})
        stamp = cursor.watermark or next((name for name in MARKS if name in columns), None)
        tracked = stamp in ("SystemModstamp", "LastModifiedDate")
        found.append(
            Scope(
                mapping,
                cursor.until,
                cursor.start,
                cursor.watermark,
                stamp,
                columns,
                tracked,
                cursor.formulas_at,
            )
        )
    return found, [m for m in mappings if m.sobject not in cursors]
