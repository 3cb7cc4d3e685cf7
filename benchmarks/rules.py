"""A whole org pulled, normalised and checked by every rule."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.databases import Database
from benchmarks.mirror import pull_all
from benchmarks.org import practice_org
from benchmarks.process import step
from benchmarks.report import table


def measure(leads: int, stores: Sequence[Database], work: Path) -> dict[str, Any]:
    """Measure one size on every database and print it."""
    found: dict[str, Any] = {}
    with practice_org(leads, work) as org:
        for store in stores:
            with tempfile.TemporaryDirectory(prefix="rules-", dir=work) as folder, store.fresh() as url:
                pulled = pull_all(org, url, Path(folder))
                normalised, checked = step("normalise", url=url), step("rules", url=url)
                found[store.name] = {
                    "pull": {
                        "process": pulled.seconds,
                        "peak": pulled.peak_mb,
                        "rows": sum(o["rows"] for o in pulled.said["objects"]),
                        "calls": pulled.said["api_calls"],
                    },
                    "normalise": {**normalised.said, "peak": normalised.peak_mb},
                    "rules": {**checked.said, "peak": checked.peak_mb},
                }
    _print(leads, found)
    return {"leads": leads, **found}


def _print(leads: int, found: dict[str, Any]) -> None:
    of = f"an org with {leads:,} leads"
    table(f"`sfsync pull` of {of}, normalised values included", [_pulled(n, f["pull"]) for n, f in found.items()])
    table(f"Normalising {of}", [row for n, f in found.items() for row in _normalised(n, f["normalise"])])
    checked = {n: f["rules"] for n, f in found.items()}
    table(f"All rules over {of}", [_checked(n, rules) for n, rules in checked.items()])
    slow = [
        {"on": name, "rule": rule, "seconds": seconds}
        for name, rules in checked.items()
        for rule, seconds in rules["slowest"].items()
    ]
    table("The slowest rules", slow)
    for name, rules in checked.items():
        if rules["not_evaluated"]:
            print(f"{name}: not evaluated: {', '.join(rules['not_evaluated'])}")
        if rules["failed"]:
            print(f"{name}: failed: {', '.join(rules['failed'])}")


def _pulled(name: str, pull: dict[str, Any]) -> dict[str, Any]:
    return {
        "into": name,
        "rows": pull["rows"],
        "process seconds": pull["process"],
        "rows/s": pull["rows"] / pull["process"],
        "peak MB": pull["peak"],
        "API calls": pull["calls"],
    }


def _normalised(name: str, normalise: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "on": name,
            "sobject": sobject,
            "rows": o["rows"],
            "seconds": o["seconds"],
            "rows/s": o["rows"] / o["seconds"],
            "peak MB": normalise["peak"],
        }
        for sobject, o in normalise["objects"].items()
        if o["rows"]
    ]


def _checked(name: str, rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "on": name,
        "rules": rules["rules"],
        "findings": rules["findings"],
        "seconds": rules["seconds"],
        "of it evaluating": rules["evaluating"],
        "peak MB": rules["peak"],
    }
