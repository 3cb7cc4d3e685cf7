"""Rules prove themselves: each example is built as a small warehouse, and the rule must say what the example says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from sfsync.errors import WarehouseError
from sfsync.model import Change, Finding
from sfsync.normalise.columns import SOURCES
from sfsync.normalise.lists import shipped_lists
from sfsync.normalise.table import refresh_in
from sfsync.rules.catalog import Catalog
from sfsync.rules.evaluate import Evaluation, evaluate, ids_in_scope
from sfsync.rules.fieldtypes import sql_type
from sfsync.rules.rule import Example, Rule
from sfsync.rules.settings import ActiveRule
from sfsync.rules.sql import Clock
from sfsync.rules.stage import Stage
from sfsync.warehouse import Warehouse
from sfsync.warehouse.draft import Draft
from sfsync.warehouse.tables import fields

ALWAYS = ("Id", "IsDeleted", "SystemModstamp", "_deleted_reason")
_STAMP = datetime(2026, 1, 1, tzinfo=UTC)
_CLOCK = Clock(date(2026, 3, 15), datetime(2026, 3, 15, 12, tzinfo=UTC))


@dataclass(frozen=True)
class ExampleResult:
    """Whether a rule says of an example what the example says of it."""

    rule: str
    example: str
    """Group and name, as `flagged: unknown value`."""
    problem: str
    """What differs; "" when nothing does."""
    beside: tuple[Finding, ...] = ()
    """What was found on records that are not in the rule's scope, as of the org as a whole: no part of its rate."""

    @property
    def ok(self) -> bool:
        return not self.problem


def test_rules(rules: Sequence[Rule], warehouse: Warehouse | None = None) -> list[ExampleResult]:  # noqa: PT028
    """Run every example of every rule, in order, on a scratch in-memory DuckDB or on `warehouse`.

    A rule without a flagged and a passing example is reported as a problem. `warehouse` must be empty, and is left so.
    Raises WarehouseError when it mirrors an org.
    """
    scratch = warehouse or Warehouse("duckdb:///:memory:")
    try:
        return [result for rule in rules for result in test_rule(rule, scratch)]
    finally:
        if warehouse is None:
            scratch.close()


def test_rule(rule: Rule, warehouse: Warehouse) -> list[ExampleResult]:
    """The examples of one rule; see test_rules."""
    results = [
        ExampleResult(rule.code, group, f"there is no example under `{group}:`")
        for group in ("passes", "flagged")
        if not any(example.group == group for example in rule.examples)
    ]
    with warehouse.write() as con:  # what is made now is not undone with each example
        _refuse_a_mirror(con)
    for example in rule.examples:
        results.append(run_example(rule, example, warehouse))
    return results


# pytest collects by name where these are imported
test_rules.__test__ = False  # type: ignore[attr-defined]
test_rule.__test__ = False  # type: ignore[attr-defined]


def run_example(rule: Rule, example: Example, warehouse: Warehouse) -> ExampleResult:
    """Whether the rule says what the example says. The world is made and undone."""
    result = ExampleResult(rule.code, f"{example.group}: {example.name}", "")
    world = _World(rule, example)
    if world.problem:
        return replace(result, problem=world.problem)
    country = example.params.get("default_phone_country")
    lists = shipped_lists().calling_from(str(country)) if country else shipped_lists()
    with suppress(_Undo), warehouse.write() as con:
        world.build(warehouse, con)
        for sobject in world.tables:
            if sobject in SOURCES and f"norm_{sobject}" not in example.missing:
                refresh_in(con, warehouse, sobject, lists)
        stage = Stage(Draft(con))
        active = ActiveRule(rule, {**rule.params, **example.params})
        catalog = Catalog(warehouse, con)
        evaluation = evaluate(catalog, stage, active, _clock(example))
        findings = [] if evaluation.failed else stage.findings()
        scope = ids_in_scope(catalog, stage, active, _clock(example)) if findings else frozenset()
        raise _Undo
    beside = tuple(finding for finding in findings if finding.ref.id not in scope)
    return replace(result, problem=_difference(example, evaluation, findings), beside=beside)


class _Undo(Exception):
    """Ends a transaction of which nothing shall stay."""


def _clock(example: Example) -> Clock:
    given = example.clock
    return Clock(
        given.get("as_of", _CLOCK.as_of),
        given.get("now", _CLOCK.now),
        str(given.get("time_zone", _CLOCK.time_zone)),
    )


