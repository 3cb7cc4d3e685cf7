"""What a compiled query is: the SQL, and what each of its result columns means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import datetime
from typing import Any, Literal

from sfsync.practice.schema import Field


@dataclass(frozen=True)
class Options:
    """Who asks, when, and through which door."""

    now: datetime
    """Aware; what TODAY and LAST_N_DAYS:n are counted from."""
    all_rows: bool = False
    """queryAll: soft-deleted rows too."""
    timezone: str = "UTC"
    """The user's IANA time zone: days of date literals begin at its midnight."""
    user_id: str = ""
    bulk: bool = False
    """Refuse what the Bulk API refuses, add neither hidden columns nor an order."""
    version: float = 66.0
    fiscal_start_month: int = 1
    fiscal_year_by_start: bool = False
    """A fiscal year is named after the calendar year it starts in, not the one it ends in."""


@dataclass(frozen=True)
class Column:
    """One selected value. It stands in the result row at its own place in `Compiled.columns`."""

    path: tuple[str, ...]
    """("Name",) or ("Account", "Name"), spelled as the schema does; for aggregates ("expr0",) or the alias."""
    field: Field | None
    """None for aggregates and date functions."""
    label: str
    """What it is called in the answer: "Account.Name", "expr0", an alias."""
    type: str
    """The describe's type of the value: string, int, double, currency, date, datetime, boolean, address ..."""
    parts: Mapping[str, int] = attribute(default_factory=dict)
    """For a compound field (its own value in the row is NULL): part field name → index in the result row."""


@dataclass(frozen=True)
class Parent:
    """A parent record some columns belong to."""

    path: tuple[str, ...]
    """("Account",) or ("Account", "Owner")."""
    sobjects: tuple[str, ...]
    """What it can be; more than one for Owner, Who, What."""
    id_index: int
    """Index in the row of the parent's Id; NULL there means there is no parent (the whole parent is null)."""
    type_index: int | None = None
    """For a polymorphic parent: index of the name of its actual sObject."""


@dataclass(frozen=True)
class TypeOf:
    """A TYPEOF expression of the select list."""

    relationship: str
    position: int
    """How many `columns` stand before it in the select list."""
    id_index: int
    type_index: int
    branches: Mapping[str, tuple[tuple[Column, int], ...]]
    """sObject → its columns, each with its index in the row."""
    otherwise: tuple[tuple[Column, int], ...] | None
    """The ELSE columns; None when there is no ELSE: the value is then null."""

    def columns_for(self, sobject: str) -> tuple[tuple[Column, int], ...] | None:
        return self.branches.get(sobject, self.otherwise)


@dataclass(frozen=True)
class ChildQuery:
    """A parent-to-child subquery. Run it once for a page of parents with `bind`."""

    label: str
    """The relationship, as Contacts."""
    position: int
    """How many `columns` stand before it in the select list."""
    query: Compiled
    """Rows of all given parents, in the order asked for within each parent."""
    parent_index: int
    """Index in the child's row of the parent's Id."""
    parent_param: int
    """Index in `query.params` of the list of parent Ids."""

    def bind(self, parents: Sequence[str]) -> tuple[str, list[Any]]:
        """The statement and its parameters for these parents' Ids."""
        params = list(self.query.params)
        params[self.parent_param] = list(parents)
        return self.query.sql, params


@dataclass(frozen=True)
class Compiled:
    """A query ready to run: `cursor.execute(sql, params)`.

    A result row holds one value for each of `columns`, then hidden values which the index fields point at (hidden
    columns' names begin with "#"). kind "count" gives one row with one number, the totalSize.
    """

    sobject: str
    sql: str
    params: list[Any]
    columns: tuple[Column, ...]
    kind: Literal["rows", "count", "aggregate"]
    id_index: int | None = None
    """Index in the row of the record's own Id; None for counts, aggregates and bulk."""
    parents: tuple[Parent, ...] = ()
    """Every parent on the path of a column, outer ones first. Empty for aggregates and bulk."""
    children: tuple[ChildQuery, ...] = ()
    typeofs: tuple[TypeOf, ...] = ()
