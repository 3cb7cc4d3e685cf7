"""What every section uses: the open warehouse, the options, and analyses turned into tables of the report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sfsync.errors import SfsyncError
from sfsync.insight import table as insight
from sfsync.insight.source import Source
from sfsync.report.content import Block, Chart, Column, Kind, Record, Table, Text
from sfsync.report.csvfiles import write_list
from sfsync.report.stored import Stored
from sfsync.rules.rule import Rule
from sfsync.rules.settings import ActiveRule

log = logging.getLogger("sfsync.report")
_NAMES = {"Task": "Subject", "Case": "CaseNumber"}
_CHUNK = 2000
_LABELS = {
    "n": "count",
    "line": "",
    "n_no_amount": "without amount",
    "n_no_rate": "without rate",
    "n_past_due": "past due deals",
    "to_next_percent": "to the next %",
    "id": "record",
    "own": "own deals",
    "probability": "probability %",
    "ape_percent": "absolute error %",
    "wape_percent": "weighted absolute error %",
    "mape_percent": "mean absolute error %",
    "days_to_convert_median": "days to convert, median",
    "days_to_convert_mean": "days to convert, mean",
}


@dataclass
class Making:
    """One report in the making."""

    source: Source
    stored: Stored
    rules: Mapping[str, Rule]
    active: Sequence[ActiveRule]
    off: Sequence[str]
    status: Mapping[str, Any]
    """As `sfsync.status.read_status` says."""
    rows: int
    """The longest list shown."""
    files: Path | None
    """The folder for lists that are cut; None: they are cut without a file."""
    failed: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    def block(self, what: str, make: Callable[[], Iterable[Block]]) -> list[Block]:
        """The blocks, or a sentence saying why there are none; a part that fails does not stop the report.

        A drawing of nothing but zeros is left out: its table says so.
        """
        try:
            return [block for block in make() if not (isinstance(block, Chart) and block.empty)]
        except SfsyncError as err:
            return [Text(f"{what}: not available. {err}", "problem")]
        except Exception as err:
            self.source.con.rollback()
            log.error("%s could not be made: %s", what, type(err).__name__)
            self.failed.append(f"{what}: {type(err).__name__}")
            return [Text(f"{what}: could not be made, something broke ({type(err).__name__}).", "problem")]

    def known(self, refs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[str | None, str | None]]:
        """(sobject, id) → (name, owner's name) of those the mirror has."""
        wanted: dict[str, list[str]] = {}
        for sobject, id in dict.fromkeys(refs):
            wanted.setdefault(sobject, []).append(id)
        found: dict[tuple[str, str], tuple[str | None, str | None]] = {}
        for sobject, ids in wanted.items():
            sql = sa.text(f"{self.named(sobject)} WHERE x.Id IN :ids").bindparams(sa.bindparam("ids", expanding=True))
            for first in range(0, len(ids), _CHUNK):
                for id, called, owner in list(self.source.con.execute(sql, {"ids": ids[first : first + _CHUNK]})):
                    found[sobject, id] = (called, None if owner is None else self.source.users.get(owner, owner))
        return found

    def named(self, sobject: str) -> str:
        """A SELECT of id, name and owner of live records x; without a row when the mirror has no such object."""
        if not sobject.isidentifier() or not self.source.has(sobject, "Id"):
            nothing = "CAST(NULL AS text)"
            return (
                f"SELECT x.Id AS id, {nothing} AS name, {nothing} AS owner FROM (SELECT {nothing} AS Id WHERE 1 = 0) x"
            )
        name = self._column(sobject, _NAMES.get(sobject, "Name"))
        return f"SELECT x.Id AS id, {name} AS name, {self._column(sobject, 'OwnerId')} AS owner FROM live.{sobject} x"

    def cut(
        self, name: str, header: Sequence[str], rows: Iterable[Sequence[Any]], fits: Callable[[int, Any], bool]
    ) -> tuple[list[Any], int | None, str | None]:
        """(rows to show, how many there are in all, the file that has them); None and None when all are shown.

        fits: whether the row at that place is still shown; the first that is not ends them. rows: read once, so they
        may come from a stream.
        """
        shown: list[Any] = []
        rest = iter(rows)
        for row in rest:
            if not fits(len(shown), row):
                return shown, *self._beside(name, header, chain(shown, [row], rest))
            shown.append(row)
        return shown, None, None

    def shorten(self, table: Table, found: insight.Table, limit: int) -> Table:
        """The first rows of an analysis' table; the others go into a file with the analysis' own columns."""
        rows = ([row[name] for name in found.columns] for row in found.rows)
        _, total, file = self.cut(table.key, found.columns, rows, lambda place, _: place < limit)
        return replace(table, rows=table.rows[:limit], total=total, file=file)

    def _beside(self, name: str, header: Sequence[str], rows: Iterator[Any]) -> tuple[int, str | None]:
        if self.files is None:
            return sum(1 for _ in rows), None
        total = write_list(self.files / f"{name}.csv", header, rows)
        file = f"{self.files.name}/{name}.csv"
        self.written.append(file)
        return total, file

    def _column(self, sobject: str, name: str) -> str:
        return f"x.{name}" if self.source.has(sobject, name) else "CAST(NULL AS text)"


def from_insight(
    key: str,
    found: insight.Table,
    *,
    title: str | None = None,
    sobject: str = "Opportunity",
    leave_out: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
) -> Table:
    """An analysis as a table of the report: the same rows and values. sobject: what its column `id` points to.

    Columns that only count what could not be counted are left out while they count nothing.
    """
    named = {**_LABELS, **(labels or {})}
    names = [name for name in found.columns if name not in leave_out and not _idle(name, found)]
    with_name = "id" in names and "name" in names
    names = [name for name in names if not (with_name and name == "name")]
    columns = tuple(Column(name, named.get(name, _heading(name)), _kind(name, found)) for name in names)
    rows = [tuple(_cell(name, row, sobject) for name in names) for row in found.rows]
    return Table(key, title or found.title, columns, rows, tuple(map(_sentence, found.notes)), long=len(rows) > 25)


def over_time(key: str, title: str, name: str, values: Sequence[tuple[str, float]]) -> Chart | None:
    """A line over (day, value), oldest first; None before there are three: two points are no trend."""
    if len(values) < 3:
        return None
    (first, was), (last, now) = values[0], values[-1]
    said = f"{name}: {was:,.0f} on {first}, {now:,.0f} on {last}; {len(values)} values in all."
    return Chart(key, title, "lines", [day for day, _ in values], {name: [value for _, value in values]}, "", said)


def facts_of(found: insight.Table) -> dict[str, Any]:
    """The single values of an analysis under readable names; a bare yes or no is left to its notes."""
    facts = {name: value for name, value in found.facts.items() if value is not None and not isinstance(value, bool)}
    shown = {name.removeprefix("trailing_"): value for name, value in facts.items()}
    return {_LABELS.get(name) or _heading(name): value for name, value in shown.items()}


def _idle(name: str, found: insight.Table) -> bool:
    counts = name.startswith(("n_no_", "negative_")) or name in ("restated", "currency", "bias_percent")
    return counts and not any(row[name] for row in found.rows)


def _cell(name: str, row: Mapping[str, Any], sobject: str) -> Any:
    value = row[name]
    if name == "id" and isinstance(value, str):
        return Record(sobject, value, row.get("name"))
    if name == "bar":
        return str(value).replace("_", " ")
    if isinstance(value, (list, tuple)):
        return "; ".join(map(str, value))
    return value


def _kind(name: str, found: insight.Table) -> Kind:
    if name == "id":
        return "record"
    if name.endswith("_percent") or name == "probability":
        return "percent"
    for ending, kind in (("_days", "days"), ("_hours", "hours")):
        if name.endswith(ending):
            return "days" if kind == "days" else "hours"
    values = [row[name] for row in found.rows if row[name] is not None]
    if values and all(isinstance(v, Decimal) for v in values):
        return "money"
    if values and all(isinstance(v, int) and not isinstance(v, bool) for v in values):
        return "number"
    if values and all(isinstance(v, datetime) for v in values):
        return "moment"
    return "date" if values and all(isinstance(v, date) for v in values) else "text"


def _sentence(note: str) -> str:
    return note[:1].upper() + note[1:] + ("" if note.endswith((".", "!", "?")) else ".")


def _heading(name: str) -> str:
    for ending, unit in (("_percent", " %"), ("_days", ", days"), ("_hours", ", hours")):
        if name.endswith(ending):
            return name.removesuffix(ending).replace("_", " ") + unit
    if name.startswith("n_"):
        return f"{_heading(name[2:])}, count"
    if name != name.lower() and "_" not in name:  # OpenPipeline → open pipeline
        return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()
    return name.replace("_", " ")
