"""What a check came to. The findings stay in the warehouse; they are counted here, and read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Literal, Protocol, get_args

import sqlalchemy as sa

from sfsync.errors import InputError, WarehouseError, nearest
from sfsync.model import Finding, Severity
from sfsync.moments import iso
from sfsync.rules.evaluate import RuleStatus
from sfsync.rules.fixes import fix_json
from sfsync.rules.rule import SEVERITIES
from sfsync.rules.stage import COLUMNS, finding
from sfsync.rules.waivers import Waiver, Waivers
from sfsync.warehouse import Warehouse

FailOn = Literal["error", "warning", "info", "new-error", "new", "never"]
"""What makes a check end with 3: findings of at least that severity, or new ones. All are at least info."""
_OF_RUN = "f.run_id = :run AND f.last_seen = :now AND f.resolved_at IS NULL"
_GROUPED = "GROUP BY f.rule, f.severity, f.first_seen = f.last_seen, f.waived ORDER BY f.rule, f.severity"
ORDER = "CASE f.severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, " + ", ".join(
    f'f.{column} COLLATE "C"' for column in ("rule", "sobject", "id", "kind")
)
_BATCH = 5_000


@dataclass(frozen=True)
class CheckedFinding:
    """A finding and how long it has stood."""

    finding: Finding
    first_seen: datetime
    """UTC; of this time, when it had been resolved before."""
    new: bool
    """Not seen by the check before."""
    waiver: Waiver | None = None
    """Somebody decided that it may stay."""

    @property
    def waived(self) -> bool:
        return self.waiver is not None

    def as_json(self) -> dict[str, Any]:
        f = self.finding
        return {
            "rule": f.rule,
            "kind": f.kind,
            "sobject": f.ref.sobject,
            "id": f.ref.id,
            "severity": f.severity,
            "message": f.message,
            "first_seen": self.first_seen.isoformat().replace("+00:00", "Z"),
            "new": self.new,
            "fix": fix_json(f.fix),
            "waived": self.waived,
            "waiver": None if self.waiver is None else self.waiver.as_json(),
        }


@dataclass(frozen=True)
class Count:
    """How many findings of a rule are alike in what decides about the exit code."""

    rule: str
    severity: Severity
    new: bool
    waived: bool
    findings: int


class Findings:
    """The findings of one check, sorted by severity (errors first), rule, sobject, id, kind.

    `len` is known. Each iteration reads them anew from the warehouse, row by row, and keeps it open for reading
    meanwhile. They are there until the next check: an iteration after that ends with a WarehouseError. Those of a
    replay are read from a file of their own.
    """

    def __init__(self, stored: Found | None = None, counts: Sequence[Count] = (), since: datetime | None = None):
        self.counts = counts
        self._stored = stored
        self._since = since

    def __len__(self) -> int:
        return sum(count.findings for count in self.counts)

    def __iter__(self) -> Iterator[CheckedFinding]:
        read = 0
        for found in self._stored.findings(self._since) if self._stored and self.counts else ():
            read += 1
            yield found
        if read != len(self):
            raise WarehouseError(
                f"of the {len(self):,} findings of this check {read:,} are left: there has been another check since. "
                "Read the findings of that one."
            )

    def seen_since(self, moment: datetime) -> Findings:
        """Those first seen at or after an aware moment."""
        if self._stored is None:
            return self
        return Findings(self._stored, self._stored.counts(moment), moment)


class Found(Protocol):
    """Where the findings of one check are."""

    def counts(self, since: datetime | None = None) -> list[Count]: ...

    def findings(self, since: datetime | None = None) -> Iterator[CheckedFinding]: ...


class Stored:
    """What one check left in sfsync.findings."""

    def __init__(self, warehouse: Warehouse, run_id: str, now: datetime, waivers: Waivers):
        self.warehouse = warehouse
        self.run_id = run_id
        self.now = now
        self.waivers = waivers

    def counts(self, since: datetime | None = None, con: sa.Connection | None = None) -> list[Count]:
        """con: to read by, when a transaction is open already."""
        with nullcontext(con) if con is not None else self.warehouse.read() as reading:
            rows = reading.execute(
                *self._select("f.rule, f.severity, f.first_seen = f.last_seen, f.waived, count(*)", since, _GROUPED)
            )
            return [Count(rule, severity, new, waived, int(n)) for rule, severity, new, waived, n in rows]

    def findings(self, since: datetime | None = None) -> Iterator[CheckedFinding]:
        columns = ", ".join(f"f.{name}" for name in ("first_seen", "waived", *COLUMNS))
        with self.warehouse.read() as con:
            statement, values = self._select(columns, since, f"ORDER BY {ORDER}")
            for row in con.execute(statement, values, execution_options={"stream_results": True, "yield_per": _BATCH}):
                yield self._checked(*row)

    def _select(self, columns: str, since: datetime | None, rest: str) -> tuple[sa.TextClause, dict[str, Any]]:
        young = " AND f.first_seen >= :since" if since is not None else ""
        values = {"run": self.run_id, "now": self.now} | ({"since": since} if since is not None else {})
        return sa.text(f"SELECT {columns} FROM sfsync.findings f WHERE {_OF_RUN}{young} {rest}"), values

    def _checked(self, first_seen: datetime, waived: bool, *row: Any) -> CheckedFinding:
        found, seen = finding(*row), first_seen.astimezone(UTC)
        return CheckedFinding(found, seen, seen == self.now, self.waivers.of(found) if waived else None)


@dataclass(frozen=True)
class RuleRun:
    """What one rule came to."""

    rule: str
    status: RuleStatus
    in_scope: int
    findings: int
    reason: str
    failed: bool = False
    """Its SQL raised an error: somebody has to mend the rule."""
    waived: int = 0
    """Of `findings`."""
    records: int = 0
    """Flagged; a record may have several findings, each of its own kind."""

    @property
    def rate_percent(self) -> float | None:
        """Records flagged per hundred in scope; None when nothing was in scope or nothing was evaluated."""
        if self.status == "not_evaluated" or not self.in_scope:
            return None
        return 100 * self.records / self.in_scope

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "status": self.status,
            "in_scope": self.in_scope,
            "findings": self.findings,
            "reason": self.reason,
            "waived": self.waived,
            "records": self.records,
        }


@dataclass(frozen=True)
class CheckResult:
    """Findings sorted by severity (errors first), rule, sobject, id, kind; rules sorted by code."""

    findings: Findings = field(default_factory=Findings)
    rules: list[RuleRun] = field(default_factory=list)
    off: list[str] = field(default_factory=list)
    """Codes that were not run because the config says so."""
    resolved: int = 0
    """Findings of before that are gone."""
    fail_on: FailOn = "info"
    since: datetime | None = None
    """Only findings first seen at or after this moment are in `findings`; `rules` count all."""
    replay_of: date | None = None
    """The other day it was evaluated as of: nothing was kept. None: a check of today."""

    @property
    def failed(self) -> list[RuleRun]:
        return [run for run in self.rules if run.failed]

    @property
    def counted(self) -> list[Count]:
        """How many findings nobody waived, by rule, severity and whether they are new."""
        return [count for count in self.findings.counts if not count.waived]

    @property
    def waived(self) -> int:
        return sum(count.findings for count in self.findings.counts if count.waived)

    @property
    def exit_code(self) -> int:
        """1 when a rule's SQL failed, 3 when a finding nobody waived is one to fail on, else 0."""
        return 1 if self.failed else 3 if any(self._fails(count) for count in self.counted) else 0

    def failing_on(self, fail_on: str) -> CheckResult:
        """The same, with another exit code. Raises InputError, with the nearest, for what is not a FailOn."""
        for known in get_args(FailOn):
            if known == fail_on:
                return replace(self, fail_on=known)
        raise InputError(
            f'a check cannot fail on "{fail_on}".{nearest(fail_on, get_args(FailOn))} '
            f"It can on {', '.join(get_args(FailOn))}."
        )

    def seen_since(self, moment: datetime) -> CheckResult:
        """Only the findings first seen at or after an aware moment."""
        return replace(self, findings=self.findings.seen_since(moment), since=moment)

    def summary(self) -> dict[str, Any]:
        """`as_json` without the findings themselves, which are only counted."""
        return {
            "rules": [r.as_json() for r in self.rules],
            "resolved": self.resolved,
            "waived": self.waived,
            "fail_on": self.fail_on,
            "since": None if self.since is None else iso(self.since),
            "replay_of": None if self.replay_of is None else self.replay_of.isoformat(),
        }

    def as_json(self) -> dict[str, Any]:
        """What `check --format json` says besides the keys of every command. Holds every finding in memory."""
        return {"findings": [f.as_json() for f in self.findings], **self.summary()}

    def _fails(self, count: Count) -> bool:
        if self.fail_on in ("new", "new-error"):
            return count.new and (self.fail_on == "new" or count.severity == "error")
        if self.fail_on == "never":
            return False
        return SEVERITIES.index(count.severity) <= SEVERITIES.index(self.fail_on)
