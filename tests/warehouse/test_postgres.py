"""What is particular to PostgreSQL: the server, its locks and rights, readers beside a writer."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from sfsync.config import load_config
from sfsync.errors import ConfigError, Locked, WarehouseError
from sfsync.warehouse import Warehouse, schema
from sfsync.warehouse.mirror import Batch, take_in
from tests import postgres
from tests.warehouse.holder import holding
from tests.warehouse.test_pages import ID, WIDE
from tests.warehouse.world import NOW, World, field, lead


@pytest.fixture
def server(postgres_url: str):
    made = Warehouse(postgres_url, wait=0.3)
    yield made
    made.close()


def changed(url: str, **parts: object) -> str:
    return sa.make_url(url).set(**parts).render_as_string(hide_password=False)


def problem(url: str) -> str:
    with pytest.raises(WarehouseError) as caught, Warehouse(url, wait=0.2).write():
        pass
    return str(caught.value)


# -- reaching it


def test_a_server_that_does_not_answer_is_named_without_the_password(postgres_url):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    says = problem(changed(postgres_url, port=port, password="hidden-word"))
    assert f"127.0.0.1:{port}" in says
    assert f"user {sa.make_url(postgres_url).username}" in says
    assert "refused" in says
    assert "hidden-word" not in says
    assert len(says.splitlines()) == 1


def test_a_wrong_password_is_said_and_not_shown(postgres_url):
    says = problem(changed(postgres_url, password="hidden-word"))
    assert "password authentication failed" in says
    assert "hidden-word" not in says


def test_a_database_that_is_not_there_comes_with_the_statement_that_makes_it(postgres_url):
    says = problem(changed(postgres_url, database="nowhere"))
    assert "there is no PostgreSQL database nowhere at 127.0.0.1" in says
    assert "CREATE DATABASE nowhere ENCODING 'UTF8'" in says


def test_whether_a_warehouse_exists_is_not_guessed_when_the_server_is_away(postgres_url):
    with pytest.raises(WarehouseError, match="there is no PostgreSQL database"):
        assert Warehouse(changed(postgres_url, database="nowhere")).exists


def test_a_database_that_cannot_hold_every_name_is_refused(postgres_server):
    with postgres.database(postgres_server, "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0") as url:
        assert "keeps text as LATIN1" in problem(url)


def test_a_missing_right_is_named(postgres_url):
    database = sa.make_url(postgres_url).database
    postgres.execute(postgres_url, f"REVOKE CREATE ON DATABASE {database} FROM CURRENT_USER")
    says = problem(postgres_url)
    assert f"permission denied for database {database}" in says
    assert "grant" in says


def test_a_server_that_takes_no_changes_is_said_to(postgres_url):
    database = sa.make_url(postgres_url).database
    postgres.execute(postgres_url, f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    assert "takes no changes" in problem(postgres_url)


def test_the_password_stands_in_no_name(server, postgres_url):
    password = sa.make_url(postgres_url).password
    assert password
    assert password not in server.name
    assert "127.0.0.1" in server.name


def test_the_plain_scheme_is_understood(postgres_url):
    plain = Warehouse(postgres_url.replace("postgresql+psycopg://", "postgresql://"))
    with plain.write():
        pass
    assert plain.exists


def configured(folder: Path, url: str) -> str:
    file = folder / "config.yaml"
    file.write_text(
        f"org:\n  instance_url: https://acme.my.salesforce.com\n  client_id: a\n  client_secret: b\nwarehouse: {url}\n",
        encoding="utf-8",
    )
    return load_config(file).warehouse


def test_the_config_takes_a_server_and_wants_its_database(tmp_path):
    url = "postgresql+psycopg://me@db.acme.com/acme?sslmode=require"
    assert configured(tmp_path, url) == url
    with pytest.raises(ConfigError, match=r"config.yaml:5: .*without a database"):
        configured(tmp_path, "postgresql+psycopg://me@db.acme.com")
    with pytest.raises(ConfigError, match="postgresql") as caught:
        configured(tmp_path, "mysql://me:hidden@db.acme.com/acme")
    assert "hidden" not in str(caught.value)


# -- losing it


ALL_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()"


def end_sessions(url: str) -> None:
    database = sa.make_url(url).database
    postgres.execute(changed(url, database="postgres"), ALL_OTHERS.format(database))


def test_a_connection_lost_while_writing_leaves_the_old_state(server, postgres_url):
    with server.write():
        pass

    def lose_it() -> None:
        with server.write() as con:
            con.exec_driver_sql("INSERT INTO sfsync.meta VALUES ('a', '1')")
            end_sessions(postgres_url)
            con.exec_driver_sql("INSERT INTO sfsync.meta VALUES ('b', '2')")

    with pytest.raises(WarehouseError, match="Nothing was committed; run again"):
        lose_it()
    with server.write() as con:
        assert server.meta(con) == {"format": "1"}


def test_a_connection_lost_at_the_commit_is_said(server, postgres_url):
    with pytest.raises(WarehouseError, match="connection was lost"), server.write():
        end_sessions(postgres_url)


def test_a_connection_lost_while_loading_is_said(server, postgres_url, tmp_path):
    def lose_it() -> None:
        with server.write() as con:
            world = World(server, con, tmp_path)
            world.take(world.page(lead(1)))
            end_sessions(postgres_url)
            take_in(con, Batch("Lead", [world.page(lead(2))], "r2", NOW, NOW, "SystemModstamp"))

    with pytest.raises(WarehouseError, match="connection was lost"):
        lose_it()
    with server.write() as con:
        assert not server.has_table(con, "salesforce.Lead")


def test_a_connection_lost_while_reading_is_said(server, postgres_url):
    with server.write():
        pass

    def lose_it() -> None:
        with server.read() as con:
            end_sessions(postgres_url)
            con.exec_driver_sql("SELECT 1")

    with pytest.raises(WarehouseError, match="connection was lost"):
        lose_it()


def test_a_failure_that_the_caller_swallowed_is_not_taken_for_a_commit(server):
    def swallow() -> None:
        with server.write() as con, suppress(sa.exc.DBAPIError):
            con.exec_driver_sql("INSERT INTO sfsync.meta VALUES ('a', '1')")
            con.exec_driver_sql("SELECT * FROM nowhere")

    with server.write():
        pass
    with pytest.raises(WarehouseError, match="Nothing was committed"):
        swallow()


def test_a_table_made_anew_with_other_columns_is_read_as_it_is(server):
    with server.write():
        pass
    with server.draft() as draft:
        for n in range(20):
            names = [f"c{i}" for i in range(n % 4 + 1)]
            with draft.attempt():
                draft.fill("t", "SELECT " + ", ".join(f"1 AS {name}" for name in names))
            assert list(draft.con.exec_driver_sql("SELECT * FROM t LIMIT 0").keys()) == names


COMMITS = """
import itertools
with w.write() as con:
    con.exec_driver_sql("INSERT INTO sfsync.meta VALUES ('a', '0'), ('b', '0')")
