"""pull: describe, decide, stage, commit; object by object, so that what is done stays done."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sfsync.config import PullConfig
from sfsync.errors import AuthError, OrgError, QuotaFloor, SfsyncError
from sfsync.mapping import ObjectMapping, shipped_folder
from sfsync.moments import local_day, utc_now
from sfsync.pull.commit import Committer
from sfsync.pull.feed import Feed
from sfsync.pull.gather import Gathering, Read
from sfsync.pull.look import Describes, Look, Looker
from sfsync.pull.merges import reread_children
from sfsync.pull.result import ObjectResult, PullResult
from sfsync.pull.snapshot import keep_opportunities
from sfsync.pull.stage import Progress, stage
from sfsync.pull.staging import Staging
from sfsync.pull.state import MERGES_OPEN, State, check_org, read_state, write_meta
from sfsync.pull.window import FIRST, Window, route, window
from sfsync.salesforce.ids import to18
from sfsync.salesforce.org import Org
from sfsync.warehouse import Warehouse
from sfsync.warehouse.sweep import follow_parent

__all__ = ["ObjectResult", "PullResult", "Survey", "pull", "survey"]

log = logging.getLogger("sfsync.pull")
PARALLEL_OBJECTS = 4


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
    results = {w.sobject: ObjectResult(w.sobject, warnings=_mapping_warnings(w)) for w in found.look.windows}
    about = {"org_id": found.org_id, "instance_url": org.instance_url}
    if about.items() - found.state.meta.items():
        with warehouse.write() as con:
            write_meta(con, warehouse.meta(con), about)
    stopped = _read_all(org, found, config, Committer(warehouse, config, run_id, results), progress)
    stopped = stopped or _read_children_again(org, warehouse, found, config, run_id, results)
    _follow_parents(warehouse, mappings, results)
    _finish(warehouse, found, results)
    return PullResult(list(results.values()), stopped, found.look.missing)


@dataclass(frozen=True)
class Survey:
    """What a pull would read: asked of the org before anything is read or written."""

    org_id: str
    until: datetime
    """The org's clock before the first question: where the cursors will stand."""
    state: State
    look: Look
    describes: Describes


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
    state = read_state(warehouse)
    check_org(state, org_id, org.instance_url)
    until = org.server_time().replace(microsecond=0)
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

    describes = Describes(config.staging, org)
    return Survey(org_id, until, state, Looker(org, describes, window_of, until).look(due), describes)


def _read_all(org: Org, found: Survey, config: PullConfig, into: Committer, progress: Progress) -> SfsyncError | None:
    """Stage in parallel, commit as they arrive. Returns what stopped the run, if anything did."""
    looked, counts, until = found.look, found.look.counts, found.until
    with ThreadPoolExecutor(PARALLEL_OBJECTS, thread_name_prefix="pull") as pool:
        reads = []
        for w in sorted(looked.windows, key=lambda w: -counts.get(w.sobject, 0)):
            api = route(w, config.api, counts.get(w.sobject))
            first = looked.first.get(w.sobject) if api == "rest" else None
            feed = Feed(until) if api == "bulk" and w.why == FIRST else None
            job = pool.submit(stage, org, found.org_id, w, api, until, config.staging, utc_now(), progress, first, feed)
            reads.append(Read(w, job, feed))
        gathering = Gathering(into)
        stopped = gathering.take(reads)
    for sobject in gathering.outdated:
        found.describes.forget(sobject)
    return stopped


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


def _read_children_again(
    org: Org,
    warehouse: Warehouse,
    found: Survey,
    config: PullConfig,
    run_id: str,
    results: Mapping[str, ObjectResult],
) -> SfsyncError | None:
    """After merges, also of a run that died in between. A failure is told; the next run tries again."""
    if not any(r.read for r in results.values()) and MERGES_OPEN not in found.state.meta:
        return None
    windows = [w for w in found.look.windows if results[w.sobject].complete]
    staging = Staging(config.staging, found.org_id, "merges")
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


def _mapping_warnings(w: Window) -> list[str]:
    """Fields a shipped mapping names and this org does not show; a user's own mapping would be refused."""
    if not w.mapping.path.is_relative_to(shipped_folder()):
        return []
    return [problem.split(": ", 1)[1] for problem in w.mapping.problems({"fields": w.described})]