class _World:
    """The tables of one example: exactly the columns the rule declares, so that an undeclared one is found out."""

    def __init__(self, rule: Rule, example: Example):
        self.example = example
        declared: dict[str, set[str]] = {}
        params = {**rule.params, **example.params}
        given = (rule.columns(tables, params) for tables in (rule.needs, rule.optional))
        for table, columns in (pair for tables in given for pair in tables.items()):
            if table.startswith("sfsync."):
                continue
            sobject = table.removeprefix("norm_").removeprefix("salesforce.")
            declared.setdefault(sobject, set(ALWAYS)).update(
                SOURCES[sobject].fields if table.startswith("norm_") and sobject in SOURCES else columns
            )
        self.tables = {s: columns for s, columns in declared.items() if s not in example.missing}
        self.problem = self._undeclared(declared)
        for name in example.missing:
            table, _, column = name.partition(".")
            if column and table in self.tables:
                self.tables[table].discard(column)

    def _undeclared(self, declared: Mapping[str, set[str]]) -> str:
        for sobject, rows in self.example.world.items():
            if sobject not in declared:
                return f"{sobject} is in the example, but not under `needs:` or `optional:`"
            for row in rows:
                if extra := sorted(set(row) - declared[sobject]):
                    return f"{sobject}.{extra[0]} is in the example, but not under `needs:` or `optional:`"
        return ""

    def build(self, warehouse: Warehouse, con: sa.Connection) -> None:
        for sobject, columns in self.tables.items():
            names = sorted(columns)
            rows = [self._row(row, names) for row in self.example.world.get(sobject, ())]
            types = {n: sql_type(n, (row[n] for row in rows)) for n in names}
            typed = ", ".join(f"{name} {kind}" for name, kind in types.items())
            con.exec_driver_sql(f"CREATE TABLE salesforce.{sobject} ({typed})")
            con.exec_driver_sql(
                f"CREATE VIEW live.{sobject} AS SELECT * FROM salesforce.{sobject} WHERE _deleted_reason IS NULL"
            )
            if rows:
                _insert(con, f"salesforce.{sobject}", names, rows)
        for name, described in self.example.describe.items():
            con.execute(sa.insert(fields), _described(name, described))

    def _row(self, record: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
        reason = "deleted" if record.get("IsDeleted") else None
        full = {"IsDeleted": False, "SystemModstamp": _STAMP, "_deleted_reason": reason, **record}
        return {name: full.get(name) for name in names}


def _described(name: str, described: Mapping[str, Any]) -> dict[str, Any]:
    """A row of sfsync.fields."""
    sobject, _, field = name.partition(".")
    listed = {key: json.dumps(described[key]) for key in ("picklist", "reference_to") if key in described}
    kind = "reference" if "reference_to" in listed else "picklist"
    return {"sobject": sobject, "field": field, "ordinal": 0, "type": kind, "restricted": False, **described, **listed}


def _insert(con: sa.Connection, table: str, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """One statement: a world has few rows, and there are hundreds of worlds."""
    given = {f"p{i}_{j}": row[name] for i, row in enumerate(rows) for j, name in enumerate(names)}
    values = ", ".join(f"({', '.join(f':p{i}_{j}' for j in range(len(names)))})" for i in range(len(rows)))
    con.execute(sa.text(f"INSERT INTO {table} ({', '.join(names)}) VALUES {values}"), given)


def _refuse_a_mirror(con: sa.Connection) -> None:
    rows = sa.text("SELECT count(*) FROM information_schema.tables WHERE lower(table_schema) = 'salesforce'")
    if con.execute(rows).scalar_one():
        raise WarehouseError(
            "examples need an empty warehouse, and this one mirrors an org: its tables would be lost. Name another one."
        )


def _difference(example: Example, found: Evaluation, findings: Sequence[Finding]) -> str:
    if example.group == "not_evaluated":
        if found.status != "not_evaluated" or found.failed:
            return f"expected not_evaluated, got {found.status}: {found.reason or found.findings}"
        return "" if example.reason in found.reason else f"the reason is: {found.reason}"
    if found.status == "not_evaluated":
        return f"not evaluated: {found.reason}"
    wanted = {(str(e["Id"]), e.get("kind")): e for e in example.expect}
    left = list(findings)
    for (record, kind), expected in wanted.items():
        hit = next((f for f in left if f.ref.id == record and kind in (None, f.kind)), None)
        if hit is None:
            return f"{record} {kind or ''} was not flagged".replace("  ", " ")
        left.remove(hit)
        if different := _wrong(expected, hit):
            return f"{record}: {different}"
    if left:
        return f"{left[0].ref.id} {left[0].kind} was flagged and should not be"
    return ""


def _as_written(fix: Change | None) -> dict[str, Any] | None:
    """What a fix sets; of other changes what they do, as a rule file writes it."""
    if fix is None or fix.op == "update":
        return None if fix is None else dict(fix.after)
    if fix.op == "merge":
        return {"merge": sorted([fix.ref.id, *fix.losers])}
    if fix.op == "create":
        return {"create": fix.ref.sobject, "set": dict(fix.after)}
    return {"convert": dict(fix.after)}


def _wrong(expected: Mapping[str, Any], hit: Finding) -> str:
    confidence = hit.fix.confidence if hit.fix else None
    got = {
        "sobject": hit.ref.sobject,
        "severity": hit.severity,
        "message": hit.message,
        "fix": _as_written(hit.fix),
        "confidence": confidence,
    }
    for key, value in got.items():
        if key in expected and expected[key] != value:
            return f"{key} is {value!r}, expected {expected[key]!r}"
    return ""
