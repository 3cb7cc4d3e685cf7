"""pull of Lead, from the login to the last commit; and changes in the org for the next one to find."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sfsync.config import OrgConfig, PullConfig
from sfsync.mapping import load_mappings
from sfsync.pull import pull as pull_objects
from sfsync.salesforce.org import Org
from sfsync.warehouse import Warehouse

BATCH = 200
"""Records of one update call. Source: REST API guide, sObject Collections."""


def pull(login: dict[str, Any], url: str, staging: str, run_id: str) -> dict[str, Any]:
    """Bring the mirror's Lead up to the org. The first time that is all of them."""
    warehouse = Warehouse(url)
    started = time.perf_counter()
    try:
        with Org.connect(OrgConfig(**login)) as org:
            result = pull_objects(
                org, warehouse, [load_mappings()["Lead"]], PullConfig(staging=Path(staging)), run_id=run_id
            )
            calls = org.usage.calls
    finally:
        warehouse.close()
    seconds = time.perf_counter() - started
    lead = result.objects[0]
    if not lead.complete:
        raise RuntimeError(lead.error or str(result.stopped))
    return {
        "seconds": seconds,
        "read": lead.read,
        "rows": lead.rows,
        "inserted": lead.inserted,
        "updated": lead.updated,
        "calls": calls,
        "api": lead.api,
        "bytes": _size(url),
    }


def touch(login: dict[str, Any], url: str, share: float, word: str) -> dict[str, Any]:
    """Give this share of the leads a new Description in the org, all over the object, but no converted ones."""
    warehouse = Warehouse(url)
    with warehouse.read() as con:
        ids = [
            row[0]
            for row in con.execute(
                sa.text(
                    "SELECT Id FROM live.Lead WHERE IsConverted IS NOT TRUE ORDER BY substr(Id, 15, 1), Id "
                    "LIMIT (SELECT CAST(round(count(*) * :share) AS INT) FROM live.Lead)"
                ),
                {"share": share},
            )
        ]
    warehouse.close()
    started = time.perf_counter()
    changed = 0
    with Org.connect(OrgConfig(**login)) as org:
        for begin in range(0, len(ids), BATCH):
            records = [{"Id": id, "Description": f"{word} {id}"} for id in ids[begin : begin + BATCH]]
            changed += sum(saved.ok for saved in org.update("Lead", records, duplicate_rules="allow"))
    return {"seconds": time.perf_counter() - started, "asked": len(ids), "changed": changed}


def _size(url: str) -> int:
    file = Path(url.removeprefix("duckdb:///"))
    return file.stat().st_size if url.startswith("duckdb") else 0
