"""The report as a workbook: a sheet for each section and for each rule with findings; the same rows as the page."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from textwrap import wrap
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from sfsync.moments import iso
from sfsync.report.content import Block, Chart, Column, Facts, Group, Record, Report, Section, Table, Text
from sfsync.report.safe import formula_like, record_link, visible

_FORMATS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 14},
    "head": {"bold": True, "font_size": 11},
    "header": {"bold": True, "bg_color": "#e5e7eb", "bottom": 1, "text_wrap": True, "valign": "bottom"},
    "text": {"valign": "top"},
    "quoted": {"valign": "top", "quote_prefix": True},
    "link": {"font_color": "#1f5a8a", "underline": 1, "valign": "top"},
    "quoted link": {"font_color": "#1f5a8a", "underline": 1, "valign": "top", "quote_prefix": True},
    "number": {"num_format": "#,##0.##", "valign": "top"},
    "whole": {"num_format": "#,##0", "valign": "top"},
    "money": {"num_format": "#,##0.00", "valign": "top"},
    "rate": {"num_format": "#,##0.0", "valign": "top"},
    "percent": {"num_format": '#,##0.0" %"', "valign": "top"},
    "whole percent": {"num_format": '#,##0" %"', "valign": "top"},
    "date": {"num_format": "yyyy-mm-dd", "align": "left", "valign": "top"},
    "moment": {"num_format": "yyyy-mm-dd hh:mm", "align": "left", "valign": "top"},
}
_WIDTHS = {"record": 34, "text": 24, "prose": 60, "severity": 10, "rule": 16, "moment": 17, "date": 12}
_LINE = 130
"""Characters of a text in one row."""
_CELL = 32_767
"""Characters a cell holds; Excel calls a file with longer ones damaged."""


def workbook(made: Report) -> bytes:
    """The file. Text stays text: what looks like a formula is written as a quoted string, links go to the org only."""
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(buffer, options) as book:
        book.set_properties({"title": visible(made.title), "created": made.made_at.replace(tzinfo=None)})
        _Book(book, made).write()
    return buffer.getvalue()


class _Book:
    def __init__(self, book: Workbook, made: Report):
        self.book, self.made = book, made
        self.formats: dict[str, Format] = {name: book.add_format(look) for name, look in _FORMATS.items()}
        self.names: dict[str, str] = {}
        """Key of a section or group → its sheet."""

    def write(self) -> None:
        for section in self.made.sections:
            self._name(section.key, section.title)
            for group in _groups(section.blocks):
                self._name(group.key, group.key.removeprefix("rule-"))
        for section in self.made.sections:
            self._section(section)
            for group in _groups(section.blocks):
                self._group(group)

    def _name(self, key: str, wanted: str) -> None:
        base = re.sub(r"[\[\]:*?/\\']", "-", visible(wanted))[:28] or "sheet"
        taken = {name.casefold() for name in self.names.values()}
        name = next(n for n in (base, *(f"{base} {i}" for i in range(2, 1000))) if n.casefold() not in taken)
        self.names[key] = name

    def _section(self, section: Section) -> None:
        sheet = self.book.add_worksheet(self.names[section.key])
        page = _Page(self, sheet)
        page.line(section.title, "title")
        if section.key == "summary":
            self._head(page)
        for block in section.blocks:
            if not isinstance(block, Group):
                page.block(block)
        sheet.freeze_panes(1, 0)

    def _head(self, page: _Page) -> None:
        made = self.made
        page.line(made.title, "head")
        page.line(f"{made.org_name}, as of {made.as_of} ({made.time_zone}), made {iso(made.made_at)}", "text")
        counts = ", ".join(f"{n:,} {severity}" for severity, n in made.findings.items())
        score = "none" if made.score.value is None else f"{made.score.value} of 100"
        page.line(f"Health score: {score}", "head")
        page.line(f"Open findings: {counts}", "text")
        page.row += 1

    def _group(self, group: Group) -> None:
        """A few lines about the rule, then its records under a header that stays."""
        sheet = self.book.add_worksheet(self.names[group.key])
        page = _Page(self, sheet)
        page.line(group.title, "title")
        for text in [b for b in group.blocks if isinstance(b, Text)]:
            page.prose(text)
        for table in [b for b in group.blocks if isinstance(b, Table)]:
            page.rows(table, frozen=True)


class _Page:
    """One sheet, written downwards."""

    def __init__(self, book: _Book, sheet: Worksheet):
        self.book, self.sheet, self.row = book, sheet, 0
        self.widths: dict[int, int] = {}

    def line(self, text: str, look: str) -> None:
        self._text(self.row, 0, text, look)
        self.row += 1

    def prose(self, text: Text) -> None:
        """A text over as many rows as it needs: a cell of its own would run out of the window."""
        for part in wrap(f"{text.lead} {text.text}".strip().replace("`", ""), _LINE):
            self.line(part, "text")

    def block(self, block: Block) -> None:
        if isinstance(block, Text):
            self.prose(block)
        elif isinstance(block, Facts):
            self.line(block.title, "head")
            for name, value in block.facts.items():
                self._text(self.row, 0, name, "text")
                self.cell(self.row, 1, value, Column("", ""))
                self.row += 1
            self.row += 1
        elif isinstance(block, Table):
            self.rows(block)
        elif not isinstance(block, Chart):
            raise TypeError(f"a sheet holds no {type(block).__name__}")

    def rows(self, table: Table, *, frozen: bool = False) -> None:
        """The table with its title and notes; frozen: its header stays in sight and filters."""
        said = f" (first {len(table.rows):,} of {table.total:,}" if table.cut else ""
        said += f"; all of them in {table.file})" if table.cut and table.file else ")" if table.cut else ""
        self.line(f"{table.title}{said}", "head")
        header = self.row
        for place, column in enumerate(table.columns):
            self._text(header, place, column.label or column.name, "header")
            self._widen(place, column)
        self.row += 1
        for row in table.rows:
            for place, (value, column) in enumerate(zip(row, table.columns, strict=True)):
                self.cell(self.row, place, value, column)
            self.row += 1
        if frozen:
            self.sheet.freeze_panes(header + 1, 1)
            self.sheet.autofilter(header, 0, max(self.row - 1, header), len(table.columns) - 1)
        for note in table.notes:
            self.line(note, "text")
        self.row += 1

    def cell(self, row: int, place: int, value: Any, column: Column) -> None:
        formats = self.book.formats
        if value is None or value == "":
            return
        if isinstance(value, Record):
            self._record(row, place, value)
        elif column.kind == "rule" and f"rule-{value}" in self.book.names:
            target = f"internal:'{self.book.names[f'rule-{value}']}'!A1"
            self.sheet.write_url(row, place, target, formats["link"], string=str(value))
        elif isinstance(value, bool):
            self._text(row, place, "yes" if value else "no", "text")
        elif isinstance(value, (int, float, Decimal)):
            self.sheet.write_number(row, place, float(value), formats[_look(value, column)])
        elif isinstance(value, datetime):
            naive = value.astimezone(UTC).replace(tzinfo=None)
            self.sheet.write_datetime(row, place, naive, formats["moment"])
        elif isinstance(value, date):
            self.sheet.write_datetime(row, place, value, formats["date"])
        else:
            self._text(row, place, str(value), "text")

    def _record(self, row: int, place: int, record: Record) -> None:
        link = record_link(self.book.made.instance_url, record.id)
        shown = visible(str(record))[:255]
        if link is None:
            self._text(row, place, shown, "text")
        else:
            look = self.book.formats["quoted link" if formula_like(shown) else "link"]
            self.sheet.write_url(row, place, link, look, string=shown, tip=record.id)

    def _text(self, row: int, place: int, text: str, look: str) -> None:
        shown = visible(text)[:_CELL]
        quoted = look == "text" and formula_like(shown)
        self.sheet.write_string(row, place, shown, self.book.formats["quoted" if quoted else look])

    def _widen(self, place: int, column: Column) -> None:
        self.widths[place] = max(self.widths.get(place, 0), _WIDTHS.get(column.kind, 13))
        self.sheet.set_column(place, place, self.widths[place])


def _look(value: Any, column: Column) -> str:
    if column.kind == "money":
        return "money"
    if column.kind == "percent":
        return "whole percent" if column.name == "probability" and value == int(value) else "percent"
    if column.kind in ("days", "hours"):
        return "rate"
    return "whole" if isinstance(value, int) else "number"


def _groups(blocks: Sequence[Block]) -> list[Group]:
    return [block for block in blocks if isinstance(block, Group)]
