"""Page files on disk and the manifest that says what they are, so that a crash costs one page."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sfsync.warehouse.mirror import Page

KEPT = timedelta(days=6)
"""Salesforce keeps the results of a Bulk job for 7 days. Source: Bulk API 2.0 guide, limits."""


@dataclass
class Manifest:
    """What the page files in a folder hold. Written when the job is made and after each page."""

    sobject: str
    soql: str
    until: str
    """ISO: the moment up to which these pages hold every change."""
    started: str
    job_id: str | None = None
    api_version: str = ""
    pages: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Locator → {file, rows, columns}."""

    @property
    def rows(self) -> int:
        return sum(int(page["rows"]) for page in self.pages.values())

    def keep(self, locator: str, path: Path, rows: int, columns: Sequence[str]) -> None:
        self.pages[locator] = {"file": path.name, "rows": rows, "columns": list(columns)}


class Staging:
    """The folder of one sObject, on its way from one org into one warehouse.

    Files are private to the user: they hold the org's data.
    """

    def __init__(self, root: Path, *names: str):
        self.folder = root.joinpath(*names)

    def resume(self, soql: str, now: datetime) -> Manifest | None:
        """The manifest of an interrupted Bulk read of the very same query, if its job still has results."""
        try:
            manifest = Manifest(**json.loads((self.folder / "manifest.json").read_text(encoding="utf-8")))
            started = datetime.fromisoformat(manifest.started)
        except (OSError, ValueError, TypeError):
            return None
        if manifest.soql != soql or manifest.job_id is None or not timedelta() <= now - started < KEPT:
            return None
        manifest.pages = {k: p for k, p in manifest.pages.items() if (self.folder / p["file"]).exists()}
        return manifest

    def begin(self) -> None:
        """An empty folder. Reads by REST never save a manifest: their cursors do not outlive a crash."""
        self.clear()
        self.folder.mkdir(parents=True, mode=0o700, exist_ok=True)

    def save(self, manifest: Manifest) -> None:
        path = self.folder / "manifest.json"
        scratch = path.with_suffix(".tmp")
        with scratch.open("w", encoding="utf-8") as out:
            json.dump(asdict(manifest), out)
            out.flush()
            os.fsync(out.fileno())
        os.replace(scratch, path)

    def besides(self, name: str) -> Staging:
        """A folder of its own for another query of the same sObject; cleared together with this one."""
        return Staging(self.folder, name)

    def path(self, number: int) -> Path:
        return self.folder / f"page-{number:06d}.csv"

    def pages(self, manifest: Manifest) -> tuple[Page, ...]:
        return tuple(
            Page(self.folder / p["file"], int(p["rows"]), tuple(p["columns"]))
            for p in sorted(manifest.pages.values(), key=lambda p: str(p["file"]))
        )

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def write_page(path: Path, columns: Sequence[str], records: Iterable[Mapping[str, Any]]) -> int:
    """Write REST records in the form Bulk results have: every value quoted, null as empty. Returns the rows written."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(columns)
        for record in records:
            writer.writerow([_text(record.get(name)) for name in columns])
            count += 1
    return count


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):  # anyType and the like: kept as the org wrote it
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
