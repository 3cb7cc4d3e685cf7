"""A parsed query → one DuckDB statement, with everything checked that Salesforce checks."""

from __future__ import annotations

from sfsync.practice.schema import Child, Schema, SObject
from sfsync.practice.soql import nodes
from sfsync.practice.soql.conditions import Conditions
from sfsync.practice.soql.faults import Source
from sfsync.practice.soql.functions import Functions, is_aggregate
from sfsync.practice.soql.grouping import Grouping
from sfsync.practice.soql.limits import check_bulk, check_query, whole
from sfsync.practice.soql.model import ChildQuery, Compiled, Options
from sfsync.practice.soql.ordering import order_key
from sfsync.practice.soql.parse import parse
from sfsync.practice.soql.scope import Binder, Operand, Scope, find_sobject, no_such_relationship, quoted
from sfsync.practice.soql.selection import Selection, filterable, select_fields

_MOST_SEMI_JOINS = 2
_MOST_CHILD_QUERIES = 20
_SELECT_ORDER_SINCE = 50.0
"""API version since which the columns of a Bulk result stand in the order of the select list."""


def compile_query(soql: str, schema: Schema, options: Options) -> Compiled:
    """See `sfsync.practice.soql.compile_soql`."""
    query = parse(soql)
    source = Source(soql)
    sobject = find_sobject(schema, source, query.sobject)
    if options.bulk:
        check_bulk(source, query, sobject)
    check_query(source, query)
    return _Statement(schema, source, options, query, sobject).compiled()


