"""pull of Lead beside what it cannot be faster than: the download alone, and the database alone."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.databases import Database
from benchmarks.org import Served, practice_org
from benchmarks.process import Ran, step
from benchmarks.replay import replay
from benchmarks.report import goal, median, spread, table
from benchmarks.wire import slow_wire

DOWNLOADS = {
    "curl": "curl --compressed, one page after the other",
    "requests_gzip": "requests, the gzip bytes as they come",
    "requests_unpacked": "requests, unpacked by urllib3",
    "org_fetch": "Org.fetch, three pages at a time (as pull does)",
}
REPLAYED = ("requests_gzip", "requests_unpacked")
IDLE_RUNS = 5
HOUR = 3600.0


@dataclass
class Measured:
    """All runs of one size: name → what each run said, with `cpu`, `peak` and `process` of its process."""

    leads: int
    columns: int = 0
    megabytes: float = 0.0
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, name: str, ran: Ran, server_cpu: float = 0.0) -> None:
        told = {k: v for k, v in ran.said.items() if k != "files"}
        told |= {"cpu": ran.cpu_seconds, "peak": ran.peak_mb, "process": ran.seconds, "server_cpu": server_cpu}
        self.runs.setdefault(name, []).append(told)

    def all(self, name: str, key: str = "seconds") -> list[float]:
        return [float(run[key]) for run in self.runs.get(name, [])]

    def mid(self, name: str, key: str = "seconds") -> float:
        return median(self.all(name, key))


def measure(leads: int, stores: Sequence[Database], work: Path, *, runs: int, wire_mb: float) -> Measured:
    """Measure one size and print its tables."""
    found = Measured(leads)
    with practice_org(leads, work) as org, _folder(work) as folder:
        asked = step("ask", login=org.login).said
        found.columns = len(asked["types"])
        pages = folder / "pages"
        pages.mkdir()
        files = step("org_fetch", login=org.login, soql=asked["soql"], keep=pages).said["files"]
        found.megabytes = sum(Path(f).stat().st_size for f in files) / 1e6
        with ExitStack() as kept:
            mirrors: dict[str, str] = {}
            for number in range(runs):
                _downloads(found, org, asked["soql"])
                for store in stores:
                    with store.fresh() as url:
                        found.add(f"load {store.name}", step("load", url=url, files=files, types=asked["types"]))
                    mirror = kept.enter_context(store.fresh()) if number == runs - 1 else None
                    if mirror:
                        mirrors[store.name] = mirror
                        _first_pull(found, org, store.name, mirror, folder)
                    else:
                        with store.fresh() as url:
                            _first_pull(found, org, store.name, url, folder)
            _replayed(found, org, asked, files, stores, folder, runs)
            _later_pulls(found, org, mirrors, folder, runs)
        if wire_mb:
            _by_wire(found, org, asked, stores, folder, wire_mb)
    _print(found, [s.name for s in stores], wire_mb)
    return found


def _downloads(found: Measured, org: Served, soql: str) -> None:
    for name in DOWNLOADS:
        if name == "curl" and not shutil.which("curl"):
            continue
        before = org.cpu_seconds()
        ran = step(name, login=org.login, soql=soql)
        found.add(name, ran, org.cpu_seconds() - before)


def _first_pull(found: Measured, org: Served, name: str, url: str, folder: Path) -> None:
    before = org.cpu_seconds()
    ran = _pull(org.login, url, folder)
    found.add(f"pull {name}", ran, org.cpu_seconds() - before)


def _replayed(
    found: Measured,
    org: Served,
    asked: dict[str, Any],
    files: list[str],
    stores: Sequence[Database],
    folder: Path,
    runs: int,
) -> None:
    """First pulls from an org that takes no part of this machine's cores, the database alone beside each."""
    with replay(org.url, folder / "replay") as url:
        login = {"instance_url": url, "auth": "session", "session_id": asked["token"]}
        for name in REPLAYED:
            step(name, login=login, soql=asked["soql"])  # the first answers are fetched and kept
        for number in range(runs + 1):
            for name in REPLAYED if number else ():
                found.add(f"replay {name}", step(name, login=login, soql=asked["soql"]))
            for store in stores:
                with store.fresh() as mirror:
                    ran = _pull(login, mirror, folder)
                if number:
                    found.add(f"replay pull {store.name}", ran)
                    with store.fresh() as mirror:
                        loaded = step("load", url=mirror, files=files, types=asked["types"])
                    found.add(f"replay load {store.name}", loaded)


