"""One rule on one warehouse: its findings, none, or why it could not be evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Literal

import sqlalchemy as sa
from sqlglot import exp

from sfsync.errors import nearest
from sfsync.model import Change, Finding, Ref, Severity
from sfsync.normalise.columns import SOURCES
from sfsync.normalise.similar import similarity
from sfsync.normalise.table import behind
from sfsync.rules.fieldtypes import FEATURES
from sfsync.rules.fixes import propose
from sfsync.rules.generated import generate
from sfsync.rules.groups import grouped
from sfsync.rules.rule import SEVERITIES, Part, Rule, table_name
from sfsync.rules.settings import ActiveRule
from sfsync.rules.sql import Clock, SqlProblem, Statement, Table, count_of, parse, render
from sfsync.warehouse import Warehouse

RuleStatus = Literal["ok", "findings", "not_evaluated"]
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Evaluation:
    """What one rule came to."""

    rule: Rule
    status: RuleStatus
    findings: list[Finding] = field(default_factory=list)
    """Sorted by sobject, id, kind; one for each identity."""
    in_scope: int = 0
    """Records looked at."""
    reason: str = ""
    """Why the rule, or a part of it, was not evaluated; also what it had to do without."""
    failed: bool = False
    """Its SQL raised an error: the rule is wrong, not the data."""
    covered: frozenset[str] | None = None
    """The sObjects whose findings are complete; None: all of the rule's."""


class Catalog:
    """What tables and columns the warehouse has, asked once."""

    def __init__(self, warehouse: Warehouse, con: sa.Connection):
        self.warehouse = warehouse
        self.con = con
        self._columns: dict[str, dict[str, str]] = {}
        self._behind: dict[str, int] = {}
        self._fiscal: tuple[int, bool] | None = None
        self._generated: dict[str, exp.Query | None] = {}

    def columns(self, key: str) -> Mapping[str, str]:
        if key not in self._columns:
            self._columns[key] = self.warehouse.columns(self.con, table_name(key))
        return self._columns[key]

    def missing(self, key: str, columns: Sequence[str]) -> tuple[str, ...]:
        """Those of the columns the table lacks."""
        folded = {name.casefold() for name in self.columns(key)}
        return tuple(name for name in columns if name.casefold() not in folded)

    def lacks(self, key: str, columns: Sequence[str]) -> str:
        """What is missing of the table, "" when nothing is."""
        if gone := self.gone(key):
            return gone
        if missing := self.missing(key, columns):
            there = list(self.columns(key))
            return f"{key} has no {', '.join(missing)}.{nearest(missing[0], there)}".removesuffix(".")
        return ""

    def gone(self, key: str) -> str:
        """Why the table cannot be used at all, "" when it can."""
        return self._outdated(key) if self.columns(key) else f"{key} is not in the warehouse"

    def _outdated(self, key: str) -> str:
        sobject = key.removeprefix("norm_")
        if sobject == key or sobject not in SOURCES:
            return ""
        if key not in self._behind:
            self._behind[key] = behind(self.con, sobject) if self.columns(sobject) else 0
        count = self._behind[key]
        return f"{key} is behind: {count} records changed since it was computed" if count else ""

    def generated(self, view: str) -> exp.Query | None:
        """The view written out from the describe; None for every other view."""
        if view not in self._generated:
            self._generated[view] = generate(view, self)
        return self._generated[view]

    def fiscal(self) -> tuple[int, bool]:
        """The month the org's fiscal year begins with, and whether it is named by its start; January if unknown."""
        if self._fiscal is None:
            names = ("FiscalYearStartMonth", "UsesStartDateAsFiscalYearName")
            row = None
            if not self.lacks("Organization", names):
                found = self.con.exec_driver_sql(f"SELECT {', '.join(names)} FROM live.Organization ORDER BY Id")
                row = found.first()
            month, by_start = row if row is not None else (None, None)
            self._fiscal = (int(month or 1), bool(by_start))
        return self._fiscal


