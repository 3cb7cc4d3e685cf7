"""A practice org in a process of its own, filled once per size and kept."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from benchmarks.process import ROOT, Failed

START_SECONDS = 900.0
_ROLL = 'hash("Id", {n})'
CUSTOM: tuple[tuple[int, dict[str, Any], str], ...] = (
    (8, {"type": "picklist", "length": 255}, f"CASE WHEN {_ROLL} % 3 > 0 THEN 'Choice ' || {_ROLL} % 9 END"),
    (4, {"type": "currency", "precision": 18, "scale": 2}, f"CAST({_ROLL} % 10000000 AS DECIMAL(18, 2)) / 100"),
    (3, {"type": "datetime"}, f'"CreatedDate" + to_hours(CAST({_ROLL} % 9000 AS INT))'),
    (2, {"type": "date"}, f'CAST("CreatedDate" AS DATE) + CAST({_ROLL} % 300 AS INT)'),
    (3, {"type": "boolean", "nillable": False}, f"{_ROLL} % 2 = 0"),
)
"""How many custom fields of a type Lead gets, and their values: a real org has some; with these it has 80 to read."""


@dataclass(frozen=True)
class Served:
    """A practice org that answers."""

    url: str
    client_id: str
    client_secret: str
    pid: int

    @property
    def login(self) -> dict[str, str]:
        """The arguments of OrgConfig."""
        return {"instance_url": self.url, "client_id": self.client_id, "client_secret": self.client_secret}

    def cpu_seconds(self) -> float:
        """What the server has used so far: it shares the machine's cores with what is measured. 0 where unknown."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ahead(self, seconds: float) -> None:
        """Let the org's clock run so much ahead of real time."""
        requests.post(f"{self.url}/practice/clock", json={"offset_seconds": seconds}, timeout=10).raise_for_status()


@contextmanager
def practice_org(leads: int, work: Path) -> Iterator[Served]:
    """Serve an org with so many leads. Each time it is the same one, as it was made; changes go with the process."""
    kept = work / f"org-{leads}.practice"
    if not kept.exists():
        fresh = kept.with_suffix(".making")
        fresh.unlink(missing_ok=True)
        with _serve(["--leads", str(leads), "--state", str(fresh)], work) as served:
            _add_custom_fields(served)
        fresh.replace(kept)
    used = work / f"org-{os.getpid()}.practice"
    shutil.copyfile(kept, used)
    try:
        with _serve(["--state", str(used)], work) as served:
            yield served
    finally:
        for rest in work.glob(f"{used.name}*"):
            shutil.rmtree(rest, ignore_errors=True) if rest.is_dir() else rest.unlink(missing_ok=True)


def _add_custom_fields(served: Served) -> None:
    number = 0
    for count, kind, value in CUSTOM:
        for _ in range(count):
            number += 1
            added = {"name": f"Bench_{number}__c", "label": f"Bench {number}", **kind}
            asked = {"sobject": "Lead", "add": added, "value_sql": value.replace("{n}", str(number))}
            answer = requests.post(f"{served.url}/practice/fields", json=asked, timeout=300)
            if answer.status_code != 200:
                raise Failed(f"the practice org refuses {added['name']}: {answer.text[:300]}")


@contextmanager
def _serve(options: Sequence[str], work: Path) -> Iterator[Served]:
    # A file and not a pipe: nobody would read on once the server runs.
    said = work / f"practice-{os.getpid()}.log"
    with said.open("w+b") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "sfsync", "practice", "--port", "0", "--format", "json", *options],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=ROOT,
            start_new_session=True,
        )
        try:
            facts = _ready(server, said)
            yield Served(facts["url"], facts["client_id"], facts["client_secret"], server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            said.unlink(missing_ok=True)


def _ready(server: subprocess.Popen[bytes], said: Path) -> dict[str, Any]:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        text = said.read_text(encoding="utf-8", errors="replace")
        start = text.find("{")
        if start >= 0:
            try:
                found, _ = json.JSONDecoder().raw_decode(text[start:])
                return dict(found)
            except ValueError:
                pass  # half of it is written
        time.sleep(0.05)
    raise Failed(f"the practice org did not start: {said.read_text(encoding='utf-8', errors='replace')[-1000:]}")
