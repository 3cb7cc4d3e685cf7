"""`python -m benchmarks`: measure sfsync against named baselines on this machine."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.process import ROOT

PARTS = ("startup", "pull", "peers", "rules", "dedupe", "report")


def main() -> None:
    options = _options()
    work: Path = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    (work / ".gitignore").write_text("*\n", encoding="utf-8")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped and copies removed
    started, found = time.monotonic(), dict[str, Any]()
    for line in machine.describe():
        print(line)
    for part in PARTS:
        if part in options.parts:
            print(f"\n## {part} (load average {machine.load():.1f})", flush=True)
            found[part] = _MEASURES[part](options, work)
    print(f"\n{time.monotonic() - started:.0f} s in all; load average at the end {machine.load():.1f}")
    if options.json:
        document = {"machine": machine.describe(), "found": found}
        options.json.write_text(json.dumps(document, indent=1, default=str) + "\n", encoding="utf-8")


def _startup(options: argparse.Namespace, work: Path) -> Any:
    from benchmarks import startup

    return startup.measure()


def _pull(options: argparse.Namespace, work: Path) -> Any:
    from dataclasses import asdict

    from benchmarks import pull
    from benchmarks.databases import databases

    with databases(work, options.databases) as stores:
        sizes = options.leads or [200_000]
        found = [pull.measure(n, stores, work, runs=options.runs, wire_mb=options.wire) for n in sizes]
        pull.compare_sizes(found, [s.name for s in stores])
    return [asdict(m) for m in found]


def _peers(options: argparse.Namespace, work: Path) -> Any:
    from benchmarks import peers

    return peers.measure(max(options.leads or [200_000]), options.peer_leads, work)


def _rules(options: argparse.Namespace, work: Path) -> Any:
    from benchmarks import rules
    from benchmarks.databases import databases

    with databases(work, options.databases) as stores:
        return [rules.measure(n, stores, work) for n in options.leads or [100_000]]


def _dedupe(options: argparse.Namespace, work: Path) -> Any:
    from benchmarks import dedupe

    return [dedupe.measure(n, work) for n in options.leads or [100_000]]


def _report(options: argparse.Namespace, work: Path) -> Any:
    from benchmarks import report_bench
    from benchmarks.databases import databases

    with databases(work, options.databases) as stores:
        return [report_bench.measure(n, stores, work) for n in options.leads or [100_000]]


_MEASURES = {"startup": _startup, "pull": _pull, "peers": _peers, "rules": _rules, "dedupe": _dedupe, "report": _report}


def _options() -> argparse.Namespace:
    said = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    said.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART", help=f"of {', '.join(PARTS)}; else all")
    said.add_argument("--leads", type=int, action="append", help="how many; may be given again (200,000 and 100,000)")
    said.add_argument("--runs", type=int, default=3, help="of each download, load and pull; medians are shown")
    said.add_argument("--databases", default="duckdb,postgresql")
    said.add_argument("--peer-leads", type=int, default=20_000, help="rows the peers copy")
    said.add_argument("--wire", type=float, default=4.0, metavar="MB/S", help="speed of the slow wire; 0 leaves it out")
    said.add_argument("--work", type=Path, default=ROOT / ".bench", help="made-up orgs are kept here for the next run")
    said.add_argument("--json", type=Path, metavar="FILE", help="every run's figures")
    options = said.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        said.error(f"unknown: {', '.join(sorted(unknown))}; the parts are {', '.join(PARTS)}")
    return options


if __name__ == "__main__":
    main()
