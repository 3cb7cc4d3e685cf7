"""What dedupe keeps in the warehouse: matches, clusters, and the decisions of people it reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import combinations

import sqlalchemy as sa

from sfsync.model import Cluster, Match
from sfsync.warehouse import Warehouse


def told_apart(con: sa.Connection, warehouse: Warehouse, sobject: str) -> Callable[[Iterable[str]], list[str]]:
    """Ids → the first two of them that a person called different; none: []."""
    known = verdicts(con, warehouse, sobject)
    different = {pair for pair, verdict in known.items() if verdict == "different"}

    def apart(ids: Iterable[str]) -> list[str]:
        return list(next((p for p in combinations(sorted(ids), 2) if p in different), ())) if different else []

    return apart


def verdicts(con: sa.Connection, warehouse: Warehouse, sobject: str) -> dict[tuple[str, str], str]:
    """(smaller Id, larger Id) → "same" or "different"; the newest decision on a pair holds.

    A decision about a record that was merged since holds for the record it went into.
    """
    if not warehouse.has_table(con, "sfsync.decisions"):
        return {}
    merged = con.execute(sa.text("SELECT loser, survivor FROM sfsync.redirects WHERE sobject = :s"), {"s": sobject})
    redirects = {str(row[0]): str(row[1]) for row in merged}
    rows = con.execute(
        sa.text(
            "SELECT left_id, right_id, verdict FROM sfsync.decisions WHERE sobject = :s "
            "ORDER BY decided_at NULLS FIRST, left_id, right_id, verdict"
        ),
        {"s": sobject},
    )
    found: dict[tuple[str, str], str] = {}
    for left, right, verdict in rows:
        a, b = sorted((_survivor(left, redirects), _survivor(right, redirects)))
        if a != b:
            found[a, b] = verdict
    return found


def replace(
    con: sa.Connection,
    warehouse: Warehouse,
    sobject: str,
    matches: Iterable[Match],
    clusters: Iterable[Cluster],
    run_id: str,
) -> None:
    """Put this run's matches and clusters of one sObject in the place of the last run's."""
    for table in ("matches", "clusters"):
        con.execute(sa.text(f"DELETE FROM sfsync.{table} WHERE sobject = :s"), {"s": sobject})
    warehouse.load(
        con,
        "sfsync.matches",
        ("sobject", "left_id", "right_id", "score", "levels", "run_id"),
        (
            (sobject, m.left.id, m.right.id, Decimal(str(m.score)), json.dumps(dict(m.levels), sort_keys=True), run_id)
            for m in matches
        ),
    )
    warehouse.load(
        con,
        "sfsync.clusters",
        ("cluster", "sobject", "id", "master", "decision", "score", "run_id"),
        (
            (c.id, sobject, ref.id, ref == c.master, c.decision, Decimal(str(c.score)), run_id)
            for c in clusters
            for ref in c.refs
        ),
    )


def _survivor(id: str, redirects: dict[str, str]) -> str:
    seen = set()
    while id in redirects and id not in seen:
        seen.add(id)
        id = redirects[id]
    return id
