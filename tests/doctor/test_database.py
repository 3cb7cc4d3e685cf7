"""What doctor says about a PostgreSQL server, each line fine or with what to do."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sfsync.doctor.check import Check, DoctorResult
from sfsync.doctor.local import look_at_database, look_at_warehouse
from sfsync.warehouse import Warehouse
from sfsync.warehouse.postgres_health import remarks
from tests import postgres


def checks(url: str) -> dict[str, Check]:
    result = DoctorResult()
    warehouse = Warehouse(url, wait=0.3)
    look_at_warehouse(result, warehouse)
    look_at_database(result, warehouse)
    warehouse.close()
    return {c.name: c for c in result.checks}


@pytest.fixture
def database(postgres_url: str) -> str:
    return str(sa.make_url(postgres_url).database)


def told(**facts: object) -> dict[str, tuple[str, bool]]:
    """what → (advice, broken), of a server with these facts: settings that a test cannot change on a running one."""
    healthy = {
        "major": 15, "version": "15.3", "database": "acme", "role": "sfsync", "superuser": False, "encoding": "UTF8",
        "collation": "C", "bytes": 1, "autovacuum": "on", "track_counts": "on", "fsync": "on", "standby": False,
        "temporary": True, "creating": True, "schemas": 3, "encrypted": True, "remote": True,
    }  # fmt: skip
    columns = ", ".join(f"{_literal(value)} AS {name}" for name, value in {**healthy, **facts}.items())
    with sa.create_engine("duckdb:///:memory:").connect() as con:
        return {r.what: (r.advice, r.broken) for r in remarks(con, f"SELECT {columns}")}


def _literal(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


def test_an_ordinary_server_and_user_get_no_advice(postgres_url):
    found = checks(postgres_url)
    lines = {name: c.status for name, c in found.items() if name.startswith("database")}
    assert set(lines) == {
        f"database {what}" for what in ("version", "user", "rights", "text", "upkeep", "safety", "connection", "size")
    }
    fine = lines.pop("database safety")
    assert set(lines.values()) == {"ok"}, found
    assert fine == ("warn" if postgres.execute(postgres_url, "SHOW fsync") == [("off",)] else "ok")
    assert "PostgreSQL" in found["database version"].found


def test_nothing_is_said_about_a_file(tmp_path):
    assert set(checks(f"duckdb:///{tmp_path / 'w.duckdb'}")) == {"warehouse"}


def test_rights_that_a_pull_needs_are_granted_with_the_statement_given(postgres_url, database):
    postgres.execute(postgres_url, f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC, CURRENT_USER")
    postgres.execute(postgres_url, f"REVOKE CREATE ON DATABASE {database} FROM CURRENT_USER")
    found = checks(postgres_url)["database rights"]
    assert (found.status, "GRANT TEMPORARY, CREATE ON DATABASE" in found.advice) == ("fail", True)
    postgres.execute(postgres_url, found.advice)
    assert checks(postgres_url)["database rights"].status == "ok"


def test_a_database_that_is_not_utf8_fails(postgres_server):
    with postgres.database(postgres_server, "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0") as url:
        found = checks(url)
    assert found["warehouse"].status == "fail"
    assert "ENCODING 'UTF8'" in found["warehouse"].found


@pytest.mark.parametrize(
    ("facts", "what", "says"),
    [
        ({"superuser": True}, "user", "CREATE ROLE"),
        ({"major": 11}, "version", "Upgrade"),
        ({"autovacuum": "off"}, "upkeep", "autovacuum"),
        ({"track_counts": "off"}, "upkeep", "track_counts"),
        ({"fsync": "off"}, "safety", "fsync"),
        ({"encrypted": False}, "connection", "sslmode"),
    ],
)
def test_what_is_unwise_is_a_warning_with_what_to_do(facts, what, says):
    found = told(**facts)
    assert {name for name, (advice, _) in found.items() if advice} == {what}
    assert says in found[what][0]
    assert not found[what][1]


def test_a_server_on_this_machine_needs_no_encryption():
    assert told(encrypted=False, remote=False)["connection"] == ("", False)


def test_a_superuser_is_a_warning(postgres_server):
    [(superuser,)] = postgres.execute(postgres_server, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    found = checks(postgres_server)["database user"]
    assert (found.status == "warn") == superuser


@pytest.mark.parametrize("facts", [{"standby": True}, {"temporary": False}, {"creating": False, "schemas": 2}])
def test_what_a_pull_would_fail_at_is_a_failure(facts):
    advice, broken = told(**facts)["rights"]
    assert advice
    assert broken
