"""A rule's SQL: one SELECT, checked, its views and helpers written out, in the warehouse's dialect.

Rules are written in PostgreSQL's words. Helpers, whose meaning is the same on every warehouse:
`blank(x)` null, empty or only space · `as_of()` the run's date in the org's time zone · `now_utc()` the run's moment ·
`local_date(ts)` a moment's date in the org's time zone · `local_hour(ts)` the hours since midnight there ·
`days_between(a, b)` whole days, b minus a · `hours_between(a, b)` · `greatest2(a, b)` the larger, null ignored ·
`same_org_domain(a, b)` equal, or one under the other · `fiscal_year(d)`, `fiscal_quarter(d)` in the org's calendar ·
`:name` a parameter · `cfg('name')` a list or mapping parameter, as table (key, value) or alone behind IN ·
`field(alias, 'name')` the column a parameter names, an empty text if it names none. `v_…` is a derived view (see
views.py); it becomes a common table expression.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

from sfsync.errors import nearest
from sfsync.rules.helpers import (
    HELPERS,
    Clock,
    SqlProblem,
    empty_column,
    expand_calls,
    literal,
    replace_table,
)
from sfsync.rules.rule import Param, table_key

__all__ = ["Clock", "SqlProblem", "Statement", "Table", "branches_of", "count_of", "parse", "render", "rows_of"]

SCHEMAS = ("live", "salesforce", "sfsync")
_OTHER_FUNCTIONS = frozenset({"btrim", "position", "strpos", "translate", "regexp_count", "bool_and", "bool_or"})
_CLOCKS = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.CurrentDatetime, exp.Rand)
_WRITES = (exp.DML, exp.DDL, exp.Command, exp.Into, exp.Lock, exp.Drop, exp.Alter, exp.Copy, exp.Set, exp.Pragma)


@dataclass(frozen=True)
class Statement:
    """A parsed and checked SELECT."""

    tree: exp.Query
    tables: tuple[str, ...]
    """As `needs:` names them, each once, as spelt in the SQL; those of its views, too."""
    columns: tuple[str, ...] | None
    """Names of the result's columns; None when a `*` hides them."""
    views: tuple[tuple[str, exp.Query], ...] = ()
    """The views it reads and those they read, each behind those it reads."""
    stored: Mapping[str, tuple[str, ...]] | None = None
    """Of a view that a check works out once, for all rules: what it takes from each table."""


@dataclass(frozen=True)
class Table:
    """What a statement may take from a table."""

    columns: tuple[str, ...]
    """Those the rule declares."""
    missing: tuple[str, ...] = ()
    """Those of them the warehouse lacks: they are null."""
    there: bool = True
    """False: it counts as empty."""


def parse(text: str, params: Mapping[str, Param], views: Mapping[str, Statement] | None = None) -> Statement:
    """Parse one SELECT and check that it only reads what a rule may read. Raises SqlProblem.

    views: those it may name → their own statements.
    """
    views = views or {}
    try:
        trees = [tree for tree in sqlglot.parse(text, read="postgres") if tree is not None]
    except sqlglot.errors.SqlglotError as err:
        raise SqlProblem(f"not valid SQL: {_first_error(err)}.") from err
    if len(trees) != 1 or not isinstance(trees[0], (exp.Select, exp.SetOperation)):
        raise SqlProblem("must be one single SELECT.")
    tree: exp.Query = trees[0]
    own = _cte_names(tree)
    if hidden := sorted(own & set(views)):
        raise SqlProblem(f'"{hidden[0]}" is a view: give the common table expression another name.')
    for node in tree.walk():
        _check_node(node, params, own | set(views))
    used: dict[str, exp.Query] = {}
    tables: dict[str, None] = {}
    for table in tree.find_all(exp.Table):
        if table.db:
            tables[table_key(table.db, table.name)] = None
        elif table.name in views and table.name not in used:
            view = views[table.name]
            used |= {**dict(view.views), table.name: view.tree}
            tables |= dict.fromkeys(view.tables)
    columns = None if any(isinstance(c, exp.Star) or c.is_star for c in tree.selects) else tuple(tree.named_selects)
    return Statement(tree, tuple(tables), columns, tuple(used.items()))


def render(
    statement: Statement,
    dialect: str,
    clock: Clock,
    values: Mapping[str, Param],
    tables: Mapping[str, Table] | None = None,
) -> str:
    """The statement with values, views and helpers written out, in the dialect's SQL, to run without bind parameters.

    values: one for each parameter. tables: as `needs:` names them. A view's `*` means the columns the rule declares.
    """
    tree = statement.tree.copy()
    _fill_tables(tree, tables or {}, always=False)
    _add_views(tree, statement, tables or {})
    for placeholder in list(tree.find_all(exp.Placeholder)):
        placeholder.replace(literal(values[placeholder.name]))
    expand_calls(tree, clock, values, dialect)
    return tree.sql(dialect=_dialect(dialect), copy=False)


def rows_of(table: str) -> exp.Query:
    """All rows of a table we made, in place of a view."""
    tree = exp.select("*").from_(table)
    tree.meta["generated"] = True
    return tree


def branches_of(tree: exp.Query) -> list[exp.Query]:
    """The SELECTs a generated view is made of, which at once would need a lot of memory; any other view is its own."""
    texts = tree.meta.get("branches")
    trees = [tree] if texts is None else [sqlglot.parse_one(text, read="postgres") for text in texts]
    return [tree for tree in trees if isinstance(tree, exp.Query)]


def count_of(scope_sql: str) -> str:
    return f"SELECT count(*) FROM ({scope_sql}) AS scope"


