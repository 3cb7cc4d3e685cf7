"""The report as one HTML file: nothing is loaded from anywhere, and it reads and prints without its script."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from sfsync.report.content import Chart, Column, Facts, Group, Record, Report, Table, Text
from sfsync.report.safe import record_link, visible

log = logging.getLogger("sfsync.report")
PRINTED = 12
"""Rows of a long list that go on paper."""
_KINDS = {Text: "text", Facts: "facts", Table: "table", Chart: "chart", Group: "group"}
_NUMBERS = ("number", "money", "percent", "days", "hours")


def render(made: Report) -> str:
    """The whole page. Values of the org are escaped, isolated in direction, and shown with nothing invisible."""
    shapes = _shapes(made)
    style = "\n".join(
        [_asset("report.css"), "@media screen and (max-width: 40rem) {", *map(_labels, enumerate(shapes)), "}"]
    )
    script = _asset("report.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=FunctionLoader(_asset)
    )
    environment.filters.update(shown=visible_text, prose=prose, moment=lambda at: f"{number(at)} UTC")
    environment.globals.update(
        cell=lambda value, column: cell(value, column, made.instance_url),
        fact=lambda value: cell(value, Column("", ""), made.instance_url),
        sort_key=sort_key,
        numeric=lambda column: column.kind in _NUMBERS,
        kind_of=lambda block: _KINDS[type(block)],
        shape=lambda table: f"told s{shapes.index(table.columns)}" if table.told else "",
        is_total=_is_total,
        draw=_draw,
        printed=PRINTED,
    )
    return environment.get_template("report.html.j2").render(
        report=made, style=Markup(style), script=Markup(script), policy=policy
    )


def visible_text(value: Any) -> Markup:
    """Text of the org: escaped, isolated, with nothing invisible in it."""
    return Markup("<bdi>{}</bdi>").format(visible(str(value)))


def prose(text: str) -> Markup:
    """Our own sentences: what stands between backticks is code."""
    escaped = "".join(visible_text(text))  # as plain text: what is put together from Markup is escaped again
    return Markup(re.sub(r"`([^`<>]+)`", r"<code>\1</code>", escaped))


def cell(value: Any, column: Column, instance_url: str) -> Markup:
    """One value as the column's kind wants it shown."""
    if value is None or value == "":
        return Markup("")  # an empty cell: nothing is told of it on a phone
    if isinstance(value, Record):
        return _record(value, instance_url)
    if column.kind == "rule":
        return Markup('<a class="rule" href="#rule-{0}">{0}</a>').format(visible(str(value)))
    if column.kind == "severity":
        return Markup('<span class="severity {0}">{0}</span>').format(visible(str(value)))
    if isinstance(value, (int, float, Decimal, date)):
        return escape(f"{number(value)}\u00a0%" if column.kind == "percent" else number(value))
    return visible_text(value)


def number(value: Any) -> str:
    """Thousands apart, a true minus, moments in UTC."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:,}".replace("-", "−")


def sort_key(value: Any) -> str | None:
    """What the page's script sorts a cell by, where its text would not do."""
    if isinstance(value, bool) or value is None:
        return None
    return str(value) if isinstance(value, (int, float, Decimal)) else None


def _record(record: Record, instance_url: str) -> Markup:
    link, name = record_link(instance_url, record.id), visible_text(str(record))
    told = Markup(' <small class="id">{}</small>').format(visible(record.id)) if record.name else Markup("")
    if link is None:
        return name + told
    return Markup('<a href="{}" rel="noopener noreferrer">{}</a>{}').format(link, name, told)


def _is_total(row: Sequence[Any]) -> bool:
    return isinstance(row[0], str) and row[0].split(" ")[0] in ("total", "all")


def _shapes(made: Report) -> list[tuple[Column, ...]]:
    """The columns of the tables whose rows are told one by one where the screen is narrow; each shape once."""
    return list(dict.fromkeys(table.columns for table in made.tables().values() if table.told))


def _labels(shape: tuple[int, tuple[Column, ...]]) -> str:
    """Style that says beside each cell what stands there, as far as that does not speak for itself."""
    number, columns = shape
    rules = [
        f'.s{number} td:nth-child({place})::before {{ content: "{_css(column.label.removesuffix(" %"))} "; }}'
        for place, column in enumerate(columns, 1)
        if column.label and column.kind not in ("prose", "record", "rule", "severity")
    ]
    return "\n".join(rules)


def _css(text: str) -> str:
    """The text for between quotes in a style sheet: whatever is no letter or digit is written as its code, of six
    digits, and takes one blank behind it."""
    return "".join(c if c.isalnum() and c.isascii() else f"\\{ord(c):06x} " for c in visible(text))


def _draw(chart: Chart) -> Markup:
    try:
        from sfsync.report.charts import svg
    except ImportError:
        log.warning("charts are left out: matplotlib is not installed")
        return Markup("")
    return Markup(svg(chart))


@cache
def _asset(name: str) -> str:
    return (files("sfsync.report") / "page" / name).read_text(encoding="utf-8").rstrip("\n")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"
