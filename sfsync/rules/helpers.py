"""The helpers of a rule's SQL, written out in words every warehouse knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlglot
from sqlglot import exp

from sfsync.errors import SfsyncError
from sfsync.normalise.fold import BLANK_CHARACTERS
from sfsync.rules.fieldtypes import sql_type
from sfsync.rules.localday import local_day
from sfsync.rules.rule import Param

HELPERS = {
    "blank": 1,
    "as_of": 0,
    "now_utc": 0,
    "local_date": 1,
    "local_hour": 1,
    "days_between": 2,
    "hours_between": 2,
    "greatest2": 2,
    "same_org_domain": 2,
    "fiscal_year": 1,
    "fiscal_quarter": 1,
    "field": 2,
    "cfg": 1,
}
"""Name → number of arguments."""


class SqlProblem(SfsyncError):
    """Why a statement cannot be a rule's. The message has no file name; who reads the file adds it."""

    exit_code = 2


@dataclass(frozen=True)
class Clock:
    """The one clock of a run, and the calendar of the org."""

    as_of: date
    now: datetime
    """Aware."""
    time_zone: str = "UTC"
    """The org's, as IANA names it."""
    fiscal_month: int = 1
    """The month the fiscal year begins with, 1 to 12."""
    fiscal_by_start: bool = False
    """A fiscal year has the name of the calendar year it begins in, not of the one it ends in."""


def expand_calls(tree: exp.Query, clock: Clock, values: Mapping[str, Param], dialect: str) -> None:
    """Write out every helper in the tree, in place. dialect: "duckdb" or "postgresql"."""
    for call in reversed(list(tree.find_all(exp.Anonymous))):
        name = call.name.lower()
        if name == "cfg":
            _expand_cfg(call, values[call.expressions[0].name])
        elif name == "field":
            call.replace(_field(call.expressions[0], call.expressions[1].name, values))
        elif name == "local_date" and dialect == "duckdb" and isinstance(call.expressions[0], exp.Column):
            day = local_day(call.expressions[0].sql(dialect=dialect), clock.time_zone, clock.now.year)
            call.replace(exp.paren(exp.Var(this=day)))
        elif name in _EXPANSIONS:
            call.replace(_EXPANSIONS[name](clock, *call.expressions))


def literal(value: Any) -> exp.Expression:
    if value is None:
        return exp.null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, (int, float)):
        return exp.Literal.number(value)
    return _text(str(value))


def replace_table(table: exp.Table, rows: exp.Select) -> None:
    """Put the rows of a SELECT in place of a table, under the table's alias or name."""
    alias = table.alias or table.name or "listed"
    table.replace(exp.Subquery(this=rows, alias=exp.TableAlias(this=exp.to_identifier(alias))))


def empty_column(name: str) -> exp.Alias:
    """A typed null under the column's name."""
    return exp.Alias(this=exp.cast(exp.null(), sql_type(name), dialect="postgres"), alias=exp.to_identifier(name))


def _template(text: str) -> Callable[..., exp.Expression]:
    """An expression with :a and :b standing for the arguments, :month and :by_start for the fiscal calendar."""

    def expand(clock: Clock, *arguments: exp.Expression) -> exp.Expression:
        tree = exp.paren(sqlglot.parse_one(text, read="postgres"))
        given: dict[str, exp.Expression] = dict(zip("ab", arguments, strict=False))
        given["month"] = literal(clock.fiscal_month)
        given["later"] = literal(0 if clock.fiscal_by_start or clock.fiscal_month == 1 else 1)
        for slot in list(tree.find_all(exp.Placeholder)):
            slot.replace(exp.paren(given[slot.name].copy()))
        return tree

    return expand


def _blank(_: Clock, text: exp.Expression) -> exp.Expression:
    trimmed = exp.Trim(this=text.copy(), expression=exp.Literal.string(BLANK_CHARACTERS))
    bare = exp.EQ(this=exp.Coalesce(this=trimmed, expressions=[_text("")]), expression=_text(""))
    # trimming by a long list of characters is slow, and hardly any text needs it
    first = exp.Anonymous(this="ascii", expressions=[text.copy()])
    visible = exp.Between(this=first, low=exp.Literal.number(33), high=exp.Literal.number(126))
    return exp.paren(exp.case().when(visible, exp.false()).else_(bare))


