"""sfsync.findings: one row per identity (rule, kind, sobject, id), open until a check no longer finds it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import sqlalchemy as sa

from sfsync.errors import InputError, nearest
from sfsync.rules.evaluate import Evaluation
from sfsync.rules.waivers import mark
from sfsync.warehouse import tables

_KEY = ("rule", "kind", "sobject", "id")
_SAME = " AND ".join(f"{{0}}.{column} = {{1}}.{column}" for column in _KEY)
_SEEN, _LOOKED = "sfsync_seen", "sfsync_looked"
BATCH = 300_000
"""Findings kept at a time."""


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
    con: sa.Connection,
    stage: str,
    evaluations: Sequence[Evaluation],
    off: Sequence[str],
    *,
    run_id: str,
    now: datetime,
    today: date,
) -> int:
    """Write what the stage holds in the caller's transaction; returns how many findings of before were resolved.

    stage: the table of rules/stage.py. today: in the org's time zone; the day waivers are held against.

    A finding keeps its first_seen while it stands; one that comes back after it was resolved begins anew. Findings of
    what was not evaluated stay as they are: not seen is not the same as mended.
    """
    resolved = _resolve(con, [], off, now)
    for some in _batches(evaluations):
        resolved += _renew(con, stage, some, run_id, now)
    mark(con, today)
    runs = [
        {
            "run_id": run_id,
            "rule": e.rule.code,
            "status": e.status,
            "in_scope": e.in_scope,
            "findings": e.findings,
            "reason": e.reason or None,
        }
        for e in evaluations
    ]
    if runs:
        con.execute(sa.insert(tables.rule_runs), runs)
    return resolved


def _batches(evaluations: Sequence[Evaluation]) -> Iterator[list[Evaluation]]:
    """Few findings at a time: joining those of before with those of now takes memory, beyond what a database counts."""
    some: list[Evaluation] = []
    for e in evaluations:
        if some and sum(x.findings for x in some) + e.findings > BATCH:
            yield some
            some = []
        some.append(e)
    if some:
        yield some


def _renew(con: sa.Connection, stage: str, some: Sequence[Evaluation], run_id: str, now: datetime) -> int:
    """Put the staged findings of some rules in the place of those of before; returns how many were resolved."""
    codes: sa.BindParameter[Any] = sa.bindparam("rules", [e.rule.code for e in some], expanding=True)
    con.exec_driver_sql(f"DROP TABLE IF EXISTS {_SEEN}")
    con.execute(
        sa.text(
            f"CREATE TEMP TABLE {_SEEN} AS SELECT {', '.join('f.' + c for c in _KEY)}, "
            "CASE WHEN f.resolved_at IS NULL THEN f.first_seen END AS since "
            f"FROM sfsync.findings f JOIN {stage} s ON {_SAME.format('s', 'f')} WHERE f.rule IN :rules"
        ).bindparams(codes)
    )
    con.exec_driver_sql(
        f"DELETE FROM sfsync.findings AS f WHERE EXISTS (SELECT 1 FROM {_SEEN} s WHERE {_SAME.format('s', 'f')})"
    )
    resolved = _resolve(con, some, [], now)
    names = [c.name for c in tables.findings.columns]
    given = {"first_seen": "coalesce(o.since, :now)", "last_seen": ":now", "resolved_at": "NULL", "run_id": ":run"}
    values = [f"{given.get(n, 'FALSE' if n == 'waived' else 's.' + n)}" for n in names]
    con.execute(
        sa.text(
            f"INSERT INTO sfsync.findings ({', '.join(names)}) SELECT {', '.join(values)} "
            f"FROM {stage} s LEFT JOIN {_SEEN} o ON {_SAME.format('s', 'o')} WHERE s.rule IN :rules"
        ).bindparams(sa.bindparam("now", type_=sa.DateTime(timezone=True)), codes),
        {"now": now, "run": run_id},
    )
    con.exec_driver_sql(f"DROP TABLE {_SEEN}")
    return resolved


def _resolve(con: sa.Connection, evaluations: Sequence[Evaluation], off: Sequence[str], now: datetime) -> int:
    """Close the open findings of what was looked at in full (or switched off); what was found again is out."""
    looked: list[dict[str, Any]] = [{"rule": code, "sobject": None} for code in off]
    looked += [{"rule": e.rule.code, "sobject": None} for e in evaluations if e.covered is None]
    looked += [{"rule": e.rule.code, "sobject": s} for e in evaluations for s in sorted(e.covered or ())]
    if not looked:
        return 0
    con.exec_driver_sql(f"DROP TABLE IF EXISTS {_LOOKED}")
    con.exec_driver_sql(f"CREATE TEMP TABLE {_LOOKED} (rule TEXT, sobject TEXT)")
    con.execute(sa.insert(sa.table(_LOOKED, sa.column("rule"), sa.column("sobject"))), looked)
    gone = (
        "f.resolved_at IS NULL AND EXISTS "
        f"(SELECT 1 FROM {_LOOKED} l WHERE l.rule = f.rule AND (l.sobject IS NULL OR l.sobject = f.sobject))"
    )
    count = int(con.exec_driver_sql(f"SELECT count(*) FROM sfsync.findings AS f WHERE {gone}").scalar_one())
    if count:
        con.execute(sa.text(f"UPDATE sfsync.findings AS f SET resolved_at = :now WHERE {gone}"), {"now": now})
    con.exec_driver_sql(f"DROP TABLE {_LOOKED}")
    return count
