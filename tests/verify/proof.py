"""A practice org, its mirror, and the ways to make them differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sfsync.mapping import ObjectMapping, closure, load_mappings
from sfsync.practice.org import Caller
from sfsync.salesforce.org import Org
from sfsync.verify import ObjectProof, VerifyResult, verify
from tests.pull.world import MAIN, World


class Proof(World):
    calls = 0

    def verify(self, *names: str, mappings: Sequence[ObjectMapping] | None = None, **options: Any) -> VerifyResult:
        self.runs += 1
        chosen = mappings or closure(names or MAIN, load_mappings())
        with Org.connect(self.org_config) as org:
            found = verify(org, self.warehouse, chosen, staging=self.config.staging, run_id=f"v{self.runs}", **options)
            self.calls = org.usage.calls
        assert not list(self.config.staging.glob("verify/*"))
        return found

    def lead(self, **options: Any) -> ObjectProof:
        return of(self.verify("Lead", **options), "Lead")

    def save(self, op: str, sobject: str, records: list[dict[str, Any]]) -> list[str]:
        saved = self.server.org.save(op, sobject, records, Caller(user_id=self.server.org.user_id, version=66.0))  # type: ignore[arg-type]
        assert all(s.error is None for s in saved), [s.error for s in saved if s.error]
        return [str(s.id) for s in saved]

    def org_sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Behind the org's back: no stamp moves, nothing is logged."""
        cursor = self.server.org.cursor()
        try:
            return cursor.execute(statement).fetchall()
        finally:
            cursor.close()

    def mirror_sql(self, statement: str) -> None:
        with self.warehouse.write() as con:
            con.exec_driver_sql(statement)

    def ids(self, sobject: str = "Lead", where: str = "TRUE") -> list[str]:
        """Live Ids of the mirror, in order."""
        return [r[0] for r in self.sql(f"SELECT Id FROM live.{sobject} WHERE {where} ORDER BY Id")]

    def cursor_rows(self) -> list[tuple[Any, ...]]:
        """Where pulls go on; how many rows there are is left out."""
        return self.sql("SELECT sobject, until, watermark, start, full_at, run_id FROM sfsync.cursors ORDER BY sobject")


def of(result: VerifyResult, sobject: str) -> ObjectProof:
    return next(o for o in result.objects if o.sobject == sobject)
