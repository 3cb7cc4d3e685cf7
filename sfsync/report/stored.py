"""What the checks left in sfsync.findings, sfsync.rule_runs and sfsync.runs, added up by the database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from sfsync.insight.source import BATCH
from sfsync.warehouse import Warehouse

TREND_DAYS = 30
"""At most so many checks make a trend, the last of each day."""
_PLACE = "CASE f.severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, f.sobject, f.id, f.kind"


@dataclass(frozen=True)
class RuleState:
    """What a rule came to when it was last run."""

    rule: str
    status: str
    in_scope: int
    findings: int
    reason: str
    run_id: str


@dataclass(frozen=True)
class Open:
    """Open findings of one rule, waived ones left out."""

    findings: int
    records: int
    fixes: int
    """Findings with a proposed fix."""
    by_severity: Mapping[str, int]
    by_sobject: Mapping[str, int]


@dataclass(frozen=True)
class Previous:
    """The last report before this one."""

    made_at: datetime
    checked_at: datetime
    score: int | None


class Stored:
    """Reads through one open connection."""

    def __init__(self, warehouse: Warehouse, con: sa.Connection):
        self.warehouse, self.con = warehouse, con

    @property
    def standing(self) -> str:
        """The condition that a finding f is open and nobody waived it."""
        return "f.resolved_at IS NULL AND f.waived IS NOT TRUE"

    def waived(self) -> dict[str, int]:
        """Rule → open findings that somebody decided to live with."""
        sql = "SELECT rule, count(*) FROM sfsync.findings WHERE resolved_at IS NULL AND waived GROUP BY rule"
        return {r[0]: int(r[1]) for r in self._rows(sql)}

    def _rows(self, sql: str, **values: Any) -> list[Any]:
        return list(self.con.execute(sa.text(sql), values))

    def states(self) -> dict[str, RuleState]:
        """Rule → its last run, whatever the check it was part of."""
        rows = self._rows(
            "SELECT rule, status, in_scope, findings, reason, run_id FROM (SELECT r.*, row_number() OVER "
            "(PARTITION BY rule ORDER BY run_id DESC) AS place FROM sfsync.rule_runs r) x WHERE place = 1"
        )
        return {r[0]: RuleState(r[0], r[1], int(r[2] or 0), int(r[3] or 0), r[4] or "", r[5]) for r in rows}

    def open(self) -> dict[str, Open]:
        rows = self._rows(
            "SELECT rule, severity, sobject, count(*), count(fix) FROM sfsync.findings f "
            f"WHERE {self.standing} GROUP BY rule, severity, sobject ORDER BY rule, severity, sobject"
        )
        distinct = self._rows(
            "SELECT rule, count(*) FROM (SELECT DISTINCT rule, sobject, id FROM sfsync.findings f "
            f"WHERE {self.standing}) x GROUP BY rule"
        )
        records = {r[0]: int(r[1]) for r in distinct}
        found: dict[str, Open] = {}
        for rule in records:
            own = [r for r in rows if r[0] == rule]
            found[rule] = Open(
                sum(int(r[3]) for r in own),
                records[rule],
                sum(int(r[4]) for r in own),
                _summed((r[1], r[3]) for r in own),
                _summed((r[2], r[3]) for r in own),
            )
        return found

    def first(self, rule: str, rows: int) -> list[Any]:
        """The first open findings of one rule: kind, sobject, id, severity, message, first_seen, fixable."""
        return self._rows(
            "SELECT kind, sobject, id, severity, message, first_seen, fix IS NOT NULL AS fixable "
            f"FROM sfsync.findings f WHERE {self.standing} AND rule = :rule ORDER BY {_PLACE} LIMIT :rows",
            rule=rule,
            rows=rows,
        )

    def every(self, rule: str) -> Iterator[Any]:
        """All open findings of one rule in the same order, few in memory at a time: severity, kind, sobject, id,
        message, first_seen (seconds since 1970: an aware moment a row costs more than all the rest), fix."""
        found = self.con.execute(
            sa.text(
                "SELECT severity, kind, sobject, id, message, "
                "CAST(FLOOR(EXTRACT(EPOCH FROM first_seen)) AS BIGINT) AS first_seen, fix FROM sfsync.findings f "
                f"WHERE {self.standing} AND rule = :rule ORDER BY {_PLACE}"
            ),
            {"rule": rule},
            execution_options={"stream_results": True},
        )
        for some in found.partitions(BATCH):
            yield from some

    def changes(self, since: datetime) -> list[Any]:
        """(rule, severity, open at that moment, new since, resolved since, open now): the first, plus and minus, is
        the last. What came and went in between is in none of them."""
        return self._rows(
            "SELECT rule, severity, sum(old), sum(added), sum(gone), sum(old) + sum(added) - sum(gone) FROM ("
            "SELECT rule, severity, CASE WHEN first_seen <= :since AND (resolved_at IS NULL OR resolved_at > :since) "
            "THEN 1 ELSE 0 END AS old, CASE WHEN first_seen > :since AND resolved_at IS NULL THEN 1 ELSE 0 END AS "
            "added, CASE WHEN first_seen <= :since AND resolved_at > :since THEN 1 ELSE 0 END AS gone "
            "FROM sfsync.findings) x GROUP BY rule, severity ORDER BY rule, severity",
            since=since,
        )

    def checks(self) -> dict[str, datetime]:
        """run_id → moment of the checks that make a trend, oldest first."""
        started = {r[0]: _utc(r[1]) for r in self._rows("SELECT run_id, started_at FROM sfsync.runs")}
        last: dict[str, str] = {}
        for (run_id,) in self._rows("SELECT DISTINCT run_id FROM sfsync.rule_runs ORDER BY run_id"):
            moment = started.get(run_id) or _moment_of(run_id)
            if moment is not None:
                started[run_id] = moment
                last[moment.date().isoformat()] = run_id
        return {run_id: started[run_id] for run_id in list(last.values())[-TREND_DAYS:]}

    def history(self, checks: Sequence[str]) -> dict[str, dict[str, RuleState]]:
        """run_id → rule → what it came to."""
        found: dict[str, dict[str, RuleState]] = {run_id: {} for run_id in checks}
        if not checks:
            return found
        sql = sa.text(
            "SELECT run_id, rule, status, in_scope, findings FROM sfsync.rule_runs WHERE run_id IN :checks"
        ).bindparams(sa.bindparam("checks", expanding=True))
        for r in self.con.execute(sql, {"checks": list(checks)}):
            found[r[0]][r[1]] = RuleState(r[1], r[2], int(r[3] or 0), int(r[4] or 0), "", r[0])
        return found

    def moment(self, run_id: str) -> datetime | None:
        """When a run began, UTC."""
        rows = self._rows("SELECT started_at FROM sfsync.runs WHERE run_id = :run_id", run_id=run_id)
        return _utc(rows[0][0]) if rows else _moment_of(run_id)

    def last_run(self, command: str) -> tuple[datetime, int | None, dict[str, Any]] | None:
        """(started, exit code, summary) of the last finished run of a command."""
        rows = self._rows(
            "SELECT started_at, exit_code, summary FROM sfsync.runs WHERE command = :command "
            "AND finished_at IS NOT NULL ORDER BY run_id DESC LIMIT 1",
            command=command,
        )
        if not rows:
            return None
        return _utc(rows[0][0]), rows[0][1], _parsed(rows[0][2])

    def scores(self) -> list[tuple[datetime, int]]:
        """(moment, score) of earlier reports, oldest first; the last hundred."""
        rows = self._rows(
            "SELECT started_at, summary FROM sfsync.runs WHERE command = 'report' AND finished_at IS NOT NULL "
            "ORDER BY run_id DESC LIMIT 100"
        )
        kept = ((_utc(started), _parsed(summary).get("score")) for started, summary in reversed(rows))
        return [(moment, found) for moment, found in kept if isinstance(found, int)]

    def previous_report(self) -> Previous | None:
        """The last finished report that said when its findings were checked."""
        rows = self._rows(
            "SELECT started_at, summary FROM sfsync.runs WHERE command = 'report' AND finished_at IS NOT NULL "
            "ORDER BY run_id DESC LIMIT 10"
        )
        for started, summary in rows:
            kept = _parsed(summary)
            if kept.get("checked_at"):
                return Previous(_utc(started), datetime.fromisoformat(kept["checked_at"]), kept.get("score"))
        return None


def _summed(pairs: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, count in pairs:
        found[name] = found.get(name, 0) + int(count)
    return found


def _parsed(summary: str | None) -> dict[str, Any]:
    try:
        found = json.loads(summary or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment_of(run_id: str) -> datetime | None:
    """Runs are named by their moment; other names tell none."""
    try:
        return datetime.strptime(run_id[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
