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
from sfsync.practice.org import PracticeOrg
from sfsync.practice.saving import Caller
from sfsync.practice.serve import PracticeServer
from sfsync.pull import ObjectResult, PullResult, pull
from sfsync.pull.reconcile import reconcile
from sfsync.salesforce.org import Org
from sfsync.salesforce.quota import Usage
from sfsync.salesforce.retry import RetryPolicy
from sfsync.warehouse import Warehouse

MAIN = ("Lead", "Account", "Contact", "Opportunity")
QUICK = RetryPolicy(first_seconds=0.02, cap_seconds=0.5, deadline_seconds=20)
"""The policy of the product with shorter waits."""


class World:
    def __init__(self, server: PracticeServer, folder: Path, url: str | None = None):
        self.server = server
        self.folder = folder
        self.config = PullConfig(staging=folder / "staging")
        self.org_config = OrgConfig(
            instance_url=server.url,
            client_id=server.credentials.client_id,
            client_secret=server.credentials.client_secret,
        )
        self.warehouse = Warehouse(url or f"duckdb:///{folder / 'w.duckdb'}", wait=1)
        self.quota: QuotaConfig | None = None
        self.options: dict[str, Any] = {"retries": QUICK}
        """Of Org.connect."""
        self.usage = Usage()
        """Of the last pull."""
        self.runs = 0

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.warehouse.close()

    @property
    def org(self) -> PracticeOrg:
        return self.server.org

    # -- pulling

    def pull(
        self,
        *names: str,
        mappings: Sequence[ObjectMapping] | None = None,
        full: bool = False,
        quota: QuotaConfig | None = None,
        sweep: bool | None = None,
        allow_large: bool = False,
        **settings: Any,
    ) -> PullResult:
        """sweep: None for no reconciliation at all, False for the due objects, True for every one."""
        self.runs += 1
        chosen = mappings or closure(names or MAIN, load_mappings())
        config, run_id = replace(self.config, **settings), f"r{self.runs}"
        with Org.connect(self.org_config, quota or self.quota, **self.options) as org:
            try:
                pulled = pull(org, self.warehouse, chosen, config, run_id=run_id, full=full)
                if sweep is not None:
                    reconcile(
                        org, self.warehouse, chosen, config, pulled,
                        run_id=run_id, asked=sweep, allow_large=allow_large,
                    )  # fmt: skip
            finally:
                self.usage = org.usage
        return pulled

    def pull_one(self, sobject: str, **settings: Any) -> ObjectResult:
        """Pull one object without its helpers."""
        return result(self.pull(mappings=[load_mappings()[sobject]], **settings), sobject)

    # -- looking

    def mirror(self, sobject: str) -> list[dict[str, Any]]:
        """The mirror's rows by Id, our own columns left out."""
        with self.warehouse.read() as con:
            rows = list(self.warehouse.rows(con, f"SELECT * FROM salesforce.{sobject} ORDER BY Id"))
        return [{k: v for k, v in row.items() if not k.startswith("_")} for row in rows]

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with self.warehouse.read() as con:
            return list(self.warehouse.select(con, statement)[1])

    def reasons(self, sobject: str) -> dict[str, str]:
        """Id → why it is gone, of the rows that are."""
        return dict(self.sql(f"SELECT Id, _deleted_reason FROM salesforce.{sobject} WHERE _deleted_reason IS NOT NULL"))

    def cursor(self, sobject: str) -> datetime | None:
        found = self.sql(f"SELECT until FROM sfsync.cursors WHERE sobject = '{sobject}'")
        return found[0][0] if found else None

    def differences(self, sobject: str, leaving_out: Sequence[str] = ()) -> list[str]:
        """Every cell in which the mirror differs from the org's own dump; empty when they are equal."""
        mirror = self.mirror(sobject)
        org = list(self.org.dump(sobject))
        if [r["Id"] for r in mirror] != [r["Id"] for r in org]:
            here, there = {r["Id"] for r in mirror}, {r["Id"] for r in org}
            return [f"missing {sorted(there - here)[:5]}", f"extra {sorted(here - there)[:5]}"]
        found = []
        for ours, theirs in zip(mirror, org, strict=True):
            for name, value in ours.items():
                if name not in leaving_out and not equal(value, theirs[name]):
                    found.append(f"{ours['Id']}.{name}: {theirs[name]!r} in the org, {value!r} here")
        return found

    # -- the org's users at work

    def save(self, op: str, sobject: str, records: list[dict[str, Any]]) -> list[str]:
        saved = self.org.save(op, sobject, records, Caller(self.org.user_id, version=66.0))  # type: ignore[arg-type]
        assert all(s.error is None for s in saved), [s.error for s in saved if s.error]
        return [str(s.id) for s in saved]

    def leads(self, count: int, name: str = "Lead") -> list[str]:
        return self.save("insert", "Lead", [{"LastName": f"{name} {i}", "Company": "Acme"} for i in range(count)])

    def age(self, seconds: float = 3600) -> None:
        """Let time pass in the org, so that what was there is older than the overlap."""
        self.org.clock.advance(seconds)

    def execute(self, sql: str, *parameters: Any) -> None:
        """SQL in the org itself: what its users never can, as moving a stamp or merging without one."""
        with self.org.transaction() as con:
            con.execute(sql, list(parameters))


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
