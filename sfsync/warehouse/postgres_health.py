"""What the administrator of a PostgreSQL server would want said about a warehouse on it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from sfsync.warehouse.dialect import Remark

OLDEST = 12
"""ANALYZE (SKIP_LOCKED) came with it. Source: PostgreSQL 12 release notes."""

FACTS = """
    SELECT current_setting('server_version_num')::int / 10000 AS major, current_setting('server_version') AS version,
        d.datname AS database, r.rolname AS role, r.rolsuper AS superuser, pg_encoding_to_char(d.encoding) AS encoding,
        d.datcollate AS collation, pg_database_size(d.oid) AS bytes,
        current_setting('autovacuum') AS autovacuum, current_setting('track_counts') AS track_counts,
        current_setting('fsync') AS fsync, pg_is_in_recovery() AS standby,
        has_database_privilege(d.oid, 'TEMPORARY') AS temporary, has_database_privilege(d.oid, 'CREATE') AS creating,
        (SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname IN ('salesforce', 'live', 'sfsync')) AS schemas,
        coalesce((SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()), FALSE) AS encrypted,
        inet_client_addr() IS NOT NULL AND NOT inet_client_addr() <<= '127.0.0.0/8'
            AND inet_client_addr() <> '::1' AND inet_client_addr() <> inet_server_addr() AS remote
    FROM pg_catalog.pg_database d, pg_catalog.pg_roles r
    WHERE d.datname = current_database() AND r.rolname = current_user
"""


def remarks(con: sa.Connection, facts: str = FACTS) -> list[Remark]:
    """One line each on version, user, rights, text, upkeep, safety, connection and size.

    facts: SQL that gives one row with the columns of FACTS.
    """
    f = con.exec_driver_sql(facts).one()
    return [_version(f), _user(f), _rights(f), _text(f), _upkeep(f), _safety(f), _connection(f), _size(f)]


def _version(f: Any) -> Remark:
    says = f"PostgreSQL {f.version}"
    return Remark("version", says, "" if f.major >= OLDEST else f"Upgrade it: sfsync needs {OLDEST} or newer.")


def _user(f: Any) -> Remark:
    if not f.superuser:
        return Remark("user", f"{f.role}, no superuser")
    return Remark(
        "user",
        f"{f.role} is a superuser: rules of other people would run with the right to read the server's files",
        f"Take a user of its own: CREATE ROLE sfsync LOGIN; GRANT CREATE ON DATABASE {f.database} TO sfsync. "
        "A warehouse that is there already is handed over with REASSIGN OWNED, or pulled anew.",
    )


def _rights(f: Any) -> Remark:
    lacking = [] if f.temporary else ["TEMPORARY"]
    if f.schemas < 3 and not f.creating:
        lacking.append("CREATE")
    if f.standby:
        return Remark("rights", "this server is a standby", "Name the primary in `warehouse:`.", broken=True)
    if not lacking:
        return Remark("rights", "may make its schemas and temporary tables")
    wanted = ", ".join(lacking)
    return Remark(
        "rights", f"{f.role} lacks {wanted}", f"GRANT {wanted} ON DATABASE {f.database} TO {f.role}", broken=True
    )


def _text(f: Any) -> Remark:
    if f.encoding == "UTF8":
        return Remark("text", f"UTF8, sorted by {f.collation}")
    return Remark(
        "text",
        f"kept as {f.encoding}, which cannot hold every name",
        f"Make a new one: CREATE DATABASE {f.database}_utf8 ENCODING 'UTF8' TEMPLATE template0, and pull into it.",
        broken=True,
    )


def _upkeep(f: Any) -> Remark:
    off = [name for name, value in (("autovacuum", f.autovacuum), ("track_counts", f.track_counts)) if value != "on"]
    if not off:
        return Remark("upkeep", "autovacuum is on")
    return Remark(
        "upkeep",
        f"{' and '.join(off)} {'is' if len(off) == 1 else 'are'} off: tables grow, and checks get slow",
        "Switch on autovacuum and track_counts, or run VACUUM (ANALYZE) after the nightly pull.",
    )


def _safety(f: Any) -> Remark:
    if f.fsync == "on":
        return Remark("safety", "fsync is on")
    return Remark(
        "safety",
        "fsync is off: a crash of the machine may ruin the database",
        "Switch on fsync. What Salesforce holds can be pulled again; history, decisions and the journal cannot.",
    )


def _connection(f: Any) -> Remark:
    if f.encrypted:
        return Remark("connection", "encrypted")
    if not f.remote:
        return Remark("connection", "on this machine")
    return Remark(
        "connection",
        "crosses the network unencrypted, with customer data and the password",
        "Add ?sslmode=verify-full to `warehouse:`, and have the server offer TLS.",
    )


def _size(f: Any) -> Remark:
    return Remark(
        "size",
        f"{f.bytes / 2**30:,.1f} GB; the server does not tell how much disk is free: a full pull wants as much again",
    )
