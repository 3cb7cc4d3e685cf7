"""Single rows, read again by their Ids into counted page files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sfsync.pull.staging import write_page
from sfsync.pull.window import Window
from sfsync.salesforce.org import Org
from sfsync.salesforce.soql import in_list, select
from sfsync.warehouse.mirror import Batch
from sfsync.warehouse.page import Page

AT_ONCE = 200
"""Ids in one query: some 6 KB, well inside what a request may hold."""


@dataclass
class Reread:
    """What the org showed of some Ids."""

    pages: list[Page] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    """Ids of the rows in the pages, deleted ones too: the others are nowhere in the org, for this user."""

    def batch(self, window: Window, run_id: str, now: datetime) -> Batch:
        """To be taken in without moving the cursor: these rows came out of turn."""
        return Batch(
            sobject=window.sobject,
            pages=self.pages,
            run_id=run_id,
            now=now,
            until=now,
            watermark=window.watermark,
            track=window.mapping.track,
            keeps_cursor=True,
        )


def read_by_id(
    org: Org, sobject: str, fields: Sequence[str], ids: Sequence[str], folder: Path, *, all_rows: bool
) -> Reread:
    """These fields of the rows, one request per 200 Ids, into a new `folder`.

    fields: with Id. all_rows: deleted rows too. Raises IncompleteRead when fewer rows came than Salesforce promised.
    """
    found = Reread()
    if ids:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    for number, first in enumerate(range(0, len(ids), AT_ONCE)):
        soql = select(sobject, list(fields), f"Id IN {in_list(ids[first : first + AT_ONCE])}")
        path = folder / f"again-{number:06d}.csv"
        rows = write_page(path, fields, _noted(org.query(soql, all_rows=all_rows), found.seen))
        found.pages.append(Page(path, rows, tuple(fields)))
    return found


def _noted(records: Iterator[dict[str, Any]], seen: set[str]) -> Iterator[Mapping[str, Any]]:
    for record in records:
        seen.add(str(record["Id"]))
        yield record