def evaluate(catalog: Catalog, active: ActiveRule, clock: Clock) -> Evaluation:
    """Run the rule's SELECTs; reads only. Never raises for what a rule's SQL or a missing table causes.

    The fiscal calendar of the clock is that of the org, where the warehouse keeps Organization.
    """
    month, by_start = catalog.fiscal()
    return _Evaluator(catalog, active, replace(clock, fiscal_month=month, fiscal_by_start=by_start)).run()


class _Evaluator:
    def __init__(self, catalog: Catalog, active: ActiveRule, clock: Clock):
        self.catalog = catalog
        self.active = active
        self.rule = active.rule
        self.clock = clock
        self.notes: list[str] = []
        self.needs = self.rule.columns(self.rule.needs, active.params)
        self.optional = self.rule.columns(self.rule.optional, active.params)
        self._parsed: dict[str, Statement] = {}

    def run(self) -> Evaluation:
        ready = [part for part in self.rule.parts if self._ready(part)]
        if not ready:
            return self._not_evaluated()
        try:
            if (reason := self._guarded()) is not None:
                self.notes = [reason]
                return self._not_evaluated()
            left_out = self._kinds_left_out()
            found = _by_identity(f for part in ready for f in self._findings(part) if f.kind not in left_out)
            in_scope = sum(self._in_scope(part) for part in ready)
        except (sa.exc.SQLAlchemyError, SqlProblem) as err:
            self.notes = [f"{self.rule.path.name}: its SQL failed: {_without_values(err)}"]
            return self._not_evaluated(failed=True)
        finally:
            self.catalog.con.rollback()
        whole = len(ready) == len(self.rule.parts)
        passed: RuleStatus = "ok" if whole or self._rest_not_kept(ready) else "not_evaluated"
        status: RuleStatus = "findings" if found else passed
        covered = None if whole else frozenset(part.sobject for part in ready)
        return Evaluation(self.rule, status, found, in_scope, self._reason(), covered=covered)

    def _not_evaluated(self, *, failed: bool = False) -> Evaluation:
        return Evaluation(self.rule, "not_evaluated", reason=self._reason(), failed=failed, covered=frozenset())

    def _reason(self) -> str:
        return "; ".join(dict.fromkeys(self.notes))

    def _ready(self, part: Part) -> bool:
        """Whether all the part needs is there; notes what is missing."""
        lacking = []
        for key in self._statement(part.sql).tables:
            if key in self.needs and (lack := self.catalog.lacks(key, self.needs[key])):
                lacking.append(lack)
            elif key in self.optional and (lack := self._lacks_optional(key)):
                self.notes.append(f"{lack}: evaluated without it")
        self.notes += lacking
        return not lacking

    def _lacks_optional(self, key: str) -> str:
        """What is missing and makes a difference."""
        if key in FEATURES and not self.catalog.columns(key):
            return ""
        return self.catalog.lacks(key, [name for name in self.optional[key] if name not in FEATURES])

    def _rest_not_kept(self, ready: Sequence[Part]) -> bool:
        """Whether the other parts are about objects this warehouse does not keep: a choice, not a gap."""
        return not any(self.catalog.columns(part.sobject) for part in self.rule.parts if part not in ready)

    def _guarded(self) -> str | None:
        for guard in self.rule.guards:
            if not guard.kind and self._scalar(self._render(guard.when)) is True:
                return guard.reason
        return None

    def _kinds_left_out(self) -> set[str]:
        """The kinds that cannot be told here; notes why."""
        held = [g for g in self.rule.guards if g.kind and self._scalar(self._render(g.when)) is True]
        self.notes += [f"{guard.kind} not evaluated: {guard.reason}" for guard in held]
        return {guard.kind for guard in held}

    def _in_scope(self, part: Part) -> int:
        return int(self._scalar(count_of(self._render(part.scope))))

    def _findings(self, part: Part) -> list[Finding]:
        result = self._execute(self._render(part.sql))
        names = [name.lower() for name in result.keys()]  # noqa: SIM118  a result is no mapping
        rows = [dict(zip(names, row, strict=True)) for row in result]
        return [self._finding(part, row) for row in self._alike(rows)]

    def _alike(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows whose texts are alike enough, as groups where the rule says so, and those of the other kinds."""
        similar = self.rule.similar
        if similar is None:
            return rows
        kinds = similar.kinds
        left, right = similar.left.lower(), similar.right.lower()
        least = float(str(self.active.params[similar.at_least]))
        others = [row for row in rows if kinds and str(row.get("kind") or "") not in kinds]
        pairs = [row for row in rows if not kinds or str(row.get("kind") or "") in kinds]
        pairs = [row for row in pairs if similarity(row[left], row[right]) >= least]
        return others + (grouped(pairs, similar.other.lower()) if similar.other else pairs)

    def _finding(self, part: Part, row: Mapping[str, Any]) -> Finding:
        if not row["id"]:
            raise SqlProblem("a row without Id was returned.")
        kind = str(row.get("kind") or "")
        ref = Ref(str(row.get("sobject") or part.sobject), str(row["id"]))
        text = self.rule.message.get(kind, self.rule.message.get("", self.rule.title))
        message = _PLACEHOLDER.sub(lambda m: _shown(row.get(m[1].lower())), text)
        return Finding(self.rule.code, kind, ref, self._severity(row), message, self._fix(kind, ref, row))

    def _fix(self, kind: str, ref: Ref, row: Mapping[str, Any]) -> Change | None:
        return propose(self.rule, kind, ref, row, self.active.params)

    def _severity(self, row: Mapping[str, Any]) -> Severity:
        if self.active.severity is not None:
            return self.active.severity
        wanted = row.get("severity")
        if wanted is not None and wanted not in SEVERITIES:
            raise SqlProblem(f'severity "{wanted}" must be error, warning or info.')
        return next((severity for severity in SEVERITIES if severity == wanted), self.rule.severity)

    # -- SQL

    def _statement(self, text: str) -> Statement:
        if text not in self._parsed:
            self._parsed[text] = parse(text, self.rule.params, self.rule.views)
        return self._parsed[text]

    def _render(self, text: str) -> str:
        statement = self._statement(text)
        views = tuple((name, self.catalog.generated(name) or query) for name, query in statement.views)
        statement = replace(statement, views=views)
        tables = {key: self._table(key) for key in statement.tables}
        return render(statement, self.catalog.warehouse.dialect, self.clock, self.active.params, tables)

    def _table(self, key: str) -> Table:
        columns = tuple(dict.fromkeys([*self.needs.get(key, ()), *self.optional.get(key, ())]))
        if self.catalog.gone(key):
            return Table(columns, there=False)
        return Table(columns, self.catalog.missing(key, columns))

    def _execute(self, sql: str) -> sa.CursorResult[Any]:
        return self.catalog.con.execution_options(no_parameters=True).exec_driver_sql(sql)

    def _scalar(self, sql: str) -> Any:
        return self._execute(sql).scalar()


def _by_identity(findings: Iterable[Finding]) -> list[Finding]:
    """Sorted, one for each identity: of two, the one whose message sorts first."""
    ordered = sorted(findings, key=lambda f: (f.ref, f.kind, f.message))
    return [next(same) for _, same in groupby(ordered, key=lambda f: (f.ref, f.kind))]


def _shown(value: Any) -> str:
    return "(empty)" if value is None else str(value)


def _without_values(err: Exception) -> str:
    """The first line of a database's complaint, without the values it quotes: they may be personal."""
    text = str(getattr(err, "orig", None) or err).strip().splitlines()[0]
    return re.sub(r"'[^']*'", "'…'", text)
