"""Our own rows as CSV, for the database's own reader."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO

from sfsync.model import Value


def write_rows(out: IO[str], columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> int:
    """Write rows as CSV in which NULL and empty text stay apart: NULL is nothing, text is always quoted."""
    out.write(",".join(f'"{c}"' for c in columns) + "\n")
    count = 0
    for row in rows:
        out.write(",".join(["" if v is None else _cell(v) for v in row]) + "\n")
        count += 1
    return count


def _cell(value: Value) -> str:
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)
