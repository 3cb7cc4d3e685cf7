"""The lists that are too long for the report, in full, beside it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sfsync.moments import iso
from sfsync.report.safe import csv_text

FINDINGS = ("severity", "kind", "sobject", "id", "message", "first_seen", "fix")


def write_findings(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Severity, kind, sobject, id, message, first_seen (UTC), fix (JSON); UTF-8 with a mark, for spreadsheets.

    A file only its owner can read; text that looks like a formula is quoted.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(FINDINGS)
        writer.writerows(_safe(rows))


def _safe(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    moments: dict[datetime, str] = {}  # a check stamps all its findings alike
    for severity, kind, sobject, id, message, first_seen, fix in rows:
        if first_seen not in moments:
            moments[first_seen] = iso(first_seen.astimezone(UTC))
        yield severity, _text(kind), _text(sobject), _text(id), _text(message), moments[first_seen], fix


def _text(text: str | None) -> str | None:
    return text if not text or text[0].isalnum() else csv_text(text)
