"""Pulls that are killed: a process, ready to pull, that forks one for each order it reads and says how it ended.

An order is a line of JSON: the config of the org, the warehouse, the mapping, and the number of the point at which the
pull ends by SIGKILL. Points are each answer of the org, each SQL statement, each commit, and each change of a file's
name. The reply is a line too: {"killed": bool, "points": how many there were}.

Most of such a pull's time would go into importing what it needs, again in each fork. So what a pull that lived had
imported is imported here, before the next fork.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import sqlalchemy as sa

from sfsync.config import OrgConfig, PullConfig
from sfsync.mapping import read_mapping
from sfsync.pull import pull
from sfsync.salesforce.org import Org
from sfsync.warehouse import Warehouse

FILE_EVENTS = {"os.rename", "os.mkdir", "os.remove", "shutil.rmtree"}


class Killer:
    """The orders' other end."""

    def __enter__(self) -> Killer:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.pull.killed"],
            cwd=Path(__file__).parent.parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate("")

    def pull(self, **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


class _Points:
    def __init__(self, last: int):
        self.passed = 0
        self._last = last
        self._lock = threading.Lock()

    def pass_one(self, *_: object) -> None:
        with self._lock:
            self.passed += 1
            if self.passed == self._last:
                os.kill(os.getpid(), signal.SIGKILL)


def _run(order: dict[str, Any]) -> int:
    points = _Points(order["point"])
    sa.event.listen(sa.Engine, "before_cursor_execute", points.pass_one)
    sa.event.listen(sa.Engine, "commit", points.pass_one)
    sys.addaudithook(lambda event, _: points.pass_one() if event in FILE_EVENTS else None)
    warehouse = Warehouse(order["warehouse"], wait=5)
    config = PullConfig(staging=Path(order["staging"]), api=order["api"])
    with Org.connect(OrgConfig(**order["org"]), on_call=points.pass_one) as org:
        mapping = read_mapping(Path(order["mapping"]))
        assert pull(org, warehouse, [mapping], config, run_id="killed").exit_code == 0
    warehouse.close()
    return points.passed


def main() -> None:
    for line in sys.stdin:
        known = set(sys.modules)
        told, tell = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                points = _run(json.loads(line))
                new = [name for name in sys.modules if name not in known]
                os.write(tell, json.dumps({"points": points, "modules": new}).encode())
                code = 0
            finally:
                os._exit(code)
        os.close(tell)
        with os.fdopen(told, "rb") as said:
            answer = json.loads(said.read() or "{}")
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if not killed and status:
            raise SystemExit(f"the pull ended by itself, with {status}")
        for name in answer.get("modules", ()):
            with suppress(Exception):
                importlib.import_module(name)
        print(json.dumps({"killed": killed, "points": answer.get("points", 0)}), flush=True)


if __name__ == "__main__":
    main()
