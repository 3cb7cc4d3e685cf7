"""verify: count both sides, find where they differ, name the rows, mend them if asked."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sfsync.errors import AuthError, InputError, OrgError, QuotaFloor, WarehouseError, WrongOrg
from sfsync.mapping import ObjectMapping
from sfsync.moments import iso, utc_now
from sfsync.salesforce.ids import to18
from sfsync.salesforce.org import Org
from sfsync.verify import buckets, counts, gone
from sfsync.verify.compare import Compared, compare, fields
from sfsync.verify.counts import OrgCount
from sfsync.verify.repair import repair as mend
from sfsync.verify.result import LISTED, ObjectProof, VerifyResult
from sfsync.verify.sample import sample as sample_rows
from sfsync.verify.scope import Scope, scopes
from sfsync.verify.sweep import REST_ROWS, sweep
from sfsync.warehouse import Warehouse

log = logging.getLogger("sfsync.verify")
Progress = Callable[[str, int, int | None], None]
RANGES_AT_ONCE = 20


@dataclass(frozen=True)
class _Task:
    """What is asked for, and where page files go."""

    org: Org
    warehouse: Warehouse
    folder: Path
    run_id: str
    ids: bool
    sample: int
    seed: int
    repair: bool
    allow_large: bool
    now: datetime


def verify(
    org: Org,
    warehouse: Warehouse,
    mappings: Sequence[ObjectMapping],
    *,
    staging: Path,
    run_id: str,
    ids: bool = False,
    sample: int = 0,
    seed: int = 0,
    repair: bool = False,
    allow_large: bool = False,
    progress: Progress = lambda what, done, total: None,
) -> VerifyResult:
    """Prove that the mirror holds what the org held when it was last brought up, and name every row that differs.

    Counts live and deleted rows of each object on both sides. Where they differ, the time ranges that differ are found
    and their Ids compared. ids: compare every Id, stamp and deletion flag. sample: compare every cell of so many rows
    of each object, the same ones for the same seed. Rows that changed in the org since are left out on both sides, so
    a busy org is no difference. repair: bring the differing rows up to the org; the cursor does not move.

    An object that cannot be compared gets an `error`; the others go on. Page files go to a folder below `staging`,
    removed at the end. Raises WrongOrg, WarehouseError, AuthError and QuotaFloor.
    """
    if sample < 0:
        raise InputError(f"--sample {sample}: give a number of rows from 0.")
    _check_org(org, warehouse)
    task = _Task(org, warehouse, staging / "verify" / run_id, run_id, ids, sample, seed, repair, allow_large, utc_now())
    try:
        return VerifyResult(_verify(task, mappings, progress))
    finally:
        shutil.rmtree(task.folder, ignore_errors=True)


def _verify(task: _Task, mappings: Sequence[ObjectMapping], progress: Progress) -> list[ObjectProof]:
    found, never = scopes(task.warehouse, mappings)
    there = counts.count_org(task.org, found, task.folder)
    here = counts.count_mirror(task.warehouse, found, there)
    proofs = {m.sobject: _never_pulled(m) for m in never if not m.optional}
    for done, (scope, org_side, mirror_side) in enumerate(zip(found, there, here, strict=True)):
        progress("verify", done, len(found))
        proofs[scope.sobject] = _object(task, scope, org_side, mirror_side)
    progress("verify", len(found), len(found))
    return [proofs[m.sobject] for m in mappings if m.sobject in proofs]


def _object(task: _Task, scope: Scope, there: OrgCount, here: tuple[int, int]) -> ObjectProof:
    proof = ObjectProof(scope.sobject, until=scope.until, changed_since=there.changed)
    proof.mirror, mirror_deleted = here
    proof.mirror_deleted = mirror_deleted if scope.has_deleted else None
    if there.error:
        proof.error = there.error
        return proof
    proof.org, proof.org_deleted = there.live, there.deleted
    try:
        _compare(task, scope, there, proof)
        if task.sample:
            _sample(task, scope, proof)
        if task.repair and proof.differs:
            _repair(task, scope, proof)
    except (QuotaFloor, AuthError):
        raise
    except (OrgError, WarehouseError) as err:
        log.warning("%s not verified: %s", scope.sobject, type(err).__name__)
        proof.error = str(err)
    return proof


def _compare(task: _Task, scope: Scope, there: OrgCount, proof: ObjectProof) -> None:
    """Ids are compared where counts differ, or where asked for: counts say where to look, Ids are the proof."""
    if task.ids:
        _take(task, scope, proof, _whole(task, scope, proof))
        return
    if proof.org != proof.mirror:
        found = _by_range(task, scope, there, proof)
        if found is None or not (found.missing or found.extra or found.different):
            found = _whole(task, scope, proof)
        _take(task, scope, proof, found)
    if (proof.org_deleted or 0) > (proof.mirror_deleted or 0) and proof.compared != "ids":
        conditions, expected = scope.untouched("IsDeleted = TRUE"), proof.org_deleted or 0
        pages = sweep(task.org, scope, fields(scope), conditions, task.folder / scope.sobject / "deleted", expected)
        _take(task, scope, proof, compare(task.warehouse, scope, pages, None))


def _whole(task: _Task, scope: Scope, proof: ObjectProof) -> Compared:
    """Every Id of the object, whenever it was stamped: what an Id lacks here, the org does not show."""
    proof.compared = "ids"
    expected = (proof.org or 0) + (proof.org_deleted or 0) + proof.changed_since
    pages = sweep(task.org, scope, fields(scope), [], task.folder / scope.sobject / "ids", expected)
    return compare(task.warehouse, scope, pages, "TRUE")


def _by_range(task: _Task, scope: Scope, there: OrgCount, proof: ObjectProof) -> Compared | None:
    """The Ids of the time ranges whose counts differ; None when that is no shorter than reading all Ids."""
    live, ours = proof.org or 0, proof.mirror or 0
    if not scope.has_created or min(live, ours) <= 2 * buckets.LEAF_ROWS or abs(live - ours) > REST_ROWS:
        return None
    ranges = buckets.differing(task.org, scope, buckets.leaves(task.warehouse, scope, there.pages), proof.org or 0)
    if ranges is None:
        return None
    proof.compared = "buckets"
    all_found = Compared()
    for number, first in enumerate(range(0, len(ranges), RANGES_AT_ONCE)):
        some = ranges[first : first + RANGES_AT_ONCE]
        either = " OR ".join(f"({' AND '.join(r.soql())})" for r in some)
        expected = sum(r.rows for r in some)
        folder = task.folder / scope.sobject / f"range-{number}"
        pages = sweep(task.org, scope, fields(scope), [f"({either})"], folder, expected)
        found = compare(task.warehouse, scope, pages, f"({' OR '.join(r.sql('m') for r in some)})")
        all_found.missing += found.missing
        all_found.extra += found.extra
        all_found.different += found.different
        all_found.unlisted += found.unlisted
    if all_found.missing or all_found.extra or all_found.different:
        proof.notes.append("found by counting time ranges; --ids compares every Id, in case others hide each other")
    return all_found


def _take(task: _Task, scope: Scope, proof: ObjectProof, found: Compared) -> None:
    judged = gone.judge(task.org, scope, found.extra)
    proof.take(found.missing, judged.reasons, found.different)
    proof.unlisted += found.unlisted
    proof.reasons |= {id: reason for id, reason in judged.reasons.items() if id in set(proof.extra)}
    if judged.since:
        proof.changed_since += len(judged.since)
    if proof.org != proof.mirror and not proof.differs:
        proof.notes.append("the counts differ only by rows that were deleted in the org since the last pull")


def _sample(task: _Task, scope: Scope, proof: ObjectProof) -> None:
    describe = task.org.describe(scope.sobject)
    found = sample_rows(task.org, task.warehouse, scope, describe, task.sample, task.seed)
    proof.sampled = found.rows
    judged = gone.judge(task.org, scope, [id for id in found.absent if id not in set(proof.extra)])
    proof.take([], judged.reasons, found.different)
    proof.reasons |= judged.reasons
    proof.formulas = found.formulas[:LISTED]
    if found.formulas:
        names = sorted({d.field for d in found.formulas})
        since = iso(scope.formulas_at) if scope.formulas_at else "their last refresh"
        proof.notes.append(f"cells that change without a stamp have aged since {since}: {', '.join(names)}")


def _repair(task: _Task, scope: Scope, proof: ObjectProof) -> None:
    if proof.unlisted:
        proof.notes.append(
            f"{proof.unlisted:,} differences more than can be mended by Id; run `sfsync pull --full` "
            f"--objects {scope.sobject} instead"
        )
        return
    mend(
        task.org,
        task.warehouse,
        scope,
        proof,
        task.org.describe(scope.sobject),
        folder=task.folder / scope.sobject / "repair",
        run_id=task.run_id,
        now=task.now,
        allow_large=task.allow_large,
    )
    mended = {*proof.missing, *proof.extra, *(d.id for d in proof.different)}
    there = counts.count_org(task.org, [scope], task.folder / "after")[0]
    here = counts.count_mirror(task.warehouse, [scope], [there])[0]
    shutil.rmtree(task.folder / "after", ignore_errors=True)
    proof.repaired = proof.reread + proof.tombstoned >= len(mended) and there.live == here[0]


def _never_pulled(mapping: ObjectMapping) -> ObjectProof:
    return ObjectProof(mapping.sobject, error="was never pulled. Run `sfsync pull` first.")


def _check_org(org: Org, warehouse: Warehouse) -> None:
    with warehouse.read() as con:
        meta = warehouse.meta(con)
    if "org_id" not in meta:
        raise WarehouseError("the warehouse is empty. Run `sfsync pull` first.")
    here = to18(str(org.organization()["Id"]))
    if meta["org_id"] != here:
        raise WrongOrg(
            f"the warehouse mirrors org {meta['org_id']} ({meta.get('instance_url')}), but the config logs in to org "
            f"{here} ({org.instance_url}). Name another file in `warehouse:`, or correct `org:`."
        )
