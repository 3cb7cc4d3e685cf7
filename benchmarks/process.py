"""Run a program of its own and say what it cost: every measured thing is a process, so that memory is its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class Failed(Exception):
    """A measured program ended badly; the message is the end of what it said."""


@dataclass(frozen=True)
class Ran:
    seconds: float
    """From start to end of the process, the interpreter's start included."""
    cpu_seconds: float
    peak_mb: float
    """The most memory it ever held (resident), in MB of 2**20 bytes."""
    said: dict[str, Any]
    """The JSON object it printed, empty when it printed none."""


def run(argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None, ok: Sequence[int] = (0,)) -> Ran:
    """Run the program to its end, in the repository's root. Raises Failed for an exit code that is not `ok`."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        child = subprocess.Popen(
            [str(a) for a in argv], stdout=out, stderr=err, cwd=ROOT, env={**os.environ, **(env or {})}
        )
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in ok:
            raise Failed(f"{' '.join(map(str, argv[:4]))} … ended with {child.returncode}: {_tail(err) or _tail(out)}")
        out.seek(0)
        said = _last_json(out.read().decode("utf-8", "replace"))
    return Ran(seconds, used.ru_utime + used.ru_stime, _megabytes(used.ru_maxrss), said)


def step(name: str, **given: Any) -> Ran:
    """Run one function of benchmarks.steps in a process of its own; `said` is what it returned."""
    return run([sys.executable, "-m", "benchmarks.steps", name, json.dumps(given, default=str)])


def _megabytes(maxrss: int) -> float:
    # Linux counts kibibytes, macOS bytes. Source: getrusage(2) of each.
    return maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _tail(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode("utf-8", "replace")).strip()[-2000:]


def _last_json(text: str) -> dict[str, Any]:
    """The last JSON object that begins a line; a program may show other things before it."""
    lines = text.splitlines()
    for number in range(len(lines) - 1, -1, -1):
        if lines[number].startswith("{"):
            found = json.loads("\n".join(lines[number:]))
            return found if isinstance(found, dict) else {}
    return {}
