"""Install the peers beside us, let each copy Lead out of the same org, and compare."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.org import practice_org
from benchmarks.process import Failed, run, step
from benchmarks.report import goal, table

HERE = Path(__file__).parent
PEERS = {
    "dlt_rest": "dlt + simple-salesforce query_all_iter (REST)",
    "dlt_bulk": "dlt + simple-salesforce bulk2.query",
    "pandas_bulk": "simple-salesforce bulk2.query + pandas + DuckDB",
}
QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false"}


def measure(leads: int, rows: int, work: Path) -> list[dict[str, Any]]:
    """Each peer copies `rows` leads into DuckDB, sfsync as many and then all of them. Prints the comparison."""
    python = _installed(work)
    if python is None:
        return []
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="peers-", dir=work) as folder, practice_org(leads, work) as org:
        found.append(_ours(org.login, Path(folder), leads))
        asked = step("ask", login=org.login).said
        for name, what in PEERS.items():
            given = {
                "url": org.url,
                "token": asked["token"],
                "soql": f"{asked['soql']} LIMIT {rows}",
                "file": str(Path(folder) / f"{name}.duckdb"),
            }
            found.append(_theirs(python, name, what, given))
    print("the peers' own: " + _versions(python))
    table("The same object of the same org into DuckDB", [_row(f, found[0]) for f in found])
    print()
    for f in found[1:]:
        if f["seconds"]:
            goal(f"rows/s against {f['what']}", _speed(found[0]) / _speed(f), 20, at_most=False)
    return found


def _ours(login: dict[str, str], folder: Path, leads: int) -> dict[str, Any]:
    ran = step("pull", login=login, url=f"duckdb:///{folder / 'ours.duckdb'}", staging=folder / "s", run_id="bench")
    said = {"rows": ran.said["rows"], "seconds": ran.said["seconds"]}
    return {"what": "sfsync pull", **said, "cpu": ran.cpu_seconds, "peak": ran.peak_mb, "problem": ""}


def _theirs(python: Path, name: str, what: str, given: dict[str, str]) -> dict[str, Any]:
    try:
        ran = run([python, HERE / f"{name}.py", json.dumps(given)], env=QUIET)
    except Failed as err:
        return {"what": what, "rows": 0, "seconds": 0.0, "cpu": 0.0, "peak": 0.0, "problem": str(err)[-300:]}
    return {"what": what, **ran.said, "cpu": ran.cpu_seconds, "peak": ran.peak_mb, "problem": ""}


def _row(f: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    if f["problem"]:
        return {"what": f["what"], "rows": f"failed: {f['problem']}"}
    return {
        "what": f["what"],
        "rows": f["rows"],
        "seconds": f["seconds"],
        "rows/s": _speed(f),
        "sfsync is x faster": _speed(ours) / _speed(f),
        "CPU us per row": 1e6 * f["cpu"] / f["rows"],
        "peak MB": f["peak"],
    }


def _speed(f: dict[str, Any]) -> float:
    return float(f["rows"] / f["seconds"])


def _installed(work: Path) -> Path | None:
    """The peers' own Python; None, with a line of why, when they cannot be installed."""
    folder = work / "peers-venv"
    python = folder / "bin" / "python"
    wanted = (HERE / "requirements.txt").read_text(encoding="utf-8")
    done = folder / "installed"
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True, capture_output=True)
        pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True, capture_output=True, text=True)
    except (subprocess.CalledProcessError, OSError) as err:
        said = getattr(err, "stderr", "") or ""
        print(f"peers left out: they could not be installed ({err}). {str(said)[-300:]}")
        return None
    done.write_text(wanted, encoding="utf-8")
    return python


def _versions(python: Path) -> str:
    found = subprocess.run(
        [python, "-m", "pip", "list", "--format", "freeze"], check=True, capture_output=True, text=True
    ).stdout.split()
    return ", ".join(line for line in found if line.split("==")[0] in ("dlt", "duckdb", "pandas", "simple-salesforce"))