print("ready", flush=True)
for n in itertools.count():
    with w.write() as con:
        con.exec_driver_sql(f"UPDATE sfsync.meta SET value = '{n}' WHERE key = 'a'")
        con.exec_driver_sql(f"UPDATE sfsync.meta SET value = '{n}' WHERE key = 'b'")
"""


@pytest.mark.parametrize("seconds", [0.05, 0.11, 0.17])
def test_a_kill_among_commits_leaves_whole_ones(server, postgres_url, seconds):
    with server.write():
        pass
    with holding(postgres_url, COMMITS) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.kill()
        process.wait()
    with Warehouse(postgres_url, wait=5).write() as con:
        meta = server.meta(con)
    assert meta["a"] == meta["b"]


# -- readers beside a writer


def test_readers_see_the_state_before_the_commit_and_wait_for_nobody(server, postgres_url):
    with server.write() as con:
        con.exec_driver_sql("INSERT INTO sfsync.meta VALUES ('a', 'old')")
    reader = Warehouse(postgres_url, wait=0)
    with server.write() as writing:
        writing.exec_driver_sql("UPDATE sfsync.meta SET value = 'new' WHERE key = 'a'")
        with reader.read() as con:
            assert reader.meta(con)["a"] == "old"
    with reader.read() as con:
        assert reader.meta(con)["a"] == "new"


def test_a_reader_sees_one_state_from_its_first_statement_on(server, postgres_url):
    with server.write() as con:
        con.exec_driver_sql("INSERT INTO sfsync.meta VALUES ('a', 'old')")
    reader = Warehouse(postgres_url)
    with reader.read() as con:
        assert reader.meta(con)["a"] == "old"
        with server.write() as writing:
            writing.exec_driver_sql("UPDATE sfsync.meta SET value = 'new' WHERE key = 'a'")
        assert reader.meta(con)["a"] == "old"


def test_nothing_slips_in_behind_a_semicolon(server):
    with server.write():
        pass
    for sql in ("SELECT 1; DELETE FROM sfsync.meta", "COMMIT; BEGIN READ WRITE; DELETE FROM sfsync.meta; COMMIT"):
        with server.read() as con, pytest.raises(sa.exc.DBAPIError):
            server.select(con, sql)
    with server.read() as con:
        assert server.meta(con) == {"format": "1"}


def test_a_table_that_somebody_keeps_reading_is_waited_for_and_said(server, postgres_url):
    with server.write() as con:
        schema.ensure(con, "Lead", WIDE, NOW)
    reader = Warehouse(postgres_url)
    with reader.read() as con:
        con.exec_driver_sql("SELECT count(*) FROM live.Lead")
        with pytest.raises(Locked, match="in use by another session"), server.write() as writing:
            schema.ensure(writing, "Lead", [*WIDE, field("New__c")], NOW)


def test_the_run_lock_leaves_writing_and_reading_free(server, postgres_url):
    with server.run_lock("pull"), Warehouse(postgres_url, wait=0.3).write():
        pass


def test_another_database_of_the_server_has_a_lock_of_its_own(server, postgres_server):
    with postgres.database(postgres_server) as url, server.run_lock("pull"), Warehouse(url).run_lock("pull"):
        pass


# -- tables


def test_ids_are_kept_apart_by_a_key_and_compared_byte_by_byte(server, tmp_path):
    with server.write() as con:
        World(server, con, tmp_path).take(World(server, con, tmp_path).page(lead(1)))
        key = "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'salesforce.lead'::regclass"
        assert "UNIQUE INDEX lead_pkey" in con.exec_driver_sql(key).scalar_one()
        collated = con.exec_driver_sql(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'lead' "
            "AND table_schema = 'salesforce' AND collation_name = 'C' ORDER BY 1"
        )
        assert collated.scalars().all() == ["id", "masterrecordid"]


def test_schemas_made_by_somebody_else_are_used(postgres_url):
    database = sa.make_url(postgres_url).database
    for name in ("salesforce", "live", "sfsync"):
        postgres.execute(postgres_url, f"CREATE SCHEMA {name}")
    postgres.execute(postgres_url, f"REVOKE CREATE ON DATABASE {database} FROM CURRENT_USER")
    with Warehouse(postgres_url).write() as con:
        schema.ensure(con, "Lead", WIDE, NOW)


def test_who_may_read_a_view_may_read_it_after_a_column_grew(server):
    with server.write() as con:
        schema.ensure(con, "Lead", WIDE, NOW)
        con.exec_driver_sql("GRANT SELECT ON live.Lead TO PUBLIC")
        wider = [field("Employees", "string") if f["name"] == "Employees" else f for f in WIDE]
        assert schema.ensure(con, "Lead", wider, NOW).retyped == ("Employees",)
        granted = con.exec_driver_sql("SELECT relacl::text FROM pg_class WHERE oid = 'live.lead'::regclass")
        assert re.search(r"[{,]=r/", granted.scalar_one())


def test_a_view_of_somebody_else_on_a_column_that_must_grow_is_named(server):
    with server.write() as con:
        schema.ensure(con, "Lead", WIDE, NOW)
        con.exec_driver_sql("CREATE VIEW public.board AS SELECT Employees FROM live.Lead")
    wider = [field("Employees", "string") if f["name"] == "Employees" else f for f in WIDE]
    with pytest.raises(WarehouseError, match=r"public\.board.*Nothing was changed"), server.write() as con:
        schema.ensure(con, "Lead", wider, NOW)
    with server.write() as con:
        assert schema.types(con, "Lead")["Employees"] == "BIGINT"


def test_moments_are_utc_whatever_the_servers_zone(server, postgres_url):
    database = sa.make_url(postgres_url).database
    postgres.execute(postgres_url, f"ALTER DATABASE {database} SET timezone = 'Asia/Tokyo'")
    postgres.execute(postgres_url, f"ALTER DATABASE {database} SET datestyle = 'German, DMY'")
    with server.write() as con:
        schema.ensure(con, "Lead", WIDE, NOW)
        moment = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
        server.load(con, "salesforce.Lead", ["Id", "SystemModstamp"], [(ID, moment)])
        found = con.exec_driver_sql("SELECT SystemModstamp, SystemModstamp::text FROM salesforce.Lead").one()
        assert tuple(found) == (moment, "2026-03-29 01:30:00+00")
        assert found[0].utcoffset().total_seconds() == 0


def test_statements_are_not_compiled_whatever_the_server_does(server, postgres_url):
    postgres.execute(postgres_url, f"ALTER DATABASE {sa.make_url(postgres_url).database} SET jit = on")
    with server.write() as con:
        assert con.exec_driver_sql("SHOW jit").scalar_one() == "off"
    with server.read() as con:
        assert con.exec_driver_sql("SHOW jit").scalar_one() == "off"


def test_only_an_analysis_is_kept_from_looking_up_row_by_row(server):
    with server.write():
        pass
    with server.read(whole=True) as con:
        con.rollback()
        assert con.exec_driver_sql("SHOW enable_nestloop").scalar_one() == "off"
    with server.read() as con:
        assert con.exec_driver_sql("SHOW enable_nestloop").scalar_one() == "on"


def test_text_with_a_zero_character_is_refused_unseen(server):
    with pytest.raises(WarehouseError) as caught, server.write() as con:
        server.load(con, "sfsync.meta", ["key", "value"], [("a", "secret\x00")])
    assert "secret" not in str(caught.value)


# -- the tests' own server


@pytest.mark.skipif(bool(os.environ.get("SFSYNC_TEST_POSTGRES")), reason="a server was given: none is started")
def test_the_tests_server_ends_with_its_session_and_leaves_nothing():
    code = "from tests import postgres\nwith postgres.running() as url:\n    print(url, flush=True)\n    input()"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        environment = {**os.environ, "TMPDIR": name, "PYTHONPATH": str(Path(__file__).parents[2])}
        with subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as session:
            assert session.stdout is not None
            url = session.stdout.readline().strip()
            assert postgres.execute(url, "SELECT 1") == [(1,)]
            assert list(folder.iterdir())
            session.kill()
        deadline = time.monotonic() + 30
        while list(folder.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert list(folder.iterdir()) == []
    assert "cannot connect" in problem(url)
