"""A practice org, a warehouse and the pull between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sfsync.config import OrgConfig, PullConfig, QuotaConfig
from sfsync.mapping import ObjectMapping, closure, load_mappings
from sfsync.practice.serve import PracticeServer
from sfsync.pull import ObjectResult, PullResult, pull
from sfsync.salesforce.org import Org
from sfsync.warehouse import Warehouse

MAIN = ("Lead", "Account", "Contact", "Opportunity")


class World:
    def __init__(self, server: PracticeServer, folder: Path):
        self.server = server
        self.folder = folder
        self.org_config = OrgConfig(
            instance_url=server.url,
            client_id=server.credentials.client_id,
            client_secret=server.credentials.client_secret,
        )
        self.config = PullConfig(staging=folder / "staging")
        self.warehouse = Warehouse(f"duckdb:///{folder / 'w.duckdb'}")
        self.runs = 0

    def pull(
        self,
        *names: str,
        mappings: Sequence[ObjectMapping] | None = None,
        full: bool = False,
        quota: QuotaConfig | None = None,
        **settings: Any,
    ) -> PullResult:
        self.runs += 1
        chosen = mappings or closure(names or MAIN, load_mappings())
        with Org.connect(self.org_config, quota) as org:
            return pull(
                org, self.warehouse, chosen, replace(self.config, **settings), run_id=f"r{self.runs}", full=full
            )

    def mirror(self, sobject: str) -> list[dict[str, Any]]:
        """The mirror's rows by Id, our own columns left out."""
        with self.warehouse.read() as con:
            rows = con.exec_driver_sql(f"SELECT * FROM salesforce.{sobject} ORDER BY Id").mappings()
            return [{k: v for k, v in row.items() if not k.startswith("_")} for row in rows]

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with self.warehouse.read() as con:
            return [tuple(row) for row in con.exec_driver_sql(statement)]

    def differences(self, sobject: str) -> list[str]:
        """Every cell in which the mirror differs from the org's own dump; empty when they are equal."""
        mirror = self.mirror(sobject)
        org = list(self.server.org.dump(sobject))
        if [r["Id"] for r in mirror] != [r["Id"] for r in org]:
            here, there = {r["Id"] for r in mirror}, {r["Id"] for r in org}
            return [f"missing {sorted(there - here)[:5]}", f"extra {sorted(here - there)[:5]}"]
        found = []
        for ours, theirs in zip(mirror, org, strict=True):
            for name, value in ours.items():
                if not equal(value, theirs[name]):
                    found.append(f"{ours['Id']}.{name}: {theirs[name]!r} in the org, {value!r} here")
        return found


def equal(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, datetime):
        theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    if isinstance(theirs, (Decimal, int)) and not isinstance(theirs, bool) and isinstance(ours, (Decimal, int)):
        return Decimal(ours) == Decimal(theirs)
    if type(ours) is not type(theirs) and not (isinstance(ours, date) and isinstance(theirs, date)):
        return False
    return bool(ours == theirs)


def result(of: PullResult, sobject: str) -> ObjectResult:
    return next(o for o in of.objects if o.sobject == sobject)
