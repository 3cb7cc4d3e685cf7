"""sfsync.findings: one row per identity (rule, kind, sobject, id), open until a check no longer finds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sfsync.errors import InputError, nearest
from sfsync.rules.evaluate import Evaluation
from sfsync.rules.fixes import fix_text
from sfsync.rules.waivers import mark
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


def moment_since(con: sa.Connection, since: str | date, time_zone: str) -> datetime:
    """The first moment at which a finding counts as seen since a day, a moment or a run; aware, UTC.

    since: a day (`2026-01-31`, from its start in that time zone), an aware moment, or the run_id of any run: what was
    first seen after it began. Raises InputError for anything else, with the nearest run.
    """
    text = since if isinstance(since, str) else since.isoformat()
    try:
        moment = since if isinstance(since, datetime) else datetime.fromisoformat(text.strip())
    except ValueError:
        return _run_started(con, text.strip()) + timedelta(microseconds=1)
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    return moment.replace(tzinfo=_zone(time_zone)).astimezone(UTC)


def _run_started(con: sa.Connection, run_id: str) -> datetime:
    r = tables.runs.c
    rows = con.execute(sa.select(r.run_id, r.started_at).order_by(r.run_id))
    runs: dict[str, datetime] = {row.run_id: row.started_at for row in rows}
    if run_id not in runs:
        raise InputError(
            f'"{run_id}" is neither a day, as 2026-01-31, nor a run.{nearest(run_id, list(runs))} '
            "`sfsync status` lists the last runs."
        )
    return runs[run_id].astimezone(UTC)


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def record(
    warehouse: Warehouse,
    con: sa.Connection,
    evaluations: Sequence[Evaluation],
    off: Sequence[str],
    checked: Iterable[CheckedFinding],
    *,
    run_id: str,
    now: datetime,
    today: date,
) -> int:
    """Write what was found in the caller's transaction; returns how many findings of before were resolved.

    today: in the org's time zone; the day waivers are held against.

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
    mark(con, today)
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


def _row(checked: CheckedFinding, run_id: str, now: datetime) -> tuple[str | datetime | bool | None, ...]:
    f = checked.finding
    values: dict[str, str | datetime | bool | None] = {
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
        "waived": checked.waived,
    }
    return tuple(values[column] for column in _COLUMNS)
