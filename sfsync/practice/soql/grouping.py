"""The select list, GROUP BY and ORDER BY of a query that aggregates."""

from __future__ import annotations

from sfsync.practice.schema import COMPOUND_TYPES
from sfsync.practice.soql import nodes
from sfsync.practice.soql.functions import Functions, is_aggregate
from sfsync.practice.soql.model import Column
from sfsync.practice.soql.ordering import order_key
from sfsync.practice.soql.scope import Binder, Operand

_UNGROUPABLE = frozenset({"datetime", "multipicklist", "encryptedstring", "base64"}) | COMPOUND_TYPES


class Grouping:
    """Text groups without case; a group shows the first of its spellings.

    `selected` holds every column with its SQL, in the order asked for. Raises ApiError while it is made.
    """

    def __init__(self, query: nodes.Query, functions: Functions, binder: Binder):
        self.query = query
        self.functions = functions
        self.source = functions.source
        self.binder = binder
        self._grouped = {operand.sql: operand for operand in map(self._group_item, query.group)}
        if query.limit and not query.group:
            reason = "Non-grouped query that uses overall aggregate functions cannot also use LIMIT"
            raise self.source.malformed(query.limit.pos, reason)
        self.selected: list[tuple[Column, str]] = []
        for item in query.items:
            self._select(item)

    def operand(self, expression: nodes.Expression) -> Operand:
        """What HAVING may compare: an aggregate or a grouped field."""
        found = self.functions.operand(expression)
        return found if found.aggregate else self._of_group(found, "Grouped field must be")

    def group_clause(self) -> str:
        keys = [operand.folded() for operand in self._grouped.values()]
        return f" GROUP BY {', '.join(keys)}" if keys else ""

    def order_clause(self) -> str:
        """As asked; otherwise by the groups, so that the same query always gives the same order."""
        if not self.query.order:
            keys = [f"{operand.folded()} NULLS FIRST" for operand in self._grouped.values()]
        else:
            keys = [self._order_key(order) for order in self.query.order]
        return f" ORDER BY {', '.join(keys)}" if keys else ""

    def _order_key(self, order: nodes.Order) -> str:
        operand = self.functions.operand(order.expression)
        if not operand.aggregate:
            operand = self._of_group(operand, "Ordered field must be")
        return order_key(self.source, self.binder, operand, order)

    def _group_item(self, expression: nodes.Expression) -> Operand:
        if isinstance(expression, nodes.Call) and expression.name.upper() in ("ROLLUP", "CUBE"):
            raise self.source.malformed(expression.pos, f"GROUP BY {expression.name.upper()} is not supported here")
        if is_aggregate(expression):
            raise self.source.malformed(expression.pos, "Grouped field should not be aggregated")
        operand = self.functions.operand(expression)
        refused = operand.type in _UNGROUPABLE or operand.long_text
        if refused or (operand.field is not None and not operand.field.groupable):
            raise self.source.invalid_field(operand.pos, f"field '{operand.name}' can not be grouped in a query call")
        return operand

    def _of_group(self, operand: Operand, subject: str) -> Operand:
        """The grouped operand with the SQL of the group's value."""
        grouped = self._grouped.get(operand.sql)
        if grouped is None:
            raise self.source.malformed(operand.pos, f"{subject} grouped or aggregated: {operand.name}")
        folded = grouped.folded()
        sql = grouped.sql if folded == grouped.sql else f"min({grouped.sql})"
        return Operand(sql, operand.type, operand.name, operand.pos, operand.path, operand.field, operand.join)

    def _select(self, item: object) -> None:
        alias, pos = "", 0
        if isinstance(item, nodes.Aliased):
            alias, pos, item = item.alias, item.pos, item.expression
        if isinstance(item, nodes.Query):
            reason = "A query with aggregates cannot have parent-to-child subqueries"
            raise self.source.malformed(item.sobject.pos, reason)
        if isinstance(item, nodes.TypeOfItem):
            raise self.source.malformed(item.relationship.pos, "TYPEOF cannot stand in a query with aggregates")
        assert isinstance(item, nodes.Path | nodes.Call)
        operand = self.functions.operand(item)
        if not operand.aggregate:
            operand = self._of_group(operand, "Field must be")
        label = alias or self._label(item, operand)
        if any(column.label.casefold() == label.casefold() for column, _ in self.selected):
            raise self.source.malformed(pos or operand.pos, f"duplicate alias: {label}")
        field = None if operand.aggregate else operand.field
        self.selected.append((Column((label,), field, label, operand.type), operand.sql))

    def _label(self, item: nodes.Expression, operand: Operand) -> str:
        """A grouped field is called by its own name, also a parent's; the others expr0, expr1, ..."""
        if isinstance(item, nodes.Path):
            return operand.name
        taken = sum(column.field is None and column.label.startswith("expr") for column, _ in self.selected)
        return f"expr{taken}"
