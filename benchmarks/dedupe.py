"""Duplicates among the leads, and how many of the planted ones are found."""

from __future__ import annotations

import json
import tempfile
from itertools import combinations
from pathlib import Path
from typing import Any

import requests

from benchmarks.mirror import pull_all
from benchmarks.org import Served, practice_org
from benchmarks.process import step
from benchmarks.report import table

Pairs = set[tuple[str, str]]


def measure(leads: int, work: Path) -> dict[str, Any]:
    """Measure on DuckDB (the work is done in Python on either database) and print it."""
    with practice_org(leads, work) as org, tempfile.TemporaryDirectory(prefix="dedupe-", dir=work) as folder:
        url = f"duckdb:///{Path(folder) / 'mirror.duckdb'}"
        pull_all(org, url, Path(folder))
        ran = step("dedupe", url=url)
        same, alike = _labels(org)
    counts, clusters = ran.said["counts"], ran.said["clusters"]
    cost = {"records": counts["records"], "pairs compared": counts["pairs"], "seconds": ran.said["seconds"]}
    cost |= {"records/s": counts["records"] / ran.said["seconds"], "peak MB": ran.peak_mb}
    table(f"Duplicates among {leads:,} leads", [cost])
    merged, asked = _pairs(clusters["merge"]), _pairs(clusters["review"])
    rows = [_judge("merge", merged, same, alike), _judge("merge or review", merged | asked, same, alike)]
    table(f"Against {len(same):,} planted pairs of one person, {len(alike):,} of people who only look alike", rows)
    return {"leads": leads, **cost, "judged": rows}


def _labels(org: Served) -> tuple[Pairs, Pairs]:
    """(pairs that are one person, pairs that look like one and are not), as the generator planted them."""
    groups: dict[str, dict[str, list[str]]] = {"duplicate": {}, "near_miss": {}}
    with requests.get(f"{org.url}/practice/truth", stream=True, timeout=300) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            row = json.loads(line)
            if row["kind"] in groups and row["sobject"] == "Lead":
                groups[row["kind"]].setdefault(row["group_id"], []).append(row["id"])
    return _pairs(list(groups["duplicate"].values())), _pairs(list(groups["near_miss"].values()))


def _pairs(groups: list[list[str]]) -> Pairs:
    return {pair for group in groups for pair in combinations(sorted(group), 2)}


def _judge(what: str, found: Pairs, same: Pairs, alike: Pairs) -> dict[str, Any]:
    """A pair that nobody planted counts as wrong."""
    return {
        "decision": what,
        "pairs": len(found),
        "right": len(found & same),
        "precision": len(found & same) / len(found) if found else 1.0,
        "recall": len(found & same) / len(same) if same else 1.0,
        "look-alikes joined": len(found & alike),
        "never planted": len(found - same - alike),
    }
