"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("sfsync", "duckdb", "duckdb-sqlalchemy", "sqlalchemy", "psycopg", "pandas", "requests", "isal", "sqlglot")


def describe() -> list[str]:
    """Lines for a report's head: machine, versions, load."""
    load = ", ".join(f"{n:.1f}" for n in os.getloadavg())
    return [
        f"machine: {_processor()}, {os.cpu_count()} cores, {_memory_gb():.0f} GB, {platform.system()} "
        f"{platform.release()}",
        f"python {platform.python_version()}, {', '.join(f'{p} {_version(p)}' for p in PACKAGES)}",
        f"load average at the start (1, 5, 15 minutes): {load}"
        + (" - others are at work here: read ratios, not seconds" if os.getloadavg()[0] > 0.5 else ""),
    ]


def load() -> float:
    """How many processes wanted a core in the last minute, on average."""
    return os.getloadavg()[0]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"
