"""pull: describe, decide, stage, commit; object by object, so that what is done stays done."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from sfsync.config import PullConfig
from sfsync.errors import AuthError, OrgError, QuotaFloor, SfsyncError
from sfsync.mapping import ObjectMapping
from sfsync.moments import local_day, utc_now
from sfsync.pull import deletions
from sfsync.pull.commit import Committer
from sfsync.pull.merges import reread_children
from sfsync.pull.picklists import keep_picklists
from sfsync.pull.reading import mapping_warnings, read_all
from sfsync.pull.result import ObjectResult, PullResult
from sfsync.pull.snapshot import keep_opportunities
from sfsync.pull.stage import Progress
from sfsync.pull.staging import Staging
from sfsync.pull.state import write_meta
from sfsync.pull.survey import Survey, survey
from sfsync.salesforce.org import Org
from sfsync.warehouse import Warehouse
from sfsync.warehouse.redirects import MERGES_OPEN
from sfsync.warehouse.sweep import FOLLOW_OPEN, close_follow, follow_parent

__all__ = ["ObjectResult", "PullResult", "Survey", "pull", "survey"]


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
    results = {w.sobject: ObjectResult(w.sobject, warnings=mapping_warnings(w)) for w in found.look.windows}
    about = {"org_id": found.org_id, "instance_url": org.instance_url}
    if about.items() - found.state.meta.items():
        with warehouse.write() as con:
            write_meta(con, warehouse.meta(con), about)
    logs = {name: log.deleted for name, log in found.look.logs.items() if log.deleted is not None}
    into = Committer(warehouse, config, run_id, results, logs)
    stopped = read_all(org, found, config, into, progress)
    unlogged = found.look.logs.keys() - logs.keys()
    stopped = stopped or _look_at_suspects(org, found, into, unlogged)
    stopped = stopped or _read_children_again(org, warehouse, found, run_id, results)
    _follow_parents(warehouse, mappings, results, FOLLOW_OPEN in found.state.meta)
    _finish(warehouse, found, results)
    if stopped is None:
        keep_picklists(org, warehouse, results.get("RecordType"))
    return PullResult(list(results.values()), stopped, found.look.missing, unlogged)


def _look_at_suspects(org: Org, found: Survey, into: Committer, unlogged: set[str]) -> SfsyncError | None:
    """Rows in the org's log of deletions that are live here. Too many of them, and their object joins `unlogged`."""
    for w in found.look.windows:
        result, ids = into.results[w.sobject], into.suspects.get(w.sobject)
        if not ids or not result.complete:
            continue
        if len(ids) > deletions.MOST:
            unlogged.add(w.sobject)
            continue
        staging = Staging(found.place, "deletions")
        try:
            log = into.logs[w.sobject]
            result.deleted += deletions.look_again(org, into.warehouse, w, ids, log, staging, into.run_id, utc_now())
        except (QuotaFloor, AuthError) as err:
            return err
        except OrgError as err:
            result.warnings.append(f"{len(ids)} rows in the log of deletions could not be read again: {err}")
    return None


def _follow_parents(
    warehouse: Warehouse, mappings: Sequence[ObjectMapping], results: Mapping[str, ObjectResult], left: bool
) -> None:
    """Only when parents or children came in this run, or were left over (`left`) by one that died or failed."""
    pairs = [
        (child, above, field_name)
        for mapping in mappings
        for field_name, parent in mapping.follows.items()
        if (child := results.get(mapping.sobject)) and (above := results.get(parent))
    ]
    due = [p for p in pairs if left or p[1].read + p[1].deleted + p[0].read]
    ready = [p for p in due if p[0].complete and p[1].complete]
    if not ready:
        return
    with warehouse.write() as con:
        for child, above, field_name in ready:
            child.deleted += follow_parent(con, child.sobject, field_name, above.sobject)
        if ready == due:
            close_follow(con)


def _read_children_again(
    org: Org,
    warehouse: Warehouse,
    found: Survey,
    run_id: str,
    results: Mapping[str, ObjectResult],
) -> SfsyncError | None:
    """After merges, also of a run that died in between. A failure is told; the next run tries again."""
    if not any(r.read + r.deleted for r in results.values()) and MERGES_OPEN not in found.state.meta:
        return None
    windows = [w for w in found.look.windows if results[w.sobject].complete]
    staging = Staging(found.place, "merges")
    try:
        for name, rows in reread_children(org, warehouse, windows, staging, run_id, utc_now()).items():
            results[name].read += rows
    except (QuotaFloor, AuthError) as err:
        return err
    except OrgError as err:
        for w in windows:
            results[w.sobject].warnings.append(f"children of merged records could not be read again: {err}")
    return None


def _finish(warehouse: Warehouse, found: Survey, results: Mapping[str, ObjectResult]) -> None:
    """What follows from the rows just read: facts about the org, and the day's snapshot of its opportunities."""
    organization, opportunities = results.get("Organization"), results.get("Opportunity")
    about = organization is not None and organization.complete
    today = local_day(found.until, found.state.meta.get("time_zone", "UTC"))
    moved = opportunities is not None and opportunities.complete
    moved = moved and (bool(opportunities and opportunities.read) or found.state.last_snapshot != today)
    if not about and not moved:
        return
    with warehouse.write() as con:
        if about:
            _describe_org(con, warehouse)
        if moved:
            keep_opportunities(con, warehouse, local_day(found.until, warehouse.meta(con).get("time_zone", "UTC")))


def _describe_org(con: sa.Connection, warehouse: Warehouse) -> None:
    row = con.exec_driver_sql("SELECT Name, IsSandbox, TimeZoneSidKey FROM live.Organization").first()
    if row:
        facts = {"org_name": row[0] or "", "is_sandbox": "true" if row[1] else "false", "time_zone": row[2] or "UTC"}
        write_meta(con, warehouse.meta(con), facts)
