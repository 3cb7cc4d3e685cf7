"""A check as of another day: its findings are told, and kept nowhere, since sfsync.findings is about today."""

from __future__ import annotations

import json
import tempfile
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from sfsync.model import Severity
from sfsync.rules.result import ORDER, CheckedFinding, Count
from sfsync.rules.stage import COLUMNS, finding
from sfsync.rules.waivers import Waivers

_BATCH = 5_000


class Replayed:
    """The findings of one replay, in a file without a name: there may be millions."""

    def __init__(self, found: Iterable[tuple[datetime | None, tuple[Any, ...]]], now: datetime, waivers: Waivers):
        """found: since when the finding stands, None for one that does not stand today, and its COLUMNS; in order."""
        self._now, self._waivers = now, waivers
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        for first_seen, row in found:
            first = None if first_seen is None else first_seen.astimezone(UTC).isoformat()
            self._file.write(json.dumps([first, *row]) + "\n")

    def counts(self, since: datetime | None = None) -> list[Count]:
        counted = Counter[tuple[str, Severity, bool, bool]]()
        for found in self.findings(since):
            counted[found.finding.rule, found.finding.severity, found.new, found.waived] += 1
        return [Count(*key, n) for key, n in sorted(counted.items())]

    def findings(self, since: datetime | None = None) -> Iterator[CheckedFinding]:
        for line in self._lines():
            first, *row = json.loads(line)
            found = finding(*row)
            first_seen = self._now if first is None else datetime.fromisoformat(first)
            if since is None or first_seen >= since:
                yield CheckedFinding(found, first_seen, first is None, self._waivers.of(found))

    def _lines(self) -> Iterator[str]:
        """Several may read at once: each knows its own place."""
        place = 0
        while True:
            self._file.seek(place)
            lines = list(islice(iter(self._file.readline, ""), _BATCH))
            place = self._file.tell()
            if not lines:
                return
            yield from lines


def staged(con: sa.Connection, stage: str) -> Iterator[tuple[datetime | None, tuple[Any, ...]]]:
    """What Replayed takes, of a draft's stage."""
    same = " AND ".join(f"o.{column} = f.{column}" for column in ("rule", "kind", "sobject", "id"))
    columns = ", ".join(f"f.{column}" for column in COLUMNS)
    rows = con.execute(
        sa.text(
            f"SELECT o.first_seen, {columns} FROM {stage} f "
            f"LEFT JOIN sfsync.findings o ON {same} AND o.resolved_at IS NULL ORDER BY {ORDER}"
        ),
        execution_options={"stream_results": True, "yield_per": _BATCH},
    )
    for first_seen, *row in rows:
        yield first_seen, tuple(row)
