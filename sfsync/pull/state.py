"""What earlier pulls left in the warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import sqlalchemy as sa

from sfsync.errors import WrongOrg
from sfsync.mapping import ObjectMapping
from sfsync.pull.window import Cursor
from sfsync.warehouse import Warehouse, tables


@dataclass
class State:
    """As of before this pull."""

    meta: dict[str, str] = field(default_factory=dict)
    cursors: dict[str, Cursor] = field(default_factory=dict)
    known: dict[str, dict[str, str]] = field(default_factory=dict)
    """sObject → field → column type, vanished fields left out."""
    last_snapshot: date | None = None

    def due(self, mapping: ObjectMapping, until: datetime) -> bool:
        cursor = self.cursors.get(mapping.sobject)
        return cursor is None or until - cursor.until >= mapping.every


def read_state(warehouse: Warehouse) -> State:
    """Empty before the first pull."""
    state = State()
    if not warehouse.exists:
        return state
    with warehouse.read() as con:
        state.meta = warehouse.meta(con)
        for row in con.execute(sa.select(tables.cursors)):
            gone = _latest(row.deletions_at, row.reconciled_at)
            state.cursors[row.sobject] = Cursor(row.until, row.watermark, row.start, row.rows, row.formulas_at, gone)
        f = tables.fields.c
        for sobject, name, kind in con.execute(sa.select(f.sobject, f.field, f.sql_type).where(f.gone_at.is_(None))):
            state.known.setdefault(sobject, {})[name] = kind
        state.last_snapshot = con.execute(sa.select(sa.func.max(tables.opportunity_snapshot.c.day))).scalar()
    return state


def _latest(*moments: datetime | None) -> datetime | None:
    return max((m for m in moments if m is not None), default=None)


def check_org(state: State, org_id: str, instance_url: str) -> None:
    """Raises WrongOrg."""
    if state.meta.get("org_id") not in (None, org_id):
        raise WrongOrg(
            f"the warehouse mirrors org {state.meta['org_id']} ({state.meta.get('instance_url')}), but the config logs "
            f"in to org {org_id} ({instance_url}). Name another file in `warehouse:`, or correct `org:`."
        )


def write_meta(con: sa.Connection, found: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """found: what is there already; only what differs is written."""
    changed = {k: v for k, v in wanted.items() if found.get(k) != v}
    if changed:
        con.execute(sa.delete(tables.meta).where(tables.meta.c.key.in_(list(changed))))
        con.execute(sa.insert(tables.meta), [{"key": k, "value": v} for k, v in changed.items()])
