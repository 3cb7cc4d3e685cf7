"""One invocation: its Id, its lock, what it spent and how it ended, kept in sfsync.runs."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sfsync.errors import SfsyncError
from sfsync.moments import iso

if TYPE_CHECKING:
    from sfsync.salesforce.org import Org
    from sfsync.warehouse import Warehouse


@dataclass
class Run:
    """One invocation: when, what, how many API calls, how it ended."""

    command: str
    run_id: str
    started_at: datetime
    clock: float = field(default_factory=time.monotonic, repr=False)
    api_calls: int = 0
    exit_code: int = 0
    quota: tuple[int, int] | None = None
    """(used, of how many) of the org's daily API requests, as it last said; None when it was not asked."""

    def spent(self, org: Org) -> None:
        usage = org.usage
        self.api_calls = usage.calls
        self.quota = (usage.used, usage.limit) if usage.used is not None and usage.limit else None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.clock

    def envelope(self) -> dict[str, Any]:
        """The keys every command's JSON begins with."""
        return {
            "command": self.command,
            "run_id": self.run_id,
            "started_at": iso(self.started_at),
            "seconds": round(self.seconds, 3),
            "api_calls": self.api_calls,
            "exit_code": self.exit_code,
        }


def new_run(command: str) -> Run:
    now = datetime.now(UTC)
    return Run(command, f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z-{secrets.token_hex(2)}", now)


@contextmanager
def recorded(run: Run, warehouse: Warehouse) -> Iterator[dict[str, Any]]:
    """Hold the run lock, and keep a row in sfsync.runs from start to end, whatever the end is."""
    summary: dict[str, Any] = {}
    with warehouse.run_lock(run.command):
        try:
            if warehouse.exists:
                _write_run(run, warehouse, None)
            yield summary
        except SfsyncError as err:
            run.exit_code, err.run = err.exit_code, run
            summary["error"] = type(err).__name__
            raise
        except BaseException as err:
            run.exit_code = 1
            summary["error"] = type(err).__name__
            raise
        finally:
            if warehouse.exists:
                _write_run(run, warehouse, summary)


def _write_run(run: Run, warehouse: Warehouse, summary: Mapping[str, Any] | None) -> None:
    import sqlalchemy as sa

    from sfsync.warehouse import tables

    with warehouse.write() as con:
        con.execute(sa.delete(tables.runs).where(tables.runs.c.run_id == run.run_id))
        con.execute(
            sa.insert(tables.runs).values(
                run_id=run.run_id,
                command=run.command,
                started_at=run.started_at,
                finished_at=None if summary is None else datetime.now(UTC),
                exit_code=None if summary is None else run.exit_code,
                api_calls=run.api_calls,
                summary=None if summary is None else json.dumps(summary, default=str, ensure_ascii=False),
            )
        )
        if run.quota is not None and summary is not None:
            seen = {"api_used": run.quota[0], "api_limit": run.quota[1], "api_seen_at": iso(datetime.now(UTC))}
            con.execute(sa.delete(tables.meta).where(tables.meta.c.key.in_(list(seen))))
            con.execute(sa.insert(tables.meta), [{"key": k, "value": str(v)} for k, v in seen.items()])
