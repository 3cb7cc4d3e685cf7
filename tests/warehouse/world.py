"""Pages of leads, and one open transaction that takes them in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, text

from sfsync.pull.staging import write_page
from sfsync.warehouse import Warehouse, schema
from sfsync.warehouse.mirror import Batch, Loaded, Page, take_in

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def field(name: str, kind: str = "string", **more: object) -> dict:
    return {"name": name, "type": kind, "label": name, "length": 80, "nillable": True, **more}


FIELDS = [
    field("Id", "id"),
    field("IsDeleted", "boolean"),
    field("MasterRecordId", "reference"),
    field("Status", "picklist"),
    field("Amount", "currency", precision=18, scale=2),
    field("SystemModstamp", "datetime"),
]


class World:
    """A warehouse and one open transaction."""

    def __init__(self, warehouse: Warehouse, con: Connection, folder: Path):
        self.warehouse, self.con, self.folder = warehouse, con, folder
        self.pages = 0

    def page(self, *rows: dict, columns: list[str] | None = None, promised: int | None = None) -> Page:
        self.pages += 1
        path = self.folder / f"{self.pages}.csv"
        names = columns or [f["name"] for f in FIELDS]
        return Page(
            path,
            write_page(path, names, rows) if promised is None else self._short(path, names, rows, promised),
            tuple(names),
        )

    def _short(self, path: Path, names: list[str], rows: tuple[dict, ...], promised: int) -> int:
        write_page(path, names, rows)
        return promised

    def take(self, *pages: Page, until: datetime = NOW, fields: list[dict] | None = None, **more: object) -> Loaded:
        schema.ensure(self.con, "Lead", fields or FIELDS, NOW)
        settings = {"run_id": "r1", "now": NOW, "until": until, "watermark": "SystemModstamp", **more}
        return take_in(self.con, Batch("Lead", list(pages), **settings))  # type: ignore[arg-type]

    def rows(self, sql: str) -> list[tuple]:
        return [tuple(row) for row in self.con.execute(text(sql))]


def lead(n: int, status: str = "New", at: datetime = NOW, deleted: bool = False, master: str | None = None, **more):
    return {
        "Id": f"00Q00000000000{n}",
        "IsDeleted": deleted,
        "MasterRecordId": master,
        "Status": status,
        "SystemModstamp": at.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        **more,
    }