def _later_pulls(found: Measured, org: Served, mirrors: dict[str, str], folder: Path, runs: int) -> None:
    """The org's clock goes an hour ahead each time, so that the overlap does not read the changes before once more."""
    org.ahead(HOUR)
    for name, url in mirrors.items():
        _pull(org.login, url, folder)  # leaves the cursor past everything the generator stamped
        org.ahead(2 * HOUR)
        for _ in range(IDLE_RUNS):
            found.add(f"idle {name}", _pull(org.login, url, folder))
        org.ahead(HOUR)
    for number in range(runs):
        org.ahead((3 + number) * HOUR)
        url = next(iter(mirrors.values()))
        found.add("touch", step("touch", login=org.login, url=url, share=0.01, word=f"change {number}"))
        for name, url in mirrors.items():
            found.add(f"1 % {name}", _pull(org.login, url, folder))


def _by_wire(
    found: Measured, org: Served, asked: dict[str, Any], stores: Sequence[Database], folder: Path, megabytes: float
) -> None:
    token = step("ask", login=org.login).said["token"]  # the first one died while the org's clock ran ahead
    with slow_wire(org.url, megabytes * 1e6) as url:
        login = {"instance_url": url, "auth": "session", "session_id": token}
        found.add("wire download", step("requests_gzip", login=login, soql=asked["soql"]))
        for store in stores:
            with store.fresh() as mirror:
                found.add(f"wire {store.name}", _pull(login, mirror, folder))


def _pull(login: dict[str, Any], url: str, folder: Path) -> Ran:
    return step("pull", login=login, url=url, staging=folder / "staging", run_id="bench")


def _print(m: Measured, stores: Sequence[str], wire_mb: float) -> None:
    size = f"{m.leads:,} leads x {m.columns} columns, {m.megabytes:,.0f} MB of CSV"
    table(f"Download alone: {size}", [_download_row(m, name) for name in DOWNLOADS if name in m.runs])
    table(f"First pull: {size}", [row for name in stores for row in _pull_rows(m, name)])
    table(f"First pull from an org elsewhere (kept answers, replayed): {size}", list(_replay_rows(m, stores)))
    later = [(f"{what} {name}", what, name) for name in stores for what in ("idle", "1 %")]
    table("Later pulls", [_later_row(m, key, what, name) for key, what, name in later])
    if wire_mb:
        base = m.mid("wire download")
        rows = [{"what": "download alone", "seconds": base, "x download": 1.0}]
        rows += [
            {"what": f"pull into {n}", "seconds": m.mid(f"wire {n}"), "x download": m.mid(f"wire {n}") / base}
            for n in stores
        ]
        table(f"The wire gives {wire_mb:g} MB/s", rows)
    print()
    for name in stores:
        _goals(m, name, wire_mb)


def _download_row(m: Measured, name: str) -> dict[str, Any]:
    return {
        "what": DOWNLOADS[name],
        "seconds": spread(m.all(name)),
        "rows/s": m.leads / m.mid(name),
        "client CPU s": m.mid(name, "cpu"),
        "server CPU s": m.mid(name, "server_cpu"),
        "peak MB": m.mid(name, "peak"),
    }


