"""Catalog: what tables and columns the warehouse has, asked once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlglot import exp

from sfsync.errors import nearest
from sfsync.normalise.columns import SOURCES
from sfsync.normalise.table import behind
from sfsync.rules.generated import generate
from sfsync.rules.rule import table_name
from sfsync.warehouse import Warehouse
from sfsync.warehouse.draft import Draft


class Catalog:
    """What a check may count on. Nothing changes while it runs."""

    def __init__(self, warehouse: Warehouse, con: sa.Connection):
        self.warehouse = warehouse
        self.con = con
        self._columns: dict[str, dict[str, str]] = {}
        self._behind: dict[str, int] = {}
        self._fiscal: tuple[int, bool] | None = None
        self._generated: dict[str, exp.Query | None] = {}
        self._stored: dict[str, str] = {}

    def columns(self, key: str) -> Mapping[str, str]:
        if key not in self._columns:
            self._columns[key] = self.warehouse.columns(self.con, table_name(key))
        return self._columns[key]

    def missing(self, key: str, columns: Sequence[str]) -> tuple[str, ...]:
        """Those of the columns the table lacks."""
        folded = {name.casefold() for name in self.columns(key)}
        return tuple(name for name in columns if name.casefold() not in folded)

    def lacks(self, key: str, columns: Sequence[str]) -> str:
        """What is missing of the table, "" when nothing is."""
        if gone := self.gone(key):
            return gone
        if missing := self.missing(key, columns):
            there = list(self.columns(key))
            return f"{key} has no {', '.join(missing)}.{nearest(missing[0], there)}".removesuffix(".")
        return ""

    def gone(self, key: str) -> str:
        """Why the table cannot be used at all, "" when it can."""
        return self._outdated(key) if self.columns(key) else f"{key} is not in the warehouse"

    def _outdated(self, key: str) -> str:
        sobject = key.removeprefix("norm_")
        if sobject == key or sobject not in SOURCES:
            return ""
        if key not in self._behind:
            self._behind[key] = behind(self.con, sobject) if self.columns(sobject) else 0
        count = self._behind[key]
        return f"{key} is behind: {count} records changed since it was computed" if count else ""

    def generated(self, view: str) -> exp.Query | None:
        """The view written out from the describe; None for every other view."""
        if view not in self._generated:
            self._generated[view] = generate(view, self)
        return self._generated[view]

    def stored(self, view: str, selects: Sequence[str], draft: Draft) -> str:
        """The draft's table with the rows of a view, of all its SELECTs; the same text gives the same table."""
        key = "\n".join(selects)
        if key not in self._stored:
            table = draft.kept(f"sfsync_{view}_{len(self._stored)}")
            with draft.attempt():
                draft.fill(table, selects[0])
                for select in selects[1:]:
                    draft.add(table, select)
                draft.analyse(table)
            self._stored[key] = table
        return self._stored[key]

    def fiscal(self) -> tuple[int, bool]:
        """The month the org's fiscal year begins with, and whether it is named by its start; January if unknown."""
        if self._fiscal is None:
            names = ("FiscalYearStartMonth", "UsesStartDateAsFiscalYearName")
            row = None
            if not self.lacks("Organization", names):
                found = self.con.exec_driver_sql(f"SELECT {', '.join(names)} FROM live.Organization ORDER BY Id")
                row = found.first()
            month, by_start = row if row is not None else (None, None)
            self._fiscal = (int(month or 1), bool(by_start))
        return self._fiscal
