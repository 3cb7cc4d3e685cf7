"""A pull may be killed at any moment; the next one is right, and asks for nothing twice."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sfsync.errors import Locked
from sfsync.mapping import ObjectMapping, read_mapping
from sfsync.warehouse import Warehouse
from tests.pull.killed import Killer
from tests.pull.world import World, result

PAGES = 4
STEP = 2
IN_A_ROW = 5
"""So many pulls die one after the other, before one is let live."""


@pytest.fixture
def lead(tmp_path: Path) -> ObjectMapping:
    path = tmp_path / "lead.yaml"
    path.write_text("sobject: Lead\nfields: [LastName, Title, Status]\ntrack: [Title]\n", encoding="utf-8")
    return read_mapping(path)


def order(world: World, mapping: ObjectMapping, point: int) -> dict[str, Any]:
    config = world.org_config
    return {
        "org": {k: getattr(config, k) for k in ("instance_url", "client_id", "client_secret")},
        "warehouse": world.warehouse.url,
        "mapping": str(mapping.path),
        "staging": str(world.config.staging),
        "api": "bulk",
        "point": point,
    }


def staged_pages(world: World) -> int:
    """Pages of an unfinished read that the next one must not fetch again."""
    found = list(world.config.staging.rglob("manifest.json"))
    return sum(len(json.loads(p.read_text(encoding="utf-8"))["pages"]) for p in found)


def cursor(world: World) -> datetime | None:
    return world.cursor("Lead") if world.warehouse.exists and tables_are_there(world) else None


def tables_are_there(world: World) -> bool:
    with world.warehouse.read() as con:
        return world.warehouse.has_table(con, "sfsync.cursors")


def forget(world: World) -> None:
    """As before the first pull."""
    if world.warehouse.file is None:
        with world.warehouse.write() as con:
            con.exec_driver_sql("DROP SCHEMA IF EXISTS salesforce, live, sfsync CASCADE")
    url = world.warehouse.url
    world.warehouse.close()
    if world.warehouse.file is not None:
        for file in world.folder.glob("w.duckdb*"):
            file.unlink()
    world.warehouse = Warehouse(url, wait=1)


def change(world: World, ids: list[str], number: int) -> None:
    """Rows enough for all pages, each stamped later than the last pull began."""
    world.age(1)
    world.save("update", "Lead", [{"Id": id, "Title": f"Boss {number}"} for id in ids])


@pytest.mark.parametrize("which", ["first", "increment"])
def test_after_kills_at_every_other_point_the_next_pull_is_right(empty, lead, which):
    ids = empty.leads(PAGES * 5)
    empty.server.settings.bulk_page = 5
    reused = 0
    with Killer() as killer:
        if which == "increment":
            assert empty.pull(mappings=[lead], api="bulk").exit_code == 0
            change(empty, ids, 0)
        last = killer.pull(**order(empty, lead, 10_000))["points"]
        assert last > 50
        for first in range(1, last, STEP * IN_A_ROW):
            if which == "increment":
                change(empty, ids, first)
            else:
                forget(empty)
            before = cursor(empty)
            for point in range(first, min(first + STEP * IN_A_ROW, last), STEP):
                killer.pull(**order(empty, lead, point))
            unfinished = staged_pages(empty) if cursor(empty) == before else 0
            reused += unfinished
            empty.server.site.calls.clear()
            pulled = result(empty.pull(mappings=[lead], api="bulk"), "Lead")
            assert pulled.complete, (first, pulled.error)
            fetched = sum(n for shape, n in empty.server.site.calls.items() if shape.endswith("/results"))
            assert not unfinished or fetched == PAGES - unfinished, (first, unfinished, fetched)
            assert empty.differences("Lead") == [], first
            assert not list(empty.config.staging.rglob("page-*")), first
            if which == "increment":
                seen = empty.sql(f"SELECT count(*) FROM sfsync.history WHERE new = 'Boss {first}'")
                assert seen == [(len(ids),)], first
    assert reused > 0


def test_a_second_run_is_told_who_holds_the_lock(empty):
    empty.leads(2)
    empty.pull_one("Lead")
    other = Warehouse(empty.warehouse.url, wait=0.2)
    with empty.warehouse.run_lock("pull"), pytest.raises(Locked, match=r"pull.*process"), other.run_lock("pull"):
        pass
    with other.run_lock("pull"):
        assert empty.pull_one("Lead").complete
    other.close()