def _pull_rows(m: Measured, store: str) -> Iterator[dict[str, Any]]:
    alone, download = m.mid(f"load {store}"), m.mid(_base(m))
    for name, what in ((f"load {store}", "alone, its own CSV reader"), (f"pull {store}", "pull")):
        yield {
            "what": f"{store}, {what}",
            "seconds": spread(m.all(name)),
            "rows/s": m.leads / m.mid(name),
            "x load alone": m.mid(name) / alone,
            "x download alone": m.mid(name) / download,
            "x both": m.mid(name) / (alone + download),
            "CPU s": m.mid(name, "cpu"),
            "x CPU": m.mid(name, "cpu") / m.mid(f"load {store}", "cpu"),
            "server CPU s": m.mid(name, "server_cpu"),
            "peak MB": m.mid(name, "peak"),
            "API calls": m.mid(name, "calls") if "calls" in m.runs[name][0] else "",
        }


def _replay_rows(m: Measured, stores: Sequence[str]) -> Iterator[dict[str, Any]]:
    alone = {f"replay {name}": DOWNLOADS[name] for name in REPLAYED}
    for name in stores:
        alone |= {f"replay load {name}": f"{name}, alone", f"replay pull {name}": f"{name}, pull"}
    for key, what in alone.items():
        store = key.rpartition(" ")[2]
        yield {
            "what": what,
            "seconds": spread(m.all(key)),
            "rows/s": m.leads / m.mid(key),
            "x load alone": m.mid(key) / m.mid(f"replay load {store}") if store in stores else "",
            "x download alone": m.mid(key) / m.mid("replay requests_unpacked"),
            "CPU s": m.mid(key, "cpu"),
            "peak MB": m.mid(key, "peak"),
        }


def _later_row(m: Measured, key: str, what: str, store: str) -> dict[str, Any]:
    return {
        "what": "nothing changed" if what == "idle" else f"{m.mid('touch', 'changed'):,.0f} leads changed",
        "into": store,
        "seconds": spread(m.all(key)),
        "process seconds": m.mid(key, "process"),
        "rows read": int(m.mid(key, "read")),
        "API calls": int(m.mid(key, "calls")),
        "peak MB": m.mid(key, "peak"),
    }


def _goals(m: Measured, store: str, wire_mb: float) -> None:
    beside, elsewhere = m.mid(f"pull {store}"), m.mid(f"replay pull {store}")
    alone, rows = m.mid(f"load {store}"), f"rows/s of {m.columns} columns"
    goal(f"{store}: first pull against {_base(m)}", beside / m.mid(_base(m)), 2.5)
    goal(f"{store}: first pull against the database alone, org on this machine", beside / alone, 1.5)
    goal(
        f"{store}: first pull against the database alone, org elsewhere", elsewhere / m.mid(f"replay load {store}"), 1.5
    )
    goal(f"{store}: {rows}, org on this machine", m.leads / beside, 60_000, at_most=False)
    goal(f"{store}: {rows}, org elsewhere", m.leads / elsewhere, 60_000, at_most=False)
    goal(f"{store}: peak memory of the first pull, MB", m.mid(f"pull {store}", "peak"), 300)
    goal(f"{store}: API calls of an idle pull", m.mid(f"idle {store}", "calls"), 2)
    if wire_mb:
        goal(f"{store}: pull where the wire is the limit", m.mid(f"wire {store}") / m.mid("wire download"), 1.1)


def _base(m: Measured) -> str:
    """The download everybody knows: curl, or requests where there is no curl."""
    return "curl" if "curl" in m.runs else "requests_unpacked"


@contextmanager
def _folder(work: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pull-", dir=work) as folder:
        yield Path(folder)


def compare_sizes(found: Sequence[Measured], stores: Sequence[str]) -> None:
    """Whether memory stays flat and speed holds, when more than one size was measured."""
    if len(found) < 2:
        return
    rows = [
        {
            "leads": m.leads,
            "into": name,
            "rows/s": m.leads / m.mid(f"pull {name}"),
            "peak MB": m.mid(f"pull {name}", "peak"),
        }
        for name in stores
        for m in found
    ]
    table("Sizes", rows)
