"""pull: describe, decide, stage, commit; object by object, so that what is done stays done."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from sfsync.config import PullConfig
from sfsync.errors import (
    AuthError,
    IncompleteRead,
    OrgError,
    QuotaFloor,
    SfsyncError,
    WarehouseError,
    WrongOrg,
)
from sfsync.mapping import ObjectMapping, shipped_folder
from sfsync.moments import iso, local_day, utc_now
from sfsync.pull.look import Describes, Look, Looker
from sfsync.pull.merges import reread_children
from sfsync.pull.snapshot import keep_opportunities
from sfsync.pull.stage import Progress, Staged, stage
from sfsync.pull.staging import Staging
from sfsync.pull.window import Cursor, Window, route, window
from sfsync.salesforce.ids import to18
from sfsync.salesforce.org import Org
from sfsync.warehouse import Warehouse, mirror, schema, tables
from sfsync.warehouse.sweep import follow_parent

log = logging.getLogger("sfsync.pull")
PARALLEL_OBJECTS = 4


@dataclass
class ObjectResult:
    """What one sObject's pull came to; numbers are counted in the warehouse after the commit."""

    sobject: str
    api: Literal["rest", "bulk"] = "rest"
    read: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    late: int = 0
    late_seconds: int = 0
    rows: int = 0
    complete: bool = False
    full: bool = False
    until: datetime | None = None
    warnings: list[str] = field(default_factory=list)
    error: str | None = None


@dataclass
class PullResult:
    objects: list[ObjectResult]
    stopped: SfsyncError | None = None
    """What ended the run early: the quota floor, or a login that can't be renewed."""

    @property
    def exit_code(self) -> int:
        if self.stopped is not None:
            return self.stopped.exit_code
        return 0 if all(o.complete for o in self.objects) else 1

    def as_json(self) -> dict[str, Any]:
        rows = [{**asdict(o), "until": iso(o.until) if o.until else None} for o in self.objects]
        return {"objects": rows, **({"error": str(self.stopped)} if self.stopped else {})}


def pull(
    org: Org,
    warehouse: Warehouse,
    mappings: Sequence[ObjectMapping],
    config: PullConfig,
    *,
    run_id: str,
    full: bool = False,
    asked: Collection[str] = (),
    since: datetime | None = None,
    progress: Progress = lambda what, done, total: None,
) -> PullResult:
    """Bring the mirror up to the org for every mapping.

    Each sObject is committed by itself: rows, deletes, history, cursor in one transaction, and only when as many rows
    arrived as Salesforce promised. An object that fails keeps what it had and is named in the result; the others go on.
    A pull that dies is simply run again; pages already staged are used again.

    asked: sObjects to read even if their mapping says `every:` and they are fresh. since: read again what changed at or
    after this moment.
    Raises WrongOrg, MappingError, WarehouseError and AuthError before anything is read.
    """
    found = survey(org, warehouse, mappings, config, full=full, asked=asked, since=since)
    for name in found.look.missing:
        log.warning("%s left out: the org does not offer it to this user", name)
    results = {w.sobject: ObjectResult(w.sobject, warnings=_mapping_warnings(w)) for w in found.look.windows}
    with warehouse.write() as con:
        _write_meta(con, warehouse, {"org_id": found.org_id, "instance_url": org.instance_url})
    stopped = _read_all(org, warehouse, found, config, run_id, results, progress)
    if stopped is None:
        windows = [w for w in found.look.windows if results[w.sobject].complete]
        again = Staging(config.staging, found.org_id, "merges")
        for name, rows in reread_children(org, warehouse, windows, again, run_id, utc_now()).items():
            results[name].read += rows
    _follow_parents(warehouse, mappings, results)
    _finish(warehouse, results, found.until)
    return PullResult(list(results.values()), stopped)


@dataclass(frozen=True)
class Survey:
    """What a pull would read: asked of the org before anything is read or written."""

    org_id: str
    until: datetime
    """The org's clock before the first question: where the cursors will stand."""
    look: Look


