"""Fetch the Bulk result of all Leads, as pull asks for it, and do nothing with it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from sfsync.config import OrgConfig
from sfsync.mapping import load_mappings
from sfsync.salesforce.org import Org
from sfsync.salesforce.soql import select
from sfsync.warehouse.schema import sql_type

READERS = 3
"""Pages fetched at a time by `org_fetch`, as many as pull does."""
Fetch = Callable[[str, dict[str, str], Path], None]


def ask(login: dict[str, Any]) -> dict[str, Any]:
    """The query pull sends for Lead: `soql`, `types` (field → column type), and a `token` for other clients."""
    with Org.connect(OrgConfig(**login)) as org:
        described = load_mappings()["Lead"].keep(org.describe("Lead"))
        return {
            "soql": select("Lead", [f["name"] for f in described]),
            "types": {f["name"]: sql_type(f) for f in described},
            "token": org.simple_salesforce().session_id,
        }


def curl(login: dict[str, Any], soql: str) -> dict[str, Any]:
    """`curl --compressed -o FILE`, page after page."""

    def fetch(url: str, headers: dict[str, str], path: Path) -> None:
        said = [part for k, v in headers.items() for part in ("-H", f"{k}: {v}")]
        subprocess.run(["curl", "-sSf", "--compressed", *said, "-o", path, url], check=True)

    return _plain(login, soql, fetch)


def requests_gzip(login: dict[str, Any], soql: str) -> dict[str, Any]:
    """requests, the compressed bytes as they come."""

    def fetch(url: str, headers: dict[str, str], path: Path) -> None:
        with http.get(url, headers=headers, stream=True, timeout=120) as answer, path.open("wb") as out:
            answer.raise_for_status()
            while piece := answer.raw.read(256 * 1024, decode_content=False):
                out.write(piece)

    with requests.Session() as http:
        return _plain(login, soql, fetch)


def requests_unpacked(login: dict[str, Any], soql: str) -> dict[str, Any]:
    """requests, unpacked by urllib3."""

    def fetch(url: str, headers: dict[str, str], path: Path) -> None:
        with http.get(url, headers=headers, stream=True, timeout=120) as answer, path.open("wb") as out:
            answer.raise_for_status()
            for piece in answer.iter_content(256 * 1024):
                out.write(piece)

    with requests.Session() as http:
        return _plain(login, soql, fetch)


def org_fetch(login: dict[str, Any], soql: str, keep: str | None = None) -> dict[str, Any]:
    """Org, as pull does it: pages in parallel, unpacked, whole or not at all. Leaves the pages in the folder `keep`."""
    with Org.connect(OrgConfig(**login)) as org, TemporaryDirectory() as scratch:
        folder = Path(keep or scratch)
        started = time.perf_counter()
        job = org.bulk_query(soql)
        rows = job.wait().records
        with ThreadPoolExecutor(READERS) as pool:
            numbered = list(enumerate(job.pages()))
            jobs = [pool.submit(job.fetch, ref, folder / f"{n:06d}.csv") for n, ref in numbered]
            for one in jobs:
                one.result()
        return _came_to(started, rows, folder)


def _plain(login: dict[str, Any], soql: str, fetch: Fetch) -> dict[str, Any]:
    """The job's clock starts when it is created: a pull pays for the job too."""
    with Org.connect(OrgConfig(**login)) as org, TemporaryDirectory() as scratch:
        token = org.simple_salesforce().session_id
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/csv", "Accept-Encoding": "gzip"}
        started = time.perf_counter()
        job = org.bulk_query(soql)
        rows = job.wait().records
        for number, ref in enumerate(job.pages()):
            fetch(f"{org.instance_url}{ref.url}", headers, Path(scratch) / f"{number:06d}.csv")
        return _came_to(started, rows, Path(scratch))


def _came_to(started: float, rows: int, folder: Path) -> dict[str, Any]:
    seconds = time.perf_counter() - started
    files = sorted(folder.glob("*.csv"))
    return {
        "seconds": seconds,
        "rows": rows,
        "bytes": sum(f.stat().st_size for f in files),
        "files": [str(f) for f in files],
    }
