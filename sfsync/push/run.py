"""push: a plan's lines to the org, each ending in exactly one status."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, cast

from sfsync.errors import WrongOrg
from sfsync.model import Outcome, Status
from sfsync.plan.guards import Guards
from sfsync.plan.mirror import chunks, count_live, read_rows
from sfsync.plan.plan import Plan
from sfsync.push.about import About
from sfsync.push.chunk import Chunk, Waits
from sfsync.push.journal import Entry, Journal
from sfsync.push.judge import unreadable
from sfsync.push.result import PushResult, add_up
from sfsync.push.select import PUSHED, Line, brake, check_org, select
from sfsync.salesforce.ids import to18
from sfsync.warehouse import Warehouse

if TYPE_CHECKING:
    from sfsync.config import PushConfig
    from sfsync.salesforce.org import Org

log = logging.getLogger("sfsync.push")
ROWS = 200
Progress = Callable[[int, int], None]
"""(lines done, lines to push)"""


def push(
    org: Org,
    warehouse: Warehouse,
    plan: Plan,
    *,
    config: PushConfig,
    run_id: str,
    progress: Progress | None = None,
    accept_assisted: bool = False,
    allow_large: bool = False,
    plan_file: str = "",
    waits: Waits | None = None,
) -> PushResult:
    """Write the allowed lines of the plan to the org, and what became of each to sfsync.outcomes.

    Each chunk is read again just before it is written: what is as wanted already stays untouched, what changed since
    the plan is left alone. The journal is committed before each request, so a push that dies is simply run again:
    it does only what is left. The mirror is not changed; the next pull brings the new values.

    accept_assisted: push undecided `assisted` lines too. allow_large: lift the volume brake. Raises WrongOrg and
    UnsafePlan before anything is written; AuthError, RetryableOrgError and QuotaFloor when the org stops answering.
    """
    check_org(plan, org.identity().org_id, bool(org.organization().get("IsSandbox")), org.instance_url)
    _check_warehouse(warehouse, plan)
    lines, left_out = select(plan, accept_assisted=accept_assisted)
    if not lines:
        return PushResult("", (), left_out)
    if not allow_large:
        brake(lines, lambda sobject: _live(warehouse, sobject), config)
    journal = Journal(warehouse, plan, plan_file, datetime.now(UTC))
    journal.open()
    log.info(
        "run %s: push %s of %d lines begins; duplicate rules: %s, assignment rules: %s",
        *(run_id, journal.push_id, len(lines), config.duplicate_rules, "on" if config.assignment_rules else "off"),
    )
    status = "failed"
    try:
        entries: dict[int, Entry] = {}
        for done in _chunks(org, warehouse, journal, config, lines, waits or Waits()):
            entries |= done
            if progress:
                progress(len(entries), len(lines))
        status = "done"
    finally:
        journal.close(status)
        log.info("run %s: push %s %s", run_id, journal.push_id, status)
    results = {seq: _outcome(entry) for seq, entry in entries.items()}
    add_up([line.seq for line in lines], results)
    return PushResult(journal.push_id, tuple(results[line.seq] for line in lines), left_out)


def _chunks(
    org: Org, warehouse: Warehouse, journal: Journal, config: PushConfig, lines: Iterable[Line], waits: Waits
) -> Iterable[dict[int, Entry]]:
    for (op, sobject), group in groupby(lines, key=lambda x: (x.change.op, x.change.ref.sobject)):
        of_object = list(group)
        if op not in PUSHED:
            yield _refuse(journal, [(line, _unsupported(op)) for line in of_object])
            continue
        about = About(org, sobject, inactive_owners=Guards.of(config).inactive_owners)
        against = [(line, unreadable(line.change, about.fields)) for line in of_object]
        yield _refuse(journal, [(line, reason) for line, reason in against if reason])
        good = [line for line, reason in against if not reason]
        for chunk in chunks(_by_parent(warehouse, sobject, good), ROWS):
            yield Chunk(org, journal, config, about, waits).run(chunk)


def _refuse(journal: Journal, lines: Sequence[tuple[Line, tuple[str, str]]]) -> dict[int, Entry]:
    now = datetime.now(UTC)
    found = [Entry(x, "refused", code, text, {}, x.change.after, done_at=now) for x, (code, text) in lines]
    journal.write(found)
    return {entry.line.seq: entry for entry in found}


def _unsupported(op: str) -> tuple[str, str]:
    return "UNSUPPORTED_OP", f"this version of sfsync pushes updates only, not {op}"


def _by_parent(warehouse: Warehouse, sobject: str, lines: Sequence[Line]) -> list[Line]:
    """Records of one account together: their updates lock the account, and two requests would fight for it."""
    if not warehouse.exists:
        return sorted(lines, key=lambda x: x.change.ref.id)
    with warehouse.read() as con:
        rows = read_rows(con, warehouse, sobject, {x.change.ref.id for x in lines}, ["AccountId"])
    parents = {id: str(row.values.get("AccountId") or "") for id, row in rows.items()}
    return sorted(lines, key=lambda x: (parents.get(x.change.ref.id, ""), x.change.ref.id))


def _live(warehouse: Warehouse, sobject: str) -> int | None:
    if not warehouse.exists:
        return None
    with warehouse.read() as con:
        return count_live(con, warehouse, sobject)


def _check_warehouse(warehouse: Warehouse, plan: Plan) -> None:
    if not warehouse.exists:
        return
    with warehouse.read() as con:
        mirrored = warehouse.meta(con).get("org_id")
    if mirrored and to18(mirrored) != to18(plan.org_id):
        raise WrongOrg(f"the warehouse mirrors org {mirrored} and the plan is for {plan.org_id}. Nothing was written.")


def _outcome(entry: Entry) -> Outcome:
    return Outcome(entry.line.change, cast(Status, entry.status), entry.code, entry.message)