def survey(
    org: Org,
    warehouse: Warehouse,
    mappings: Sequence[ObjectMapping],
    config: PullConfig,
    *,
    full: bool = False,
    asked: Collection[str] = (),
    since: datetime | None = None,
) -> Survey:
    """Decide every window. Costs describes and counts (or the rows themselves, where they are few).

    Raises WrongOrg and MappingError.
    """
    org_id = to18(org.identity().org_id)
    _check_org(warehouse, org_id, org)
    until = org.server_time().replace(microsecond=0)
    state = _state(warehouse)
    due = [m for m in mappings if full or since or m.sobject in asked or state.due(m, until)]

    def window_of(mapping: ObjectMapping, describe: Mapping[str, Any]) -> Window:
        cursor, known = state.cursors.get(mapping.sobject), state.known.get(mapping.sobject, {})
        return window(
            mapping,
            describe,
            cursor,
            known,
            overlap=config.overlap,
            start=config.start,
            formulas_every=config.formulas_every,
            now=until,
            full=full,
            again=since,
        )

    return Survey(org_id, until, Looker(org, Describes(config.staging, org), window_of, until).look(due))


def _read_all(
    org: Org,
    warehouse: Warehouse,
    found: Survey,
    config: PullConfig,
    run_id: str,
    results: Mapping[str, ObjectResult],
    progress: Progress,
) -> SfsyncError | None:
    """Stage in parallel, commit one by one as they arrive. Returns what stopped the run, if anything did."""
    looked, counts, until = found.look, found.look.counts, found.until
    stopped: SfsyncError | None = None
    with ThreadPoolExecutor(PARALLEL_OBJECTS, thread_name_prefix="pull") as pool:
        waiting: dict[Future[Staged], Window] = {}
        for w in sorted(looked.windows, key=lambda w: -counts.get(w.sobject, 0)):
            api = route(w, config.api, counts.get(w.sobject))
            first = looked.first.get(w.sobject) if api == "rest" else None
            job = pool.submit(stage, org, found.org_id, w, api, until, config.staging, utc_now(), progress, first)
            waiting[job] = w
        pending = set(waiting)
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda f: waiting[f].sobject):
                w = waiting[future]
                try:
                    _commit(warehouse, future.result(), config, run_id, results[w.sobject])
                except (QuotaFloor, AuthError) as err:
                    stopped = stopped or err
                    results[w.sobject].error = str(err)
                except (OrgError, WarehouseError) as err:
                    log.warning("%s not pulled: %s", w.sobject, type(err).__name__)
                    results[w.sobject].error = str(err)
            if stopped:
                for future in [f for f in pending if f.cancel()]:
                    results[waiting[future].sobject].error = "not read: the run was stopped"
                    pending.discard(future)
    return stopped


def _commit(warehouse: Warehouse, staged: Staged, config: PullConfig, run_id: str, result: ObjectResult) -> None:
    w = staged.window
    now = utc_now()
    batch = mirror.Batch(
        sobject=w.sobject,
        pages=staged.pages,
        run_id=run_id,
        now=now,
        until=staged.until,
        watermark=w.watermark,
        start=config.start,
        full=w.full,
        whole=w.watermark is None,
        track=w.mapping.track,
        refresh=staged.refresh,
    )
    try:
        with warehouse.write() as con:
            drift = schema.ensure(con, w.sobject, w.described, now)
            loaded = mirror.take_in(con, batch)
    except IncompleteRead:
        staged.staging.clear()  # the staged pages are short: the next run must ask for them again
        raise
    staged.staging.clear()
    for key in ("read", "inserted", "updated", "deleted", "late", "late_seconds", "rows"):
        setattr(result, key, getattr(loaded, key))
    result.api, result.full, result.until, result.complete = staged.api, w.full, staged.until, True
    result.warnings += [*staged.warnings, *_drift_warnings(drift, now)]
    if loaded.late_seconds * 2 > config.overlap.total_seconds():
        result.warnings.append(
            f"{loaded.late} rows became visible up to {loaded.late_seconds} s late; the overlap is "
            f"{config.overlap.total_seconds():.0f} s. Raise pull.overlap."
        )


