"""A mirror of a practice org with its findings and clusters, and the report of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sfsync import api
from sfsync.config import Config
from sfsync.moments import local_day
from sfsync.report import Report, report
from sfsync.report.content import Block, Group, Table, Text, walk
from sfsync.rules import load_rules
from sfsync.warehouse import Warehouse

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)


@dataclass
class World:
    """One folder with a config and a warehouse; the org behind it is not there any more."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def config(self) -> Config:
        return api.configured(self.path)

    def warehouse(self) -> Warehouse:
        return api.open_warehouse(self.config)

    def copy(self, folder: Path) -> World:
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns(".sfsync"))
        return World(folder)

    def sql(self, *statements: str) -> None:
        with self.warehouse().write() as con:
            for statement in statements:
                con.exec_driver_sql(statement)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return api.query_rows(self.config, sql)[1]

    def report(self, out: str | None = None, **options: Any) -> Report:
        warehouse = self.warehouse()
        now = options.pop("now", datetime.now(UTC))
        options.setdefault("as_of", local_day(now, api.read_meta(warehouse)["time_zone"]))
        return report(
            warehouse,
            rules=load_rules(self.config.mappings),
            config=options.pop("config", self.config.rules),
            now=now,
            out=None if out is None else self.folder / out,
            **options,
        )


def texts(blocks: list[Block] | tuple[Block, ...] | Any, kind: str | None = None) -> list[str]:
    return [b.text for b in walk(blocks) if isinstance(b, Text) and kind in (None, b.kind)]


def group(made: Report, code: str) -> Group:
    return next(b for b in made.section("rules").blocks if isinstance(b, Group) and b.key == f"rule-{code}")


def column(table: Table, name: str) -> list[Any]:
    place = [c.name for c in table.columns].index(name)
    return [row[place] for row in table.rows]
