"""A practice org with a few records, a warehouse that mirrors it, and plans against both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sfsync.config import OrgConfig, PullConfig, PushConfig
from sfsync.mapping import load_mappings
from sfsync.model import Change, Ref
from sfsync.plan.plan import Plan, ordered
from sfsync.plan.values import to_wire
from sfsync.practice.serve import PracticeServer
from sfsync.pull import pull
from sfsync.push.chunk import Waits
from sfsync.push.result import PushResult
from sfsync.push.run import push
from sfsync.salesforce.org import Org
from sfsync.warehouse import Warehouse

QUICK = Waits(first=0.01, most=0.02)
WRITES = "method=PATCH,path=composite/sobjects"


class World:
    def __init__(self, server: PracticeServer, folder: Path):
        self.server = server
        self.folder = folder
        credentials = server.credentials
        self.org = Org.connect(
            OrgConfig(instance_url=server.url, client_id=credentials.client_id, client_secret=credentials.client_secret)
        )
        self.warehouse = Warehouse(f"duckdb:///{folder / 'w.duckdb'}")
        self.pushes = 0

    def close(self) -> None:
        self.org.close()
        self.warehouse.close()

    # -- the org, as other people see it

    def create(self, sobject: str, **values: Any) -> str:
        return self.save("insert", sobject, values)

    def edit(self, sobject: str, id: str, **values: Any) -> None:
        """Somebody else edits the record, a minute later."""
        self.later(60)
        self.save("update", sobject, {"Id": id, **values})

    def delete(self, sobject: str, id: str) -> None:
        self.save("delete", sobject, {"Id": id})

    def save(self, op: Any, sobject: str, record: Mapping[str, Any]) -> str:
        (saved,) = self.server.org.save(op, sobject, [record], self.server.org.caller())
        assert saved.error is None, saved.error.body()
        return str(saved.id)

    def later(self, seconds: float) -> None:
        clock = self.server.org.clock
        clock.offset = clock.offset + (datetime.fromtimestamp(seconds, UTC) - datetime.fromtimestamp(0, UTC))

    def lead(self, **values: Any) -> str:
        return self.create("Lead", **{"LastName": "Doe", "Company": "Acme", "Email": "doe@acme.example", **values})

    def now(self, sobject: str, id: str) -> dict[str, Any]:
        return next(row for row in self.server.org.dump(sobject) if row["Id"] == id)

    # -- the way through sfsync

    def pull(self) -> None:
        known = load_mappings()
        mappings = [known[name] for name in ("Lead", "Account", "Contact", "Opportunity")]
        pull(self.org, self.warehouse, mappings, PullConfig(staging=self.folder / "staging"), run_id="pull")

    def change(self, sobject: str, id: str, after: Mapping[str, Any], **settings: Any) -> Change:
        """An update as planned from the mirror."""
        return self.changes(sobject, [id], after, **settings)[0]

    def changes(self, sobject: str, ids: Sequence[str], after: Mapping[str, Any], **settings: Any) -> list[Change]:
        """The same update for each record."""
        names = [*after, "SystemModstamp"]
        with self.warehouse.read() as con:
            rows = con.exec_driver_sql(f"SELECT Id, {', '.join(names)} FROM salesforce.{sobject}").all()
        seen = {row[0]: dict(zip(names, map(to_wire, row[1:]), strict=True)) for row in rows}
        wanted = {n: to_wire(v) for n, v in after.items()}
        given = {"because": ({"rule": "T-001"},), "confidence": "auto", **settings}
        return [Change("update", Ref(sobject, id), seen[id], wanted, **given) for id in ids]

    def plan(self, *changes: Change) -> Plan:
        return Plan(
            org_id=self.org.identity().org_id,
            instance_url=self.org.instance_url,
            is_sandbox=bool(self.org.organization()["IsSandbox"]),
            made_at=datetime.now(UTC),
            changes=ordered(changes),
        )

    def push(self, plan: Plan, config: PushConfig | None = None, **settings: Any) -> PushResult:
        self.pushes += 1
        return push(
            self.org,
            self.warehouse,
            plan,
            config=config or PushConfig(max_share=100),
            run_id=f"push{self.pushes}",
            **{"waits": QUICK, **settings},
        )

    def journal(self) -> list[dict[str, Any]]:
        with self.warehouse.read() as con:
            rows = con.exec_driver_sql("SELECT * FROM sfsync.outcomes ORDER BY push_id, seq").mappings()
            return [dict(row) for row in rows]


def told(result: PushResult) -> dict[str, int]:
    """The outcomes that happened."""
    return {status: n for status, n in result.outcomes.items() if n}
