"""Functions of SOQL: aggregates and the date functions."""

from __future__ import annotations

from sfsync.practice.schema import NUMBER_TYPES
from sfsync.practice.soql import nodes
from sfsync.practice.soql.faults import Source
from sfsync.practice.soql.scope import Binder, Operand, Scope

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
_DATE_PARTS = {
    "CALENDAR_MONTH": "month({0})",
    "CALENDAR_QUARTER": "quarter({0})",
    "CALENDAR_YEAR": "year({0})",
    "DAY_IN_MONTH": "day({0})",
    "DAY_IN_WEEK": "dayofweek({0}) + 1",
    "DAY_IN_YEAR": "dayofyear({0})",
    "HOUR_IN_DAY": "hour({0})",
    "WEEK_IN_MONTH": "(day({0}) - 1) // 7 + 1",
    "WEEK_IN_YEAR": "(dayofyear({0}) - 1) // 7 + 1",
}
_FISCAL = frozenset({"FISCAL_MONTH", "FISCAL_QUARTER", "FISCAL_YEAR"})
DATE_FUNCTIONS = frozenset(_DATE_PARTS) | _FISCAL | {"DAY_ONLY"}


def is_aggregate(expression: object) -> bool:
    return isinstance(expression, nodes.Call) and expression.name.upper() in AGGREGATES


class Functions:
    """Evaluates the calls of one query."""

    def __init__(self, scope: Scope, binder: Binder):
        self.scope = scope
        self.binder = binder
        self._zone: str | None = None

    def operand(self, expression: nodes.Expression) -> Operand:
        """A field, a date function of one, or an aggregate. Raises ApiError for any other function."""
        if isinstance(expression, nodes.Path):
            return self.scope.resolve(expression)
        name = expression.name.upper()
        if name in AGGREGATES:
            return self._aggregate(name, expression)
        if name in DATE_FUNCTIONS:
            return self._date_function(name, expression)
        raise self.source.malformed(expression.pos, f"The function {expression.name}() is not supported here.")

    @property
    def source(self) -> Source:
        return self.scope.source

    def _argument(self, call: nodes.Call) -> nodes.Expression:
        if len(call.arguments) != 1 or isinstance(call.arguments[0], nodes.Literal):
            raise self.source.malformed(call.pos, f"{call.name}() takes one field")
        return call.arguments[0]

    def _aggregate(self, name: str, call: nodes.Call) -> Operand:
        argument = self._argument(call)
        if not isinstance(argument, nodes.Path):
            raise self.source.malformed(argument.pos, f"{call.name}() takes a field, not a function")
        field = self.scope.resolve(argument)
        if not _aggregatable(name, field):
            raise self.source.malformed(call.pos, f"field {field.name} does not support aggregate operator {name}")
        sql, kind = _aggregate_sql(name, field)
        return Operand(sql, kind, f"{name}({field.name})", call.pos, aggregate=True)

    def _date_function(self, name: str, call: nodes.Call) -> Operand:
        argument = self._argument(call)
        zoned = isinstance(argument, nodes.Call) and argument.name.upper() == "CONVERTTIMEZONE"
        inner = self._argument(argument) if zoned and isinstance(argument, nodes.Call) else argument
        if not isinstance(inner, nodes.Path):
            raise self.source.malformed(inner.pos, f"{call.name}() takes a date or dateTime field")
        field = self.scope.resolve(inner)
        needs_time = zoned or name in ("HOUR_IN_DAY", "DAY_ONLY")
        if field.type != "datetime" and (needs_time or field.type != "date"):
            raise self.source.malformed(call.pos, f"{call.name}() cannot be applied to field '{field.name}'")
        moment = self._in_user_zone(field.sql) if zoned else field.sql
        label = f"{name}({field.name})"
        if name == "DAY_ONLY":
            return Operand(f"CAST({moment} AS DATE)", "date", label, call.pos)
        sql = self._fiscal(name, moment) if name in _FISCAL else _DATE_PARTS[name].format(moment)
        return Operand(f"({sql})", "int", label, call.pos)

    def _in_user_zone(self, sql: str) -> str:
        self._zone = self._zone or self.binder.bind(self.scope.options.timezone)
        return f"({sql} AT TIME ZONE 'UTC' AT TIME ZONE {self._zone})"

    def _fiscal(self, name: str, moment: str) -> str:
        options = self.scope.options
        first = options.fiscal_start_month
        if name == "FISCAL_YEAR":
            later = int(first > 1 and not options.fiscal_year_by_start)
            return f"year({moment} - INTERVAL {first - 1} MONTH) + {later}"
        month = f"(month({moment}) - {first} + 12) % 12"
        return f"{month} + 1" if name == "FISCAL_MONTH" else f"({month}) // 3 + 1"


def _aggregatable(name: str, field: Operand) -> bool:
    if field.type in ("address", "location", "multipicklist") or field.long_text:
        return False
    if name in ("SUM", "AVG"):
        return field.type in NUMBER_TYPES
    return field.type != "boolean" or name.startswith("COUNT")


def _aggregate_sql(name: str, field: Operand) -> tuple[str, str]:
    if name == "COUNT":
        return f"count({field.sql})", "int"
    if name == "COUNT_DISTINCT":
        return f"count(DISTINCT {field.folded()})", "int"
    if name == "AVG":
        return f"avg({field.sql})", "double"
    if name == "SUM":
        whole = field.type in ("int", "long")
        return (f"CAST(sum({field.sql}) AS BIGINT)" if whole else f"sum({field.sql})"), field.type
    if field.folded() != field.sql:
        return f"arg_{name.lower()}({field.sql}, {field.folded()})", field.type
    return f"{name.lower()}({field.sql})", field.type
