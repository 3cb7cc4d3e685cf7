"""Another process at the same warehouse: `with holding(url, code) as process`, which runs code with `w` and `con`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def holding(url: str, code: str) -> Iterator[subprocess.Popen[str]]:
    """Yields once the process has printed `ready`; its standard input is closed at the end, if it still lives."""
    script = f"import sys\nfrom sfsync.warehouse import Warehouse\nw = Warehouse(sys.argv[1])\n{code}"
    with subprocess.Popen(
        [sys.executable, "-c", script, url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said == "ready\n", said
        try:
            yield process
        finally:
            process.communicate("")


IN_A_WRITE = """
with w.write() as con:
    con.exec_driver_sql("INSERT INTO sfsync.meta VALUES ('half', 'done')")
    print("ready", flush=True)
    sys.stdin.read()
"""
IN_A_RUN = """
with w.run_lock("pull"):
    print("ready", flush=True)
    sys.stdin.read()
"""
