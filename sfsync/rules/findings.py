"""sfsync.findings: one row per identity (rule, kind, sobject, id), open until a check no longer finds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sfsync.rules.evaluate import Evaluation
from sfsync.rules.fixes import fix_text
from sfsync.warehouse import Warehouse, tables

if TYPE_CHECKING:
    from sfsync.rules.run import CheckedFinding

Identity = tuple[str, str, str, str]
_COLUMNS = [column.name for column in tables.findings.columns]
_STAGE = "sfsync.findings_stage"
_SAME = " AND ".join(f"s.{column} = f.{column}" for column in ("rule", "kind", "sobject", "id"))


def open_since(con: sa.Connection, codes: Sequence[str]) -> dict[Identity, datetime]:
    """(rule, kind, sobject, id) → first_seen in UTC of the findings that stand."""
    f = tables.findings.c
    rows = con.execute(
        sa.select(f.rule, f.kind, f.sobject, f.id, f.first_seen).where(f.resolved_at.is_(None), f.rule.in_(codes))
    )
    return {(rule, kind, sobject, id): seen.astimezone(UTC) for rule, kind, sobject, id, seen in rows}


def record(
    warehouse: Warehouse,
    con: sa.Connection,
    evaluations: Sequence[Evaluation],
    off: Sequence[str],
    checked: Iterable[CheckedFinding],
    *,
    run_id: str,
    now: datetime,
) -> int:
    """Write what was found in the caller's transaction; returns how many findings of before were resolved.

    A finding keeps its first_seen while it stands; one that comes back after it was resolved begins anew. Findings of
    what was not evaluated stay as they are: not seen is not the same as mended.
    """
    con.exec_driver_sql(f"DROP TABLE IF EXISTS {_STAGE}")
    con.exec_driver_sql(f"CREATE TABLE {_STAGE} AS SELECT * FROM sfsync.findings WHERE 1 = 0")
    warehouse.load(con, _STAGE, _COLUMNS, (_row(c, run_id, now) for c in checked))
    resolved = _resolve(con, evaluations, off, now)
    names = ", ".join(_COLUMNS)
    con.exec_driver_sql(f"DELETE FROM sfsync.findings AS f WHERE EXISTS (SELECT 1 FROM {_STAGE} s WHERE {_SAME})")
    con.exec_driver_sql(f"INSERT INTO sfsync.findings ({names}) SELECT {names} FROM {_STAGE}")
    con.exec_driver_sql(f"DROP TABLE {_STAGE}")
    runs = [
        {
            "run_id": run_id,
            "rule": e.rule.code,
            "status": e.status,
            "in_scope": e.in_scope,
            "findings": len(e.findings),
            "reason": e.reason or None,
        }
        for e in evaluations
    ]
    if runs:
        con.execute(sa.insert(tables.rule_runs), runs)
    return resolved


def _resolve(con: sa.Connection, evaluations: Sequence[Evaluation], off: Sequence[str], now: datetime) -> int:
    """Close the open findings of what was looked at in full (or switched off) and not found again."""
    gone = f"f.resolved_at IS NULL AND NOT EXISTS (SELECT 1 FROM {_STAGE} s WHERE {_SAME})"
    whole = [*off, *(e.rule.code for e in evaluations if e.covered is None)]
    looked_at: list[dict[str, Any]] = [{"rule": code} for code in whole]
    looked_at += [{"rule": e.rule.code, "sobject": s} for e in evaluations for s in sorted(e.covered or ())]
    count = 0
    for values in looked_at:
        where = " AND ".join([*(f"f.{name} = :{name}" for name in values), gone])
        found = con.execute(sa.text(f"SELECT count(*) FROM sfsync.findings AS f WHERE {where}"), values).scalar_one()
        if found:
            count += int(found)
            update = sa.text(f"UPDATE sfsync.findings AS f SET resolved_at = :now WHERE {where}")
            con.execute(update, {**values, "now": now})
    return count


def _row(checked: CheckedFinding, run_id: str, now: datetime) -> tuple[str | datetime | None, ...]:
    f = checked.finding
    values = {
        "rule": f.rule,
        "kind": f.kind,
        "sobject": f.ref.sobject,
        "id": f.ref.id,
        "severity": f.severity,
        "message": f.message,
        "fix": fix_text(f.fix),
        "first_seen": checked.first_seen,
        "last_seen": now,
        "resolved_at": None,
        "run_id": run_id,
    }
    return tuple(values[column] for column in _COLUMNS)