def _dialect(name: str) -> str:
    return {"postgresql": "postgres"}.get(name, name)


def _first_error(err: Exception) -> str:
    details = getattr(err, "errors", None)
    if details:
        first = details[0]
        return f"{first.get('description')} (line {first.get('line')}, column {first.get('col')})".rstrip(".")
    return str(err).splitlines()[0].rstrip(".")


# -- tables and views


def _add_views(tree: exp.Query, statement: Statement, tables: Mapping[str, Table]) -> None:
    """Put the views before the statement's own common table expressions."""
    if not statement.views:
        return
    written = []
    for name, query in statement.views:
        body = query.copy()
        if not query.meta.get("generated"):
            _fill_tables(body, tables, always=True)
        written.append(exp.CTE(this=body, alias=exp.TableAlias(this=exp.to_identifier(name))))
    clause = tree.args.get("with_")
    if clause is not None:
        clause.set("expressions", [*written, *clause.expressions])
    else:
        tree.set("with_", exp.With(expressions=written))


def _fill_tables(tree: exp.Query, tables: Mapping[str, Table], *, always: bool) -> None:
    """Stand-ins for tables that are not there or lack columns; with `always`, the declared columns of each table."""
    for table in list(tree.find_all(exp.Table)):
        found = tables.get(table_key(table.db, table.name)) if table.db else None
        if found is None or (found.there and not found.missing and not always):
            continue
        if not found.there:
            replace_table(table, exp.select(*map(empty_column, found.columns)).where("1 = 0"))
            continue
        source = table.copy()
        source.set("alias", None)
        missing = {name.casefold() for name in found.missing}
        columns = [empty_column(n) if n.casefold() in missing else exp.column(n) for n in found.columns]
        # a missing column is added to whatever else is there: only inside views is the list of columns complete
        chosen = columns if always else [exp.Star(), *map(empty_column, found.missing)]
        replace_table(table, exp.select(*chosen).from_(source))


# -- what a rule may read


def _check_node(node: Any, params: Mapping[str, Param], names: set[str]) -> None:
    if isinstance(node, _WRITES):
        raise SqlProblem("must only read: a SELECT without INTO, FOR UPDATE or a change inside.")
    if isinstance(node, _CLOCKS):
        raise SqlProblem("use as_of() or now_utc(): a check has one clock, and can be run again for another day.")
    if isinstance(node, exp.Parameter):
        raise SqlProblem("write a parameter as :name.")
    if isinstance(node, exp.Placeholder):
        _check_param(node.name, params)
    if isinstance(node, exp.Anonymous):
        _check_function(node, params)
    if isinstance(node, exp.Table):
        _check_table(node, names)


def _check_param(name: str, params: Mapping[str, Param]) -> None:
    if name not in params:
        raise SqlProblem(f'unknown parameter ":{name}".{nearest(name, list(params))} Declare it under `params:`.')
    if isinstance(params[name], (list, tuple, Mapping)):
        raise SqlProblem(f"parameter \"{name}\" is a list: write cfg('{name}') in place of :{name}.")


def _check_function(call: exp.Anonymous, params: Mapping[str, Param]) -> None:
    name = call.name.lower()
    if name in _OTHER_FUNCTIONS:
        return
    if name not in HELPERS:
        raise SqlProblem(f'unknown function "{call.name}".{nearest(call.name, [*HELPERS, *_OTHER_FUNCTIONS])}')
    if len(call.expressions) != HELPERS[name]:
        raise SqlProblem(f"{name}() takes {HELPERS[name]} arguments, {len(call.expressions)} were given.")
    if name == "cfg":
        _check_cfg(call, params)
    if name == "field":
        alias, param = call.expressions
        if not isinstance(alias, exp.Column) or alias.table or not (isinstance(param, exp.Literal) and param.is_string):
            raise SqlProblem("field() takes the alias of a table and the name of a parameter in quotes.")
        _check_param(param.name, params)


def _check_cfg(call: exp.Anonymous, params: Mapping[str, Param]) -> None:
    argument = call.expressions[0]
    if not (isinstance(argument, exp.Literal) and argument.is_string):
        raise SqlProblem("cfg() takes the name of a list parameter in quotes.")
    if argument.name not in params:
        raise SqlProblem(f'unknown parameter "{argument.name}".{nearest(argument.name, list(params))}')
    if not isinstance(params[argument.name], (list, tuple, Mapping)):
        raise SqlProblem(f'parameter "{argument.name}" is no list: write :{argument.name}.')
    place = call.parent
    if not isinstance(place, exp.Table) and not (isinstance(place, exp.In) and place.expressions == [call]):
        raise SqlProblem("cfg('name') stands behind FROM, JOIN or, alone, in the brackets of IN.")


def _check_table(table: exp.Table, names: set[str]) -> None:
    if isinstance(table.this, exp.Anonymous) and table.this.name.lower() == "cfg":
        return
    if not isinstance(table.this, exp.Identifier) or table.catalog:
        raise SqlProblem("reads something that is not a table of the warehouse.")
    if table.db.casefold() in SCHEMAS or (not table.db and table.name in names):
        return
    if table.name.startswith("v_") and not table.db:
        raise SqlProblem(f'unknown view "{table.name}".{nearest(table.name, sorted(names))}')
    raise SqlProblem(f'unknown table "{table.sql()}". Tables are live.<sObject> and sfsync.norm_<sObject>.')


def _cte_names(tree: exp.Query) -> set[str]:
    return {cte.alias for cte in tree.find_all(exp.CTE)}
