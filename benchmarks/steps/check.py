"""What runs on the mirror alone: normalised values, rules, duplicates."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from sfsync.config import RulesConfig
from sfsync.dedupe.run import dedupe as find_duplicates
from sfsync.normalise.columns import SOURCES
from sfsync.normalise.table import refresh
from sfsync.rules import check, load_rules
from sfsync.rules.catalog import Catalog
from sfsync.rules.evaluate import evaluate
from sfsync.rules.settings import activate
from sfsync.rules.sql import Clock
from sfsync.rules.stage import Stage
from sfsync.warehouse import Warehouse

SLOWEST = 5


def normalise(url: str) -> dict[str, Any]:
    """Compute the normalised values of every record anew: rows and seconds for each sObject."""
    found = {}
    warehouse = Warehouse(url)
    try:
        for sobject in SOURCES:
            with warehouse.write() as con:
                if warehouse.has_table(con, f"sfsync.norm_{sobject}"):
                    con.exec_driver_sql(f"DELETE FROM sfsync.norm_{sobject}")
            started = time.perf_counter()
            rows = refresh(warehouse, sobject)
            found[sobject] = {"rows": rows, "seconds": time.perf_counter() - started}
    finally:
        warehouse.close()
    return {"objects": found}


def rules(url: str, time_zone: str = "UTC") -> dict[str, Any]:
    """All rules by `check`, findings stored; then each by itself, to name the slowest."""
    known = load_rules()
    now = datetime.now(UTC)
    warehouse = Warehouse(url)
    try:
        started = time.perf_counter()
        result = check(warehouse, known, as_of=now.date(), now=now, run_id="bench", time_zone=time_zone)
        seconds = time.perf_counter() - started
        active, _ = activate(sorted(known, key=lambda rule: rule.code), RulesConfig())
        each = {}
        with warehouse.draft() as draft:
            catalog, stage = Catalog(warehouse, draft.con), Stage(draft)
            for rule in active:
                began = time.perf_counter()
                evaluation = evaluate(catalog, stage, rule, Clock(now.date(), now, time_zone))
                each[evaluation.rule.code] = time.perf_counter() - began
    finally:
        warehouse.close()
    return {
        "seconds": seconds,
        "rules": len(result.rules),
        "findings": len(result.findings),
        "not_evaluated": [run.rule for run in result.rules if run.status == "not_evaluated"],
        "failed": [run.rule for run in result.failed],
        "evaluating": sum(each.values()),
        "slowest": dict(sorted(each.items(), key=lambda kv: -kv[1])[:SLOWEST]),
    }


def dedupe(url: str) -> dict[str, Any]:
    """Find the duplicates, and give back who was put together: the Ids of each cluster by its decision."""
    warehouse = Warehouse(url)
    started = time.perf_counter()
    try:
        result = find_duplicates(warehouse, run_id="bench")
    finally:
        warehouse.close()
    seconds = time.perf_counter() - started
    clusters: dict[str, list[list[str]]] = {"merge": [], "review": []}
    for cluster in result.clusters:
        clusters[cluster.decision].append(sorted(ref.id for ref in cluster.refs))
    return {"seconds": seconds, "counts": result.counts, "clusters": clusters}
