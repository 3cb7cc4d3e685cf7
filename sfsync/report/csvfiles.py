"""The lists that are too long for the report, in full, beside it: UTF-8 with a mark, for spreadsheets.

A file only its owner can read; text that looks like a formula is quoted; moments are UTC.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from sfsync.moments import iso
from sfsync.report.safe import csv_text

FINDINGS = ("severity", "kind", "sobject", "id", "message", "first_seen", "fix")


def write_findings(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Severity, kind, sobject, id, message, first_seen, fix (JSON). In the rows first_seen is in seconds since 1970."""
    with _opened(path, FINDINGS) as file:
        csv.writer(file).writerows(_findings(rows))


def write_list(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Rows of any values under a header; returns how many."""
    counted = 0

    def cells() -> Iterator[list[Any]]:
        nonlocal counted
        for row in rows:
            counted += 1
            yield [_cell(value) for value in row]

    with _opened(path, header) as file:
        csv.writer(file).writerows(cells())
    return counted


@contextmanager
def _opened(path: Path, header: Sequence[str]) -> Iterator[TextIO]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerow(header)
        yield file


def _findings(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    moments: dict[int, str] = {}  # a check stamps all its findings alike
    for severity, kind, sobject, id, message, first_seen, fix in rows:
        if first_seen not in moments:
            moments[first_seen] = iso(datetime.fromtimestamp(first_seen, UTC))
        yield severity, _text(kind), _text(sobject), _text(id), _text(message), moments[first_seen], fix


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    return iso(value.astimezone(UTC)) if isinstance(value, datetime) else value


def _text(text: str | None) -> str | None:
    return text if not text or text[0].isalnum() else csv_text(text)
