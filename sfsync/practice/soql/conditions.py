"""WHERE and HAVING: conditions as SQL.

SOQL knows two truth values where SQL knows three: `Name != 'x'` is true for an empty Name, and NOT of anything that
is not true is true. So `!=` becomes IS DISTINCT FROM, and NOT becomes IS NOT TRUE; elsewhere NULL counts as false.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sfsync.practice.errors import ApiError
from sfsync.practice.ids import normal
from sfsync.practice.schema import NUMBER_TYPES
from sfsync.practice.soql import nodes
from sfsync.practice.soql.faults import Source
from sfsync.practice.soql.functions import Functions
from sfsync.practice.soql.literals import (
    BadLiteral,
    date_range,
    parse_date,
    parse_datetime,
    parse_time,
    to_utc,
    unquote,
    unquote_pattern,
)
from sfsync.practice.soql.scope import Binder, Operand, malformed_id

_DEEPEST = 200
_MOST_DIGITS, _MOST_DECIMALS = 18, 15
_DISTINCT = {"=": "=", "!=": "IS DISTINCT FROM", "<>": "IS DISTINCT FROM"}
SemiJoins = Callable[[nodes.SemiJoin, Operand], str]


class Conditions:
    """Turns the conditions of one WHERE or HAVING into SQL."""

    def __init__(
        self,
        functions: Functions,
        binder: Binder,
        operand: Callable[[nodes.Expression], Operand],
        semi_join: SemiJoins | None = None,
    ):
        """operand: how a left side is understood. semi_join: how `IN (SELECT ...)` is; None where it is not allowed."""
        self.source: Source = functions.source
        self.options = functions.scope.options
        self.binder = binder
        self._operand = operand
        self._semi_join = semi_join

    def sql(self, condition: nodes.Condition, depth: int = 0, plain: bool = True) -> str:
        """plain: not inside an OR or a NOT, where semi-joins are refused. Raises ApiError."""
        if depth > _DEEPEST:
            raise ApiError(
                400,
                "QUERY_TOO_COMPLICATED",
                "Query is either selecting too many fields or the filter conditions are too complicated.",
            )
        if isinstance(condition, nodes.Junction):
            plain = plain and condition.operator == "AND"
            parts = [self.sql(part, depth + 1, plain) for part in condition.operands]
            return "(" + f" {condition.operator} ".join(parts) + ")"
        if isinstance(condition, nodes.Not):
            return f"(({self.sql(condition.operand, depth + 1, False)}) IS NOT TRUE)"
        left = self._operand(condition.left)
        if isinstance(condition, nodes.SemiJoin):
            return self._in_query(condition, left, plain)
        if isinstance(condition, nodes.Among):
            return self._among(condition, left)
        return self._compare(left, condition.operator, condition.right)

    # -- one value ---------------------------------------------------------------------------------------------

    def _compare(self, left: Operand, operator: str, right: nodes.Literal) -> str:
        if operator == "LIKE":
            return self._like(left, right)
        if left.type == "boolean":
            return self._boolean(left, operator, right)
        if left.type == "multipicklist" and operator not in _DISTINCT:
            raise self._bad_operator(left)
        if self._is_null(right) or (right.text == "''" and (left.is_text or left.type == "multipicklist")):
            if operator not in _DISTINCT:
                raise self._bad_operator(left)
            return f"{left.sql} IS {'' if operator == '=' else 'NOT '}NULL"
        if left.type in ("date", "datetime") and (days := self._days(right)):
            return self._within(left, operator, *days)
        value = self.binder.bind(self._value(left, right))
        if left.type == "multipicklist":
            return (
                f"list_sort({_choices(left.folded())}) {_DISTINCT[operator]} list_sort({_choices(left.folded(value))})"
            )
        return f"{left.folded()} {_DISTINCT.get(operator, operator)} {left.folded(value)}"

    def _like(self, left: Operand, right: nodes.Literal) -> str:
        if not left.is_text:
            raise self._bad_operator(left)
        if right.kind != "string":
            raise self._mistyped(left)
        pattern = self.binder.bind(self._literal(unquote_pattern, right))
        return f"{left.folded()} LIKE {left.folded(pattern)} ESCAPE '\\'"

    def _boolean(self, left: Operand, operator: str, right: nodes.Literal) -> str:
        """A checkbox is never null: what is missing is false."""
        if operator not in _DISTINCT:
            raise self._bad_operator(left)
        word = right.text.lower() if right.kind == "word" else ""
        if word not in ("true", "false", "null"):
            raise self._mistyped(left)
        wanted = (word == "true") == (operator == "=")
        return f"{'' if wanted else 'NOT '}coalesce({left.sql}, false)"

    def _days(self, right: nodes.Literal) -> tuple[date, date] | None:
        if right.kind not in ("word", "relative"):
            return None
        days: tuple[date, date] | None = self._literal(lambda text: date_range(text, self.options), right)
        return days

    def _within(self, left: Operand, operator: str, first: date, last: date) -> str:
        """Compare with a span of days [first, last)."""

        def edge(day: date) -> str:
            return self.binder.bind(day if left.type == "date" else to_utc(day, self.options.timezone))

        if operator in ("<", ">="):
            return f"{left.sql} {operator} {edge(first)}"
        if operator in ("<=", ">"):
            return f"{left.sql} {'<' if operator == '<=' else '>='} {edge(last)}"
        inside = f"({left.sql} >= {edge(first)} AND {left.sql} < {edge(last)})"
        return inside if operator == "=" else f"({inside} IS NOT TRUE)"

    # -- several values ----------------------------------------------------------------------------------------

    def _among(self, condition: nodes.Among, left: Operand) -> str:
        if condition.operator in ("INCLUDES", "EXCLUDES"):
            return self._includes(left, condition)
        if left.type == "multipicklist":
            raise self._bad_operator(left)
        sql = self._in_values(left, condition.values)
        return sql if condition.operator == "IN" else f"({sql} IS NOT TRUE)"

    def _in_values(self, left: Operand, values: tuple[nodes.Literal, ...]) -> str:
        """One list for plain values; null, date literals and booleans each a condition of their own."""
        plain, single = [], []
        for value in values:
            special = self._is_null(value) or left.type == "boolean" or value.text == "''"
            spans = left.type in ("date", "datetime") and value.kind in ("word", "relative")
            if special or spans:
                single.append(self._compare(left, "=", value))
            else:
                plain.append(self._value(left, value))
        if plain:
            listed = f"unnest({self.binder.bind(plain)}::{_list_type(left)}[])"
            single.append(f"{left.folded()} IN (SELECT {left.folded(listed)})")
        return "(" + " OR ".join(single) + ")"

    def _includes(self, left: Operand, condition: nodes.Among) -> str:
        """`includes ('A;B', 'C')`: both A and B, or C."""
        if left.type != "multipicklist":
            raise self._bad_operator(left)
        parts = [self._includes_one(left, value) for value in condition.values]
        sql = "(" + " OR ".join(parts) + ")"
        return sql if condition.operator == "INCLUDES" else f"({sql} IS NOT TRUE)"

    def _includes_one(self, left: Operand, value: nodes.Literal) -> str:
        if self._is_null(value) or value.text == "''":
            return f"{left.sql} IS NULL"
        bound = self.binder.bind(self._value(left, value))
        return f"list_has_all({_choices(left.folded())}, {_choices(left.folded(bound))})"

    def _in_query(self, condition: nodes.SemiJoin, left: Operand, plain: bool) -> str:
        if self._semi_join is None:
            raise self.source.malformed(condition.pos, "Nesting of semi join sub-selects is not supported")
        if not plain:
            raise self.source.malformed(condition.pos, "Semi join sub-selects are not allowed with the 'OR' operator")
        return self._semi_join(condition, left)

    # -- values ------------------------------------------------------------------------------------------------

    def _is_null(self, literal: nodes.Literal) -> bool:
        return literal.kind == "word" and literal.text.lower() == "null"

    def _value(self, left: Operand, literal: nodes.Literal) -> Any:
        """The Python value to bind. Raises ApiError when the literal does not fit the field's type."""
        known_word = literal.kind == "word" and literal.text.lower() in ("true", "false", "null")
        if literal.kind in ("word", "relative") and not known_word and not self._days(literal):
            raise self.source.malformed(literal.pos, f"unexpected token: '{literal.text}'")
        if left.is_text or left.type == "multipicklist" or left.is_id:
            return self._text(left, literal)
        if left.type in NUMBER_TYPES:
            return self._number(left, literal)
        if left.type == "datetime" and literal.kind == "datetime":
            self._check_zone(literal)
            return self._literal(parse_datetime, literal)
        if left.type == "date" and literal.kind == "date":
            return self._literal(parse_date, literal)
        if left.type == "time" and literal.kind == "time":
            return self._literal(parse_time, literal)
        raise self._mistyped(left)

    def _text(self, left: Operand, literal: nodes.Literal) -> str:
        if literal.kind != "string":
            raise self._mistyped(left)
        text: str = self._literal(unquote, literal)
        if not left.is_id:
            return text
        record_id = normal(text)
        if record_id is None:
            raise malformed_id(self.source, left.pos, text)
        return record_id

    def _number(self, left: Operand, literal: nodes.Literal) -> int | Decimal:
        try:
            number = Decimal(literal.text) if literal.kind == "number" else None
        except InvalidOperation:
            number = None
        if number is None:
            raise self._mistyped(left)
        number = number.normalize()
        exponent = int(number.as_tuple().exponent)
        if number.adjusted() >= _MOST_DIGITS or -exponent > _MOST_DECIMALS:
            raise self.source.error(
                left.pos,
                "NUMBER_OUTSIDE_VALID_RANGE",
                f"value outside of valid range on field '{left.name}': {literal.text}",
            )
        if exponent >= 0:
            return int(number)
        if left.type in ("int", "long"):
            raise self._mistyped(left)
        return number

    def _check_zone(self, literal: nodes.Literal) -> None:
        """A moment without its zone ends too early: the lexer of Salesforce stumbles over what comes next."""
        if literal.text[-1] not in "zZ" and literal.text[-6] not in "+-":
            end = literal.pos + len(literal.text)
            char = self.source.text[end] if end < len(self.source.text) else "<EOF>"
            where = self.source.line_and_column(end)
            raise self.source.malformed(end, f"{where} no viable alternative at character '{char}'")

    def _literal(self, parse: Callable[[str], Any], literal: nodes.Literal) -> Any:
        try:
            return parse(literal.text)
        except BadLiteral as err:
            raise self.source.malformed(literal.pos, str(err)) from err

    def _mistyped(self, left: Operand) -> ApiError:
        texty = left.is_text or left.is_id or left.type == "multipicklist"
        kind = "string" if texty else {"datetime": "dateTime"}.get(left.type, left.type)
        quotes = "should be enclosed in quotes" if texty else "should not be enclosed in quotes"
        return self.source.invalid_field(
            left.pos, f"value of filter criterion for field '{left.name}' must be of type {kind} and {quotes}"
        )

    def _bad_operator(self, left: Operand) -> ApiError:
        kind = {"datetime": "dateTime"}.get(left.type, left.type)
        return self.source.error(left.pos, "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {kind} field")


def _choices(sql: str) -> str:
    return f"string_split({sql}, ';')"


def _list_type(left: Operand) -> str:
    if left.type in NUMBER_TYPES:
        return "DECIMAL(38,15)"
    return {"date": "DATE", "datetime": "TIMESTAMP", "time": "TIME"}.get(left.type, "VARCHAR")