def _as_of(clock: Clock) -> exp.Expression:
    return exp.cast(_text(clock.as_of.isoformat()), "date")


def _now(clock: Clock) -> exp.Expression:
    return exp.cast(_text(clock.now.astimezone(UTC).isoformat(sep=" ")), "timestamptz")


def _local_date(clock: Clock, moment: exp.Expression) -> exp.Expression:
    local = exp.AtTimeZone(this=exp.paren(moment.copy()), zone=_text(clock.time_zone))
    return exp.cast(local, "date")


def _local_hour(clock: Clock, moment: exp.Expression) -> exp.Expression:
    local = exp.paren(exp.AtTimeZone(this=exp.paren(moment.copy()), zone=_text(clock.time_zone)))
    tree = sqlglot.parse_one(_HOUR, read="postgres")
    for slot in list(tree.find_all(exp.Placeholder)):
        slot.replace(local.copy())
    return exp.paren(tree)


_HOUR = "EXTRACT(HOUR FROM :t) + EXTRACT(MINUTE FROM :t) / 60.0 + EXTRACT(SECOND FROM :t) / 3600.0"
_MONTH = "CAST(EXTRACT(MONTH FROM CAST(:a AS date)) AS integer)"
_EXPANSIONS: dict[str, Callable[..., exp.Expression]] = {
    "blank": _blank,
    "as_of": _as_of,
    "now_utc": _now,
    "local_date": _local_date,
    "local_hour": _local_hour,
    "days_between": _template("CAST(:b AS date) - CAST(:a AS date)"),
    "hours_between": _template("(EXTRACT(EPOCH FROM :b) - EXTRACT(EPOCH FROM :a)) / 3600.0"),
    "greatest2": _template("CASE WHEN :a IS NULL THEN :b WHEN :b IS NULL THEN :a WHEN :a >= :b THEN :a ELSE :b END"),
    "same_org_domain": _template(
        "COALESCE((:a = :b OR :a LIKE '%.' || :b OR :b LIKE '%.' || :a) AND :a LIKE '%.%' AND :b LIKE '%.%', FALSE)"
    ),
    "fiscal_year": _template(
        f"CAST(EXTRACT(YEAR FROM CAST(:a AS date)) AS integer) + :later - CASE WHEN {_MONTH} < :month THEN 1 ELSE 0 END"
    ),
    "fiscal_quarter": _template(f"CAST(FLOOR((({_MONTH} + 12 - :month) % 12) / 3.0) AS integer) + 1"),
}


def _field(alias: exp.Expression, param: str, values: Mapping[str, Param]) -> exp.Expression:
    """The column whose name a parameter holds; an empty text when it holds none."""
    name = values[param]
    if name is None:
        return exp.paren(exp.cast(exp.null(), "text"))
    if not re.fullmatch(r"[A-Za-z]\w*", str(name)):
        raise SqlProblem(f'{param}: "{name}" is not the name of a field.')
    return exp.column(str(name), table=alias.name)


def _expand_cfg(call: exp.Anonymous, value: Param) -> None:
    parent = call.parent
    if isinstance(parent, exp.Table):
        replace_table(parent, _list(value))
    elif parent is not None:  # IN, as checked when parsing
        chosen = exp.select("value").from_(exp.alias_(exp.Subquery(this=_list(value)), "listed", table=True))
        parent.set("expressions", None)
        parent.set("query", exp.Subquery(this=chosen))


def _list(value: Param) -> exp.Select:
    """SELECT key, value of a list (key is null) or mapping parameter."""
    pairs: list[tuple[str | None, str]]
    if isinstance(value, Mapping):
        pairs = list(value.items())
    else:
        pairs = [(None, item) for item in value] if isinstance(value, (list, tuple)) else []
    rows = [
        exp.select(exp.alias_(exp.cast(literal(k), "text"), "key"), exp.alias_(exp.cast(literal(v), "text"), "value"))
        for k, v in pairs
    ]
    if not rows:
        return exp.select(empty_column("key"), empty_column("value")).where("1 = 0")
    combined: Any = rows[0]
    for row in rows[1:]:
        combined = exp.union(combined, row, distinct=False)
    return exp.select("key", "value").from_(exp.alias_(exp.Subquery(this=combined), "rows", table=True))


def _text(value: str) -> exp.Expression:
    return exp.Literal.string(value)
