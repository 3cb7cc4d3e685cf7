"""How long until sfsync answers at all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.process import ROOT, run
from benchmarks.report import goal, median, spread, table

RUNS = 15


def _run_all() -> dict[str, list[float]]:
    """Seconds of each run; the programs take turns, so that a busy moment hits all of them."""
    script = Path(sys.executable).with_name("sfsync")
    programs = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import sfsync": [sys.executable, "-c", "import sfsync"],
        "import sfsync.api": [sys.executable, "-c", "import sfsync.api"],
        "sfsync --help": [str(script), "--help"] if script.exists() else [sys.executable, "-m", "sfsync", "--help"],
        "sfsync pull --help": [sys.executable, "-m", "sfsync", "pull", "--help"],
        "import pandas, duckdb, sqlalchemy": [sys.executable, "-c", "import pandas, duckdb, sqlalchemy"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(RUNS + 1):
        for name, argv in programs.items():
            took = run(argv, env={"PYTHONPATH": str(ROOT)}).seconds
            if number:  # the first run fills the disk cache
                seconds[name].append(took)
    return seconds


def measure() -> dict[str, Any]:
    """Measure and print."""
    seconds = _run_all()
    bare = median(seconds["python -c pass"])
    table(
        f"Start-up, {RUNS} runs each",
        [{"what": k, "seconds": spread(v), "x bare python": median(v) / bare} for k, v in seconds.items()],
    )
    print()
    goal("sfsync --help, seconds", median(seconds["sfsync --help"]), 0.2)
    return seconds