def _follow_parents(
    warehouse: Warehouse, mappings: Sequence[ObjectMapping], results: Mapping[str, ObjectResult]
) -> None:
    """Only when a parent was deleted or undeleted in this run, or the children were read."""
    for mapping in mappings:
        child = results.get(mapping.sobject)
        for field_name, parent in mapping.follows.items():
            above = results.get(parent)
            if child and above and child.complete and above.complete and above.read + child.read:
                with warehouse.write() as con:
                    child.deleted += max(follow_parent(con, mapping.sobject, field_name, parent), 0)


def _drift_warnings(drift: schema.Drift, now: datetime) -> list[str]:
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


@dataclass
class State:
    """What earlier pulls left in the warehouse."""

    cursors: dict[str, Cursor] = field(default_factory=dict)
    known: dict[str, dict[str, str]] = field(default_factory=dict)
    """sObject → field → column type, vanished fields left out."""

    def due(self, mapping: ObjectMapping, until: datetime) -> bool:
        cursor = self.cursors.get(mapping.sobject)
        return cursor is None or until - cursor.until >= mapping.every


def _state(warehouse: Warehouse) -> State:
    state = State()
    if not warehouse.exists:
        return state
    with warehouse.read() as con:
        if not warehouse.has_table(con, "sfsync.cursors"):
            return state
        for row in con.execute(sa.select(tables.cursors)):
            state.cursors[row.sobject] = Cursor(row.until, row.watermark, row.start, row.rows, row.formulas_at)
        f = tables.fields.c
        for sobject, name, kind in con.execute(sa.select(f.sobject, f.field, f.sql_type).where(f.gone_at.is_(None))):
            state.known.setdefault(sobject, {})[name] = kind
    return state


def _check_org(warehouse: Warehouse, org_id: str, org: Org) -> None:
    if not warehouse.exists:
        return
    with warehouse.read() as con:
        found = warehouse.meta(con)
    if found.get("org_id") not in (None, org_id):
        raise WrongOrg(
            f"the warehouse mirrors org {found['org_id']} ({found.get('instance_url')}), but the config logs in to org "
            f"{org_id} ({org.instance_url}). Name another file in `warehouse:`, or correct `org:`."
        )


def _write_meta(con: sa.Connection, warehouse: Warehouse, wanted: Mapping[str, str]) -> None:
    found = warehouse.meta(con)
    changed = {k: v for k, v in wanted.items() if found.get(k) != v}
    if changed:
        con.execute(sa.delete(tables.meta).where(tables.meta.c.key.in_(list(changed))))
        con.execute(sa.insert(tables.meta), [{"key": k, "value": v} for k, v in changed.items()])


def _finish(warehouse: Warehouse, results: Mapping[str, ObjectResult], until: datetime) -> None:
    """What follows from the rows just read: facts about the org, and the day's snapshot of its opportunities."""
    opportunities = results.get("Opportunity")
    with warehouse.write() as con:
        if (organization := results.get("Organization")) and organization.complete:
            row = con.exec_driver_sql("SELECT Name, IsSandbox, TimeZoneSidKey FROM live.Organization").first()
            if row:
                facts = {
                    "org_name": row[0] or "",
                    "is_sandbox": "true" if row[1] else "false",
                    "time_zone": row[2] or "UTC",
                }
                _write_meta(con, warehouse, facts)
        if opportunities and opportunities.complete:
            keep_opportunities(con, warehouse, local_day(until, warehouse.meta(con).get("time_zone", "UTC")))


def _mapping_warnings(w: Window) -> list[str]:
    """Fields a shipped mapping names and this org does not show; a user's own mapping would be refused."""
    if not w.mapping.path.is_relative_to(shipped_folder()):
        return []
    return [problem.split(": ", 1)[1] for problem in w.mapping.problems({"fields": w.described})]
