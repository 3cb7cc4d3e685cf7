"""ORDER BY keys."""

from __future__ import annotations

from sfsync.practice.schema import COMPOUND_TYPES
from sfsync.practice.soql import nodes
from sfsync.practice.soql.faults import Source
from sfsync.practice.soql.scope import Binder, Operand


def order_key(source: Source, binder: Binder, operand: Operand, order: nodes.Order, sql: str | None = None) -> str:
    """The sort key of one ORDER BY item.

    Empty values come first unless NULLS LAST is said, which does not count for fields of a parent. Text sorts without
    case, picklists in the order they were set up. sql: what stands for the operand, where it is not its own SQL.
    Raises ApiError for a field that cannot be sorted.
    """
    check_sortable(source, operand)
    sql = sql or operand.sql
    direction = "DESC" if order.descending else "ASC"
    nulls = "LAST" if order.nulls_last and len(operand.path) < 2 else "FIRST"
    keys = [f"{operand.folded(sql)} {direction} NULLS {nulls}"]
    if operand.type == "picklist" and operand.field is not None and operand.field.values:
        keys.insert(0, f"{setup_rank(binder, operand, sql)} {direction} NULLS {nulls}")
    return ", ".join(keys)


def check_sortable(source: Source, operand: Operand) -> None:
    refused = operand.type == "multipicklist" or operand.type in COMPOUND_TYPES or operand.long_text
    if refused or (operand.field is not None and not operand.field.sortable):
        raise source.invalid_field(operand.pos, f"field '{operand.name}' can not be sorted in a query call")


def setup_rank(binder: Binder, operand: Operand, sql: str) -> str:
    """A picklist value's place in the setup; values that are not in it come after all others."""
    assert operand.field is not None
    values = binder.bind([value.value for value in operand.field.values])
    return f"CASE WHEN {sql} IS NOT NULL THEN coalesce(list_position({values}::VARCHAR[], {sql}), 1000000) END"
