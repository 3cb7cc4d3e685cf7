"""Now and then, every Id is compared with the org: what no increment can show is found and mended.

Rows that were purged, that this user may no longer see or sees again, and commits that became visible later than the
overlap leave no trace an increment could follow. A step of its own after `pull`, because it stands on `verify`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from sfsync.config import PullConfig
from sfsync.errors import AuthError, OrgError, QuotaFloor
from sfsync.mapping import ObjectMapping
from sfsync.pull.result import ObjectResult, PullResult
from sfsync.salesforce.org import Org
from sfsync.verify import ObjectProof, verify
from sfsync.warehouse import Warehouse, tables

UNLOGGED_EVERY = timedelta(days=1)
"""So often, at most, an object is compared whose deletions the org's log does not tell in full."""


def reconcile(
    org: Org,
    warehouse: Warehouse,
    mappings: Sequence[ObjectMapping],
    config: PullConfig,
    pulled: PullResult,
    *,
    run_id: str,
    asked: bool = False,
    allow_large: bool = False,
    progress: Callable[[str, int, int | None], None] = lambda what, done, total: None,
) -> None:
    """Sweep the objects whose turn it is (pull.reconcile_every), or all when `asked`, and mend what differs.

    Where the org's log of deletions failed to tell what went since the last time, their turn is a day later at most.

    Only objects that `pulled` read completely. Their results get what was mended: `deleted`, `updated`, `reconciled`,
    and warnings where rows were held back because too many are gone. An object that cannot be swept gets a warning,
    and its turn stays. `pulled.stopped` is set when the quota floor or a lost login ends it; nothing is raised for it.
    Costs one or two requests per object and a page per 2,000 rows by REST or 200,000 by Bulk.
    """
    if pulled.stopped is not None:
        return
    results = {o.sobject: o for o in pulled.objects if o.complete}
    due = _due(warehouse, mappings, results, config, asked, pulled.unlogged)
    if not due:
        return
    try:
        proofs = verify(
            org,
            warehouse,
            due,
            staging=config.staging,
            run_id=run_id,
            ids=True,
            repair=True,
            allow_large=allow_large,
            progress=progress,
        )
    except (QuotaFloor, AuthError) as err:
        pulled.stopped = err
        return
    except OrgError as err:
        for mapping in due:
            results[mapping.sobject].warnings.append(f"not reconciled: {err}")
        return
    for proof in proofs.objects:
        _tell(results[proof.sobject], proof)
    _keep(warehouse, {p.sobject: p.until for p in proofs.objects if p.ok and p.until})


def _due(
    warehouse: Warehouse,
    mappings: Sequence[ObjectMapping],
    results: dict[str, ObjectResult],
    config: PullConfig,
    asked: bool,
    unlogged: Collection[str],
) -> list[ObjectMapping]:
    """Objects read whole each time have nothing to be swept for."""
    with warehouse.read() as con:
        cursors = {row.sobject: row for row in con.execute(sa.select(tables.cursors))}
    found = []
    for mapping in mappings:
        cursor = cursors.get(mapping.sobject)
        if mapping.sobject not in results or cursor is None or cursor.watermark is None:
            continue
        every = min(config.reconcile_every, UNLOGGED_EVERY) if mapping.sobject in unlogged else config.reconcile_every
        if asked or cursor.reconciled_at is None or cursor.until - cursor.reconciled_at >= every:
            found.append(mapping)
    return found


def _tell(result: ObjectResult, proof: ObjectProof) -> None:
    if proof.error:
        result.warnings.append(f"not reconciled: {proof.error}")
        return
    result.reconciled = proof.ok
    gone = [id for id, reason in proof.reasons.items() if reason]
    result.deleted += proof.tombstoned + sum(1 for id in gone if proof.reasons[id] in ("deleted", "merged"))
    result.updated += len(proof.missing) + len(proof.different)
    if proof.differs and proof.ok:
        result.warnings.append(f"reconciled: {_counts(proof)}")
    elif not proof.ok:
        result.warnings.append(
            f"not reconciled: {_counts(proof)}. {'; '.join(proof.notes)}. See `sfsync verify --ids --objects "
            f"{proof.sobject}`; mend it with --repair, and --allow-large if so many rows are really gone."
        )


def _counts(proof: ObjectProof) -> str:
    reasons = [proof.reasons.get(id, "gone") for id in proof.extra]
    parts = {
        "missed before": len(proof.missing),
        "with another stamp": len({d.id for d in proof.different}),
        **{reason.replace("_", " "): reasons.count(reason) for reason in sorted(set(reasons))},
        "more": proof.unlisted,
    }
    return ", ".join(f"{n:,} rows {what}" for what, n in parts.items() if n)


def _keep(warehouse: Warehouse, moments: dict[str, datetime]) -> None:
    table = tables.cursors
    with warehouse.write() as con:
        for sobject, at in moments.items():
            con.execute(sa.update(table).where(table.c.sobject == sobject).values(reconciled_at=at))
