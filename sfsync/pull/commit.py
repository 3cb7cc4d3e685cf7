"""Staged pages → the warehouse: one object in one transaction, small ones together in one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from sfsync.config import PullConfig
from sfsync.errors import IncompleteRead, Locked, SfsyncError, TooLittleMemory, WarehouseError
from sfsync.moments import utc_now
from sfsync.pull import deletions
from sfsync.pull.feed import Feed, Spoilt
from sfsync.pull.result import ObjectResult
from sfsync.pull.stage import Came, Staged
from sfsync.pull.window import REST_ROWS, Window
from sfsync.salesforce.org import Deleted
from sfsync.warehouse import Warehouse, mirror, schema
from sfsync.warehouse.mirror import Loaded, Misfit, Page
from sfsync.warehouse.sweep import open_follow

Done = tuple[Loaded, schema.Drift]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Committer:
    """Takes what was staged into the warehouse and fills in the results."""

    warehouse: Warehouse
    config: PullConfig
    run_id: str
    results: dict[str, ObjectResult]
    logs: Mapping[str, Deleted] = field(default_factory=dict)
    """sObject → what the org's log of deletions told along with its increment."""
    suspects: dict[str, list[str]] = field(default_factory=dict)
    """sObject → Ids in that log that are live here nevertheless, as of the last attempt to commit."""

    def commit(self, staged: Staged) -> None:
        """One object. Raises IncompleteRead and WarehouseError; nothing has moved then.

        Staged pages that turn out short or damaged are thrown away: the next pull must ask for them again.
        """
        try:
            done = self._do(staged.window.sobject, lambda con: self._commit_one(con, staged))
        except (IncompleteRead, Misfit):
            staged.staging.clear()
            raise
        self._finish(staged, done)

    def commit_together(self, group: Sequence[Staged]) -> dict[str, SfsyncError]:
        """Several small objects in one transaction; what one of them spoils, the others do not suffer.

        Returns sObject → error of those that could not be taken in.
        """
        if len(group) > 1:
            try:
                done = self._do("several objects", lambda con: [self._commit_one(con, staged) for staged in group])
            except Locked as err:
                return {s.window.sobject: err for s in group}
            except (IncompleteRead, WarehouseError):
                pass
            else:
                for staged, one in zip(group, done, strict=True):
                    self._finish(staged, one)
                return {}
        failed: dict[str, SfsyncError] = {}
        for staged in group:
            try:
                self.commit(staged)
            except (IncompleteRead, WarehouseError) as err:
                failed[staged.window.sobject] = err
        return failed

    def load(self, window: Window, feed: Feed, read: Callable[[], Staged]) -> None:
        """A first read, taken in while its later pages are still on their way; in one transaction all the same.

        read: waits for the end of the read, and raises what it raised. Raises as `commit` does.
        """
        try:
            if not feed.begun():
                raise Spoilt
            done = self._do(window.sobject, lambda con: self._take_in(con, window, feed, feed.until), again=False)
        except (Spoilt, TooLittleMemory):
            self.commit(read())
            return
        except (IncompleteRead, Misfit):
            read().staging.clear()
            raise
        self._finish(read(), done)

    # -- inside

    def _do(self, what: str, work: Callable[[sa.Connection], Result], *, again: bool = True) -> Result:
        """One transaction; a statement the database refuses is this object's error. Its message may show values.

        again: where there was too little memory, with more.
        """
        try:
            if again:
                return self.warehouse.attempt(work)
            with self.warehouse.write() as con:
                return work(con)
        except sa.exc.DBAPIError as err:
            reason = type(err.orig).__name__
            raise WarehouseError(f"{what}: the database refuses a statement ({reason}). Nothing was changed.") from err

    def _commit_one(self, con: sa.Connection, staged: Staged) -> Done:
        return self._take_in(con, staged.window, staged.main.pages, staged.main.until, staged.refresh)

    def _take_in(
        self, con: sa.Connection, w: Window, pages: Iterable[Page], until: datetime, refresh: Came | None = None
    ) -> Done:
        now = utc_now()
        batch = mirror.Batch(
            sobject=w.sobject,
            pages=pages,
            run_id=self.run_id,
            now=now,
            until=until,
            watermark=w.watermark,
            start=self.config.start,
            full=w.full,
            whole=w.watermark is None,
            track=w.mapping.track,
            refresh=refresh.pages if refresh else (),
            refreshed=refresh.until if refresh and w.formulas else None,
        )
        drift = schema.ensure(con, w.sobject, w.described, now)
        loaded = mirror.take_in(con, batch)
        if loaded.read:
            open_follow(con)
        log = self.logs.get(w.sobject)
        self.suspects[w.sobject] = deletions.suspects(con, w.sobject, log) if log else []
        return loaded, drift

    def _finish(self, staged: Staged, done: Done) -> None:
        loaded, drift = done
        staged.staging.clear()
        result, w = self.results[staged.window.sobject], staged.window
        for key in ("read", "inserted", "updated", "deleted", "late", "late_seconds", "rows", "refreshed"):
            setattr(result, key, getattr(loaded, key))
        result.api, result.full, result.until, result.complete = staged.main.api, w.full, staged.main.until, True
        result.warnings += [*staged.main.warnings, *_drift_warnings(drift)]
        overlap = self.config.overlap.total_seconds()
        if loaded.late_seconds * 2 > overlap:
            result.warnings.append(
                f"{loaded.late} rows became visible up to {loaded.late_seconds} s late; the overlap is "
                f"{overlap:.0f} s. Raise pull.overlap."
            )


def small(staged: Staged) -> bool:
    """Whether it goes together with others: some rows by REST, or none."""
    rows = staged.main.rows + (staged.refresh.rows if staged.refresh else 0)
    return staged.main.api == "rest" and rows <= REST_ROWS


def _drift_warnings(drift: schema.Drift) -> list[str]:
    says = []
    if drift.added:
        says.append(f"new fields: {', '.join(drift.added)}")
    if drift.gone:
        says.append(
            f"fields no longer shown to this user: {', '.join(drift.gone)}; their columns keep the values they had"
        )
    if drift.retyped:
        says.append(f"columns widened: {', '.join(drift.retyped)}")
    return says
