"""One rule on one warehouse: its findings, none, or why it could not be evaluated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import sqlalchemy as sa
from sqlglot import exp

from sfsync.rules.alike import keep_alike, numbered
from sfsync.rules.catalog import Catalog
from sfsync.rules.fieldtypes import FEATURES
from sfsync.rules.rule import Part, Rule
from sfsync.rules.settings import ActiveRule
from sfsync.rules.sql import Clock, SqlProblem, Statement, Table, branches_of, count_of, parse, render, rows_of
from sfsync.rules.stage import Stage, Staged

RuleStatus = Literal["ok", "findings", "not_evaluated"]
_FOUND, _ALIKE = "sfsync_found", "sfsync_alike"


@dataclass(frozen=True)
class Evaluation:
    """What one rule came to."""

    rule: Rule
    status: RuleStatus
    findings: int = 0
    """In the stage; one for each identity."""
    records: int = 0
    """Flagged."""
    in_scope: int = 0
    """Records looked at."""
    reason: str = ""
    """Why the rule, or a part of it, was not evaluated; also what it had to do without."""
    failed: bool = False
    """Its SQL raised an error: the rule is wrong, not the data."""
    covered: frozenset[str] | None = None
    """The sObjects whose findings are complete; None: all of the rule's."""


def evaluate(catalog: Catalog, stage: Stage, active: ActiveRule, clock: Clock) -> Evaluation:
    """Run the rule's SELECTs and stage what they find. Never raises for what a rule's SQL or a missing table causes.

    Of a rule that failed, some may be in the stage. The fiscal calendar of the clock is that of the org, where the
    warehouse keeps Organization.
    """
    return _Evaluator(catalog, stage, active, clock).run()


def ids_in_scope(catalog: Catalog, stage: Stage, active: ActiveRule, clock: Clock) -> frozenset[str]:
    """The records an evaluation counts in `in_scope`: for small worlds. Raises what the rule's SQL causes."""
    return _Evaluator(catalog, stage, active, clock).ids()


class _Evaluator:
    def __init__(self, catalog: Catalog, stage: Stage, active: ActiveRule, clock: Clock):
        month, by_start = catalog.fiscal()
        self.catalog = catalog
        self.stage = stage
        self.active = active
        self.rule = active.rule
        self.clock = replace(clock, fiscal_month=month, fiscal_by_start=by_start)
        self.notes: list[str] = []
        self.needs = self.rule.columns(self.rule.needs, active.params)
        self.optional = self.rule.columns(self.rule.optional, active.params)
        self._parsed: dict[str, Statement] = {}

    def run(self, *, relieved: bool = False) -> Evaluation:
        ready = [part for part in self.rule.parts if self._ready(part)]
        if not ready:
            return self._not_evaluated()
        try:
            if (reason := self._guarded()) is not None:
                self.notes = [reason]
                return self._not_evaluated()
            left_out = self._kinds_left_out()
            staged = self._stage(ready, left_out)
            in_scope = sum(self._in_scope(part) for part in ready)
        except (sa.exc.SQLAlchemyError, SqlProblem) as err:
            if not relieved and self.stage.draft.lacked_memory(err):
                self.stage.forget([self.rule.code])
                with self.stage.draft.relief():
                    return self.run(relieved=True)
            self.notes = [f"{self.rule.path.name}: its SQL failed: {_without_values(err)}"]
            return self._not_evaluated(failed=True)
        whole = len(ready) == len(self.rule.parts)
        passed: RuleStatus = "ok" if whole or self._rest_not_kept(ready) else "not_evaluated"
        covered = None if whole else frozenset(part.sobject for part in ready)
        status: RuleStatus = "findings" if staged.findings else passed
        return Evaluation(self.rule, status, staged.findings, staged.records, in_scope, self._reason(), covered=covered)

    def ids(self) -> frozenset[str]:
        scopes = [self._render(part.scope) for part in self.rule.parts if self._ready(part)]
        rows = [self.catalog.con.exec_driver_sql(s, execution_options={"no_parameters": True}) for s in scopes]
        return frozenset(str(record) for found in rows for record in found.scalars())

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

    def _stage(self, parts: Sequence[Part], left_out: set[str]) -> Staged:
        each = [self._findings(part, left_out) for part in parts]
        if len(parts) > 1 and any(self._names_sobjects(part) for part in parts):
            with self.stage.draft.attempt():
                return self.stage.settle(self.rule.code)
        return Staged(sum(s.findings for s in each), sum(s.records for s in each))

    def _names_sobjects(self, part: Part) -> bool:
        columns = self._statement(part.sql).columns
        return columns is None or "sobject" in {name.lower() for name in columns}

    def _findings(self, part: Part, left_out: set[str]) -> Staged:
        draft, similar, sql = self.stage.draft, self.rule.similar, self._render(part.sql)
        with draft.attempt():
            draft.fill(_FOUND, numbered(sql) if similar else sql)
            if not similar:
                return self.stage.add(self.active, part, _FOUND, left_out)
        keep_alike(draft, similar, self.active.params, _FOUND, _ALIKE)
        with draft.attempt():
            return self.stage.add(self.active, part, _ALIKE, left_out)

    # -- SQL

    def _statement(self, text: str) -> Statement:
        if text not in self._parsed:
            self._parsed[text] = parse(text, self.rule.params, self.rule.views)
        return self._parsed[text]

    def _render(self, text: str) -> str:
        statement = self._statement(text)
        views: list[tuple[str, exp.Query]] = []
        for name, query in statement.views:
            written = self.catalog.generated(name) or query
            stored = self.rule.views[name].stored
            views.append((name, written if stored is None else self._stored(name, written, views, stored)))
        columns = {key: (*self.needs.get(key, ()), *self.optional.get(key, ())) for key in statement.tables}
        return self._written(replace(statement, views=tuple(views)), columns)

    def _stored(
        self, name: str, query: exp.Query, above: Sequence[tuple[str, exp.Query]], columns: Mapping[str, Sequence[str]]
    ) -> exp.Query:
        """The view as a table, made once for all rules that would write it alike."""
        view = self.rule.views[name]
        read = {inner for inner, _ in view.views}
        views = tuple(pair for pair in above if pair[0] in read)
        selects = [self._written(replace(view, tree=tree, views=views), columns) for tree in branches_of(query)]
        return rows_of(self.catalog.stored(name, selects, self.stage.draft))

    def _written(self, statement: Statement, columns: Mapping[str, Sequence[str]]) -> str:
        tables = {key: self._table(key, columns.get(key, ())) for key in statement.tables}
        return render(statement, self.catalog.warehouse.dialect, self.clock, self.active.params, tables)

    def _table(self, key: str, columns: Sequence[str]) -> Table:
        columns = tuple(dict.fromkeys(columns))
        if self.catalog.gone(key):
            return Table(columns, there=False)
        return Table(columns, self.catalog.missing(key, columns))

    def _scalar(self, sql: str) -> Any:
        with self.stage.draft.attempt():
            return self.catalog.con.exec_driver_sql(sql, execution_options={"no_parameters": True}).scalar()


def _without_values(err: Exception) -> str:
    """The first line of a database's complaint, without the values it quotes: they may be personal."""
    text = str(getattr(err, "orig", None) or err).strip().splitlines()[0]
    return re.sub(r"'[^']*'", "'…'", text)
