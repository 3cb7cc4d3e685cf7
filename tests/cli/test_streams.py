"""What reaches stdout and stderr when the world outside is not as it should be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sfsync.warehouse import Warehouse

CONFIG = "org: {instance_url: http://127.0.0.1:1, client_id: x, client_secret: y}\nwarehouse: duckdb:///w.duckdb\n"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""A locale that knows ASCII only, and no help from Python."""
INTERRUPTED_QUERY = """
import os, signal, sys, threading, time
import duckdb, duckdb_sqlalchemy, numpy, pandas, sqlalchemy, sqlglot
from sfsync.cli import main

def press():
    while True:
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=press, daemon=True).start()
main(["query", "select max(n) from (select row_number() over (order by hash(i)) n from range(80000000) t(i)) r"])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A config and an empty warehouse, in a folder whose name is not ASCII."""
    here = tmp_path / "ä ö"
    here.mkdir()
    (here / "config.yaml").write_text(CONFIG)
    with Warehouse(f"duckdb:///{here / 'w.duckdb'}").write():
        pass
    return here


def command(folder: Path, *args: str, **options: object) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **options.pop("env", {})}  # type: ignore[dict-item]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    line = args if args[0] == "-c" else ("-m", "sfsync", *args)
    return subprocess.run([sys.executable, *line], cwd=folder, env=env, encoding="utf-8", timeout=60, **streams)  # type: ignore[call-overload,no-any-return]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_under_stdout_is_one_line_and_exit_code_1(folder):
    with open("/dev/full", "w") as full:
        ran = command(folder, "rules", "list", stdout=full)
    assert ran.returncode == 1
    assert ran.stderr.startswith("sfsync: the output: No space left on device.")
    assert ran.stderr.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="closes a descriptor as a shell does")
def test_a_closed_stdout_is_no_fault(folder):
    closed = f"exec {sys.executable} -m sfsync rules list >&-"
    ran = subprocess.run(["sh", "-c", closed], cwd=folder, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_pipe_gets_utf8_whatever_the_locale(folder):
    assert "0 done · 1 failed" in command(folder, "--help", env=ASCII).stdout


def test_what_an_encoding_lacks_is_written_out(folder):
    ran = command(folder, "query", "select 'Škoda' as Name", "--format", "csv", env={"PYTHONIOENCODING": "latin-1"})
    assert (ran.returncode, ran.stdout) == (0, "Name\n\\u0160koda\n")


def test_a_file_that_cannot_be_written_is_named(folder):
    (folder / "w.duckdb.lock").unlink(missing_ok=True)
    (folder / "w.duckdb.lock").mkdir()
    ran = command(folder, "pull")
    assert ran.returncode == 1
    assert "w.duckdb.lock" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_ctrl_c_in_the_middle_of_a_statement_says_interrupted(folder):
    ran = command(folder, "-c", INTERRUPTED_QUERY)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "interrupted; what was committed is kept" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs a path that the locale cannot read")
def test_a_fault_of_ours_is_one_line_and_a_traceback_only_when_asked_for(folder):
    """DuckDB refuses a path that came in as undecodable bytes."""
    ran = command(folder, "status", env=ASCII)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("sfsync: unexpected UnicodeEncodeError at sfsync/")
    assert ran.stderr.count("\n") == 1
    assert "Traceback" in command(folder, "status", "-v", env=ASCII).stderr
