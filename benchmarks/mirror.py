"""A warehouse filled by the command itself, as a user fills it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.org import Served
from benchmarks.process import Ran, run


@contextmanager
def config(org: Served, url: str, folder: Path) -> Iterator[Path]:
    """A config.yaml for this org and warehouse; gone afterwards."""
    path = folder / "config.yaml"
    document = {"org": org.login, "warehouse": url, "pull": {"staging": str(folder / "staging")}}
    path.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML too
    try:
        yield path
    finally:
        path.unlink()


def pull_all(org: Served, url: str, folder: Path) -> Ran:
    """`sfsync pull` of everything the default config names; `said` is its JSON."""
    with config(org, url, folder) as path:
        return run([sys.executable, "-m", "sfsync", "pull", "--config", path, "--format", "json", "--quiet"])
