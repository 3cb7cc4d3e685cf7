"""What is true of a DuckDB file only: it is locked by whoever writes it, private, and blind to other files."""

from __future__ import annotations

import stat
import subprocess
import sys

import pytest
import sqlalchemy as sa

from sfsync.errors import Locked, WarehouseError
from sfsync.warehouse import Warehouse


def test_the_file_is_private_and_free_between_uses(tmp_path):
    path = tmp_path / "w.duckdb"
    warehouse = Warehouse(f"duckdb:///{path}")
    with warehouse.write():
        pass
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    other = f"import duckdb; print(duckdb.connect({str(path)!r}).execute('select 1').fetchone()[0])"
    assert subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=True).stdout == "1\n"


def test_reading_cannot_reach_other_files(tmp_path):
    warehouse = Warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}")
    with warehouse.write():
        pass
    other = tmp_path / "secret.csv"
    other.write_text("a\n1\n", encoding="utf-8")
    for sql in (
        f"SELECT * FROM read_csv('{other}')",
        f"COPY sfsync.meta TO '{tmp_path / 'out.csv'}'",
        f"ATTACH '{tmp_path / 'other.duckdb'}'",
        "SET enable_external_access = true",
    ):
        with warehouse.read() as con, pytest.raises(sa.exc.DBAPIError):
            con.exec_driver_sql(sql)


def test_what_lacked_memory_in_a_draft_can_have_more_for_itself(tmp_path):
    warehouse = Warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}")
    with warehouse.write():
        pass
    many = "SELECT list(range) AS all_of_them FROM range(3000000)"
    with warehouse.draft() as draft:
        draft.con.exec_driver_sql("SET memory_limit = '20MB'")
        with pytest.raises(sa.exc.DBAPIError) as short, draft.attempt():
            draft.fill("t", many)
        assert draft.lacked_memory(short.value)
        with draft.relief(), draft.attempt():
            draft.fill("t", many)
        with pytest.raises(sa.exc.DBAPIError) as short, draft.attempt():
            draft.fill("t2", many)
        assert draft.lacked_memory(short.value)
        with pytest.raises(sa.exc.DBAPIError) as wrong, draft.attempt():
            draft.fill("t", "SELECT nothing")
        assert not draft.lacked_memory(wrong.value)


def test_a_file_that_is_not_there_yet_is_not_made_by_reading(tmp_path):
    warehouse = Warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}")
    with pytest.raises(WarehouseError, match="Run `sfsync pull` first"), warehouse.read():
        pass
    assert not (tmp_path / "w.duckdb").exists()


def test_a_file_that_is_no_warehouse_is_refused_and_kept(tmp_path):
    path = tmp_path / "w.duckdb"
    path.write_text("not a database" * 1000, encoding="utf-8")
    with pytest.raises(WarehouseError, match="not a DuckDB database"), Warehouse(f"duckdb:///{path}").write():
        pass
    assert path.read_text(encoding="utf-8").startswith("not a database")


def test_another_writer_is_waited_for_and_then_named(tmp_path):
    path = tmp_path / "w.duckdb"
    with Warehouse(f"duckdb:///{path}").write():
        pass
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        told: list[str] = []
        with (
            pytest.raises(Locked, match=f"process {holder.pid}") as caught,
            Warehouse(f"duckdb:///{path}", wait=0.3, on_wait=told.append).read(),
        ):
            pass
        assert caught.value.exit_code == 5
        assert len(told) == 1
        assert str(holder.pid) in told[0]
        holder.communicate("")
    with Warehouse(f"duckdb:///{path}", wait=0.3).read():
        pass


INTERRUPTED = """
import os, signal, sys, threading
from sfsync.warehouse import Warehouse

made = Warehouse(sys.argv[1])
for use in (made.write, made.read):
    ended = threading.Event()
    def press():
        while not ended.wait(1):
            os.kill(os.getpid(), signal.SIGINT)
    thread = threading.Thread(target=press)
    try:
        with use() as con:
            if use == made.write:
                con.exec_driver_sql("CREATE TABLE salesforce.half AS SELECT 1 AS one")
            thread.start()
            try:
                con.exec_driver_sql("SELECT count(*) FROM range(1000000000000)")
            finally:
                ended.set()
    except (KeyboardInterrupt, RuntimeError):
        print("interrupted")
with made.write() as con:
    print(made.columns(con, "salesforce.half"))
"""


def test_an_interrupted_statement_ends_at_once_and_leaves_nothing(tmp_path):
    command = [sys.executable, "-c", INTERRUPTED, f"duckdb:///{tmp_path}/w.duckdb"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == "interrupted\ninterrupted\n{}\n", done.stderr
