"""What the warehouse holds and how fresh it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sfsync.errors import WarehouseError
from sfsync.moments import iso, utc_now
from sfsync.warehouse import Warehouse, tables


def read_status(warehouse: Warehouse, now: datetime | None = None) -> dict[str, Any]:
    """Org, objects (rows, live rows, age of the mirror in seconds, late rows), open findings, clusters, last runs.

    Times are UTC. Raises WarehouseError before the first pull.
    """
    now = now or utc_now()
    with warehouse.read() as con:
        meta = warehouse.meta(con)
        if "org_id" not in meta:
            raise WarehouseError("the warehouse is empty. Run `sfsync pull` first.")
        return {
            "org": {k: meta.get(k) for k in ("org_id", "org_name", "instance_url", "is_sandbox")},
            "quota": _quota(meta),
            "objects": [_object(con, row, now) for row in _cursors(con)],
            "findings": _open_findings(con),
            "clusters": _clusters(con),
            "runs": _runs(con),
        }


def _quota(meta: dict[str, str]) -> dict[str, Any] | None:
    """The org's daily API requests as the last run that asked saw them."""
    if "api_limit" not in meta:
        return None
    return {"used": int(meta["api_used"]), "limit": int(meta["api_limit"]), "seen_at": meta["api_seen_at"]}


def _cursors(con: sa.Connection) -> list[Any]:
    return list(con.execute(sa.select(tables.cursors).order_by(tables.cursors.c.sobject)))


def _object(con: sa.Connection, row: Any, now: datetime) -> dict[str, Any]:
    live = con.exec_driver_sql(f"SELECT count(*) FROM live.{row.sobject}").scalar_one()
    return {
        "sobject": row.sobject,
        "rows": row.rows,
        "live": live,
        "until": iso(row.until),
        "age_seconds": max(int((now - row.until).total_seconds()), 0),
        "late": row.late_rows,
        "start": None if row.start is None else iso(row.start),
    }


def _open_findings(con: sa.Connection) -> dict[str, int]:
    f = tables.findings.c
    counted = con.execute(
        sa.select(f.severity, sa.func.count())
        .where(f.resolved_at.is_(None), f.waived.is_not(True))
        .group_by(f.severity)
    )
    found = {row[0]: row[1] for row in counted}
    return {severity: found.get(severity, 0) for severity in ("error", "warning", "info")}


def _clusters(con: sa.Connection) -> dict[str, int]:
    c = tables.clusters.c
    counted = con.execute(sa.select(c.decision, sa.func.count(sa.distinct(c.cluster))).group_by(c.decision))
    found = {row[0]: row[1] for row in counted}
    return {decision: found.get(decision, 0) for decision in ("merge", "review")}


def _runs(con: sa.Connection) -> list[dict[str, Any]]:
    r = tables.runs.c
    rows = con.execute(
        sa.select(r.run_id, r.command, r.started_at, r.finished_at, r.exit_code, r.api_calls)
        .order_by(r.run_id.desc())
        .limit(10)
    )
    return [
        {
            "run_id": row.run_id,
            "command": row.command,
            "started_at": iso(row.started_at),
            "seconds": None
            if row.finished_at is None
            else round((row.finished_at - row.started_at).total_seconds(), 1),
            "exit_code": row.exit_code,
            "api_calls": row.api_calls,
        }
        for row in rows
    ]