class _Statement:
    """One SELECT with its own parameters: the query itself, or a parent-to-child subquery."""

    def __init__(
        self,
        schema: Schema,
        source: Source,
        options: Options,
        query: nodes.Query,
        sobject: SObject,
        child: Child | None = None,
    ):
        self.schema = schema
        self.source = source
        self.options = options
        self.query = query
        self.child = child
        self.binder = Binder()
        self.scope = Scope(schema, source, options, sobject, query, "t")
        self.functions = Functions(self.scope, self.binder)
        self._semi_joins = 0
        self.parent_index = self.parent_param = -1

    def compiled(self) -> Compiled:
        query = self.query
        if not query.group and _is_count(query):
            return self._count()
        if query.group or any(is_aggregate(_bare(item)) for item in query.items):
            if self.child is not None:
                raise self.source.malformed(query.sobject.pos, "only root queries support aggregate expressions")
            return self._aggregate()
        return self._rows()

    # -- the three kinds ---------------------------------------------------------------------------------------

    def _count(self) -> Compiled:
        query = self.query
        if self.child is not None or query.order:
            raise self.source.malformed(query.sobject.pos, "COUNT() cannot be used in a subquery or with ORDER BY")
        where = self._where()
        page = self._page()
        sql = f'SELECT count(*) AS "#count" FROM (SELECT 1 {self.scope.from_clause()}{where}{page})'
        return Compiled(self.scope.sobject.name, sql, self.binder.values, (), "count")

    def _aggregate(self) -> Compiled:
        grouping = Grouping(self.query, self.functions, self.binder)
        where = self._where()
        having = ""
        if self.query.having:
            conditions = Conditions(self.functions, self.binder, grouping.operand)
            having = f" HAVING {conditions.sql(self.query.having)}"
        group, order, page = grouping.group_clause(), grouping.order_clause(), self._page()
        columns = tuple(c for c, _ in grouping.selected)
        shown = ", ".join(f"{sql} AS {quoted(c.label)}" for c, sql in grouping.selected)
        sql = f"SELECT {shown} {self.scope.from_clause()}{where}{group}{having}{order}{page}"
        return Compiled(self.scope.sobject.name, sql, self.binder.values, columns, "aggregate")

    def _rows(self) -> Compiled:
        query = self.query
        if query.having:
            raise self.source.malformed(query.sobject.pos, "having clause requires group by clause")
        selection = Selection(self.scope)
        children = self._select(selection)
        if self.options.bulk and self.options.version < _SELECT_ORDER_SINCE:
            selection.sort_by_label()
        identity = None if self.options.bulk else selection.hide("#Id", self.scope.base.column("Id"))
        parents = () if self.options.bulk else selection.parents()
        columns, typeofs = selection.columns(), selection.typeofs()
        if self.child is not None:
            sql = self._child_sql(selection, self.child)
        else:
            where, order, page = self._where(), self._order(), self._page()
            sql = f"SELECT {selection.sql()} {self.scope.from_clause()}{where}{order}{page}"
        name, params = self.scope.sobject.name, self.binder.values
        return Compiled(name, sql, params, columns, "rows", identity, parents, tuple(children), typeofs)

    # -- select list -------------------------------------------------------------------------------------------

    def _select(self, selection: Selection) -> list[ChildQuery]:
        children: list[ChildQuery] = []
        for item in self.query.items:
            if isinstance(item, nodes.Query):
                children.append(self._child(item, selection.count))
            elif isinstance(item, nodes.TypeOfItem):
                selection.add_type_of(item)
            elif isinstance(item, nodes.Aliased):
                raise self.source.malformed(item.pos, "only aggregate expressions use field aliasing")
            elif isinstance(item, nodes.Call):
                select_fields(selection, item, self.query)
            else:
                selection.add(item)
        if len(children) > _MOST_CHILD_QUERIES:
            raise self.source.malformed(0, f"Maximum number of parent-to-child subqueries is {_MOST_CHILD_QUERIES}")
        labels = [child.label for child in children]
        if repeated := next((label for label in labels if labels.count(label) > 1), None):
            raise self.source.malformed(0, f"duplicate subquery relationship: {repeated}")
        return children

    def _child(self, query: nodes.Query, position: int) -> ChildQuery:
        if self.child is not None:
            raise self.source.malformed(
                query.sobject.pos, "Nested parent-to-child subqueries are limited to one level here"
            )
        name = query.sobject.parts[-1]
        child = self.schema.child(self.scope.sobject.name, name)
        sobject = self.schema.get(child.sobject) if child else None
        lookup = sobject.field(child.field) if sobject and child else None
        if child is None or sobject is None or lookup is None:
            reason = no_such_relationship(name, "FROM part of query call")
            raise self.source.error(query.sobject.pos, "INVALID_TYPE", reason)
        check_query(self.source, query)
        statement = _Statement(self.schema, self.source, self.options, query, sobject, child)
        compiled = statement.compiled()
        return ChildQuery(
            child.relationship or name, position, compiled, statement.parent_index, statement.parent_param
        )

    def _child_sql(self, selection: Selection, child: Child) -> str:
        """Rows of many parents at once: LIMIT and OFFSET count within each parent."""
        key = self.scope.base.column(child.field)
        self.parent_index = selection.hide("#Parent", key)
        parents = self.binder.bind([])
        self.parent_param = len(self.binder.values) - 1
        belongs = f"{key} IN (SELECT unnest({parents}::VARCHAR[]))"
        where = self._where(belongs)
        rank = f"row_number() OVER (PARTITION BY {key}{self._order()})"
        page = []
        offset = whole(self.source, self.query.offset) or 0
        limit = whole(self.source, self.query.limit)
        if offset:
            page.append(f"{rank} > {offset}")
        if limit is not None:
            page.append(f"{rank} <= {offset + limit}")
        qualify = f" QUALIFY {' AND '.join(page)}" if page else ""
        return f"SELECT {selection.sql()} {self.scope.from_clause()}{where}{qualify} ORDER BY {key}, {rank}"

    # -- clauses -----------------------------------------------------------------------------------------------

    def _where(self, *more: str) -> str:
        parts = list(more)
        if visible := self.scope.visible():
            parts.append(visible)
        if self.query.where is not None:
            conditions = Conditions(self.functions, self.binder, self._filtered, self._semi_join)
            parts.append(conditions.sql(self.query.where))
        return f" WHERE {' AND '.join(parts)}" if parts else ""

    def _filtered(self, expression: nodes.Expression) -> Operand:
        if is_aggregate(expression):
            raise self.source.malformed(expression.pos, "aggregate functions are not allowed in a WHERE clause")
        return filterable(self.source, self.functions.operand(expression))

    def _order(self) -> str:
        keys = []
        for order in self.query.order:
            if is_aggregate(order.expression):
                raise self.source.malformed(order.expression.pos, "aggregate functions need a GROUP BY clause")
            keys.append(order_key(self.source, self.binder, self.functions.operand(order.expression), order))
        if not self.options.bulk:
            keys.append(self.scope.base.column("Id"))
        return f" ORDER BY {', '.join(keys)}" if keys else ""

    def _page(self) -> str:
        limit, offset = whole(self.source, self.query.limit), whole(self.source, self.query.offset)
        return ("" if limit is None else f" LIMIT {limit}") + (f" OFFSET {offset}" if offset else "")

    # -- semi-joins --------------------------------------------------------------------------------------------

    def _semi_join(self, node: nodes.SemiJoin, left: Operand) -> str:
        """`Id IN (SELECT ConvertedAccountId FROM Lead WHERE ...)`."""
        self._semi_joins += 1
        if self._semi_joins > _MOST_SEMI_JOINS:
            raise self.source.error(
                node.pos,
                "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS",
                f"Maximum {_MOST_SEMI_JOINS} semi join sub-selects are allowed in a query",
            )
        query = node.query
        sobject = find_sobject(self.schema, self.source, query.sobject)
        check_query(self.source, query)
        self._check_semi_join(query)
        scope = Scope(self.schema, self.source, self.options, sobject, query, f"s{self._semi_joins}_")
        functions = Functions(scope, self.binder)
        item = query.items[0]
        assert isinstance(item, nodes.Path)
        inner = scope.resolve(item)
        self._check_keys(left, inner, item, sobject)
        parts = [f"{inner.sql} IS NOT NULL"]
        if visible := scope.visible():
            parts.append(visible)
        if query.where is not None:
            operand = lambda e: filterable(self.source, functions.operand(e))  # noqa: E731
            parts.append(Conditions(functions, self.binder, operand).sql(query.where))
        sql = f"{left.sql} IN (SELECT {inner.sql} {scope.from_clause()} WHERE {' AND '.join(parts)})"
        return f"(({sql}) IS NOT TRUE)" if node.negated else sql

    def _check_semi_join(self, query: nodes.Query) -> None:
        pos = query.sobject.pos
        if query.order or query.limit or query.offset or query.group or query.having:
            raise self.source.malformed(pos, "Semi join sub-selects cannot use ORDER BY, LIMIT, OFFSET or GROUP BY")
        if len(query.items) != 1 or not isinstance(query.items[0], nodes.Path):
            raise self.source.malformed(pos, "Semi join sub-selects must select exactly one field")

    def _check_keys(self, left: Operand, inner: Operand, item: nodes.Path, sobject: SObject) -> None:
        if not left.is_id or left.field is None:
            reason = (
                "The left operand field in the where expression for outer query should be an id field, cannot use: "
                f"'{left.name}'"
            )
            raise self.source.malformed(left.pos, reason)
        if not inner.is_id or inner.field is None:
            reason = f"The inner select field '{item.text}' should be an id field"
            raise self.source.malformed(item.pos, reason)
        if len(inner.path) > 2:
            reason = f"The inner select field '{item.text}' cannot have more than one level of relationships"
            raise self.source.malformed(item.pos, reason)
        if sobject.name == self.scope.sobject.name:
            raise self.source.malformed(item.pos, "The inner and outer selects should not be on the same object type")
        if not _points_to(left) & _points_to(inner):
            reason = (
                f"The selected field '{item.text}' in the subquery and the left operand field in the where expression "
                f"in the outer query '{left.name}' should point to the same object type"
            )
            raise self.source.malformed(item.pos, reason)


def _points_to(operand: Operand) -> set[str]:
    """The sObjects an Id or lookup can mean."""
    assert operand.field is not None
    assert operand.join is not None
    if operand.type == "reference":
        return set(operand.field.refers)
    return {t.name for t in operand.join.targets} or {operand.join.sobject.name}


def _bare(item: object) -> object:
    return item.expression if isinstance(item, nodes.Aliased) else item


def _is_count(query: nodes.Query) -> bool:
    """`SELECT COUNT() FROM ...`, alone."""
    item = query.items[0]
    return (
        len(query.items) == 1 and isinstance(item, nodes.Call) and item.name.upper() == "COUNT" and not item.arguments
    )
