"""The journal of a push (sfsync.pushes, sfsync.outcomes): written before each request, completed after its reply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa

from sfsync.model import Value
from sfsync.plan.plan import Plan
from sfsync.plan.values import dumps
from sfsync.push.select import Line
from sfsync.warehouse import Warehouse

COLUMNS = (
    *("push_id", "seq", "op", "sobject", "id", "before", "after"),
    *("status", "code", "message", "requested_at", "done_at"),
)


@dataclass(frozen=True)
class Entry:
    """One row of the journal. `status` is "sent" until the reply is here."""

    line: Line
    status: str
    code: str = ""
    message: str = ""
    before: Mapping[str, Value] = field(default_factory=dict)
    """The touched fields and SystemModstamp as the org had them just before."""
    after: Mapping[str, Value] = field(default_factory=dict)
    """What was sent; of a line not sent what it wanted."""
    requested_at: datetime | None = None
    done_at: datetime | None = None


class Journal:
    """One push. `open` it before the first request; `close` it whatever happens."""

    def __init__(self, warehouse: Warehouse, plan: Plan, file: str, started_at: datetime):
        self.warehouse = warehouse
        self.push_id = f"{started_at:%Y%m%dT%H%M%S%f}-{plan.digest[:8]}"
        self._digest = plan.digest
        self._row = {
            "push_id": self.push_id,
            "digest": plan.digest,
            "plan": file,
            "org_id": plan.org_id,
            "started_at": started_at,
            "status": "running",
        }
        self._earlier: dict[int, list[str]] = {}

    def open(self) -> None:
        with self.warehouse.write() as con:
            con.execute(sa.text(_insert("pushes", self._row)), self._row)
            rows = con.execute(
                sa.text(
                    "SELECT o.seq, o.push_id FROM sfsync.outcomes o JOIN sfsync.pushes p ON p.push_id = o.push_id "
                    "WHERE p.digest = :digest AND o.status = 'sent' ORDER BY o.seq, o.push_id"
                ),
                {"digest": self._digest},
            )
            for seq, push_id in rows:
                self._earlier.setdefault(seq, []).append(push_id)

    def close(self, status: str) -> None:
        """status: done or failed."""
        with self.warehouse.write() as con:
            con.execute(
                sa.text("UPDATE sfsync.pushes SET status = :status, finished_at = :now WHERE push_id = :push_id"),
                {"status": status, "now": datetime.now(UTC), "push_id": self.push_id},
            )

    def write(self, entries: Iterable[Entry]) -> None:
        """Commit the rows, in the place of earlier rows of the same lines."""
        rows = list(entries)
        if not rows:
            return
        with self.warehouse.write() as con:
            con.execute(
                sa.text("DELETE FROM sfsync.outcomes WHERE push_id = :push_id AND seq IN :seqs").bindparams(
                    sa.bindparam("seqs", expanding=True)
                ),
                {"push_id": self.push_id, "seqs": [e.line.seq for e in rows]},
            )
            self.warehouse.load(con, "sfsync.outcomes", COLUMNS, map(self._values, rows))
            for entry in rows:
                if entry.status != "sent" and entry.line.seq in self._earlier:
                    self._settle(con, entry)

    def _values(self, entry: Entry) -> tuple[Value, ...]:
        change = entry.line.change
        return (
            *(self.push_id, entry.line.seq, change.op, change.ref.sobject, change.ref.id),
            *(dumps(_sorted(entry.before)), dumps(_sorted(entry.after))),
            *(entry.status, entry.code, entry.message, entry.requested_at, entry.done_at),
        )

    def _settle(self, con: sa.Connection, entry: Entry) -> None:
        """A push of this plan died between request and reply. What this push found says what became of it."""
        became = {"already": "applied", "applied": "failed", "failed": "failed"}.get(entry.status, "unknown")
        con.execute(
            sa.text(
                "UPDATE sfsync.outcomes SET status = :status, message = :message, done_at = :now "
                "WHERE push_id IN :ids AND seq = :seq AND status = 'sent'"
            ).bindparams(sa.bindparam("ids", expanding=True)),
            {
                "status": became,
                "message": f"the push ended before the reply; push {self.push_id} found it so",
                "now": entry.done_at,
                "ids": self._earlier.pop(entry.line.seq),
                "seq": entry.line.seq,
            },
        )


def _insert(table: str, row: Mapping[str, object]) -> str:
    return f"INSERT INTO sfsync.{table} ({', '.join(row)}) VALUES ({', '.join(f':{c}' for c in row)})"


def _sorted(values: Mapping[str, Value]) -> dict[str, Value]:
    return dict(sorted(values.items()))
