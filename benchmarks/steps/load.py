"""The database alone: the same page files, its own CSV reader, one transaction, its own defaults."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any


def load(url: str, files: list[str], types: dict[str, str]) -> dict[str, Any]:
    """What somebody who knows the database would write by hand: a table without any key, and its fastest way in."""
    return (_duckdb if url.startswith("duckdb") else _postgresql)(url, files, types)


def _duckdb(url: str, files: list[str], types: dict[str, str]) -> dict[str, Any]:
    import duckdb

    started = time.perf_counter()
    con = duckdb.connect(url.removeprefix("duckdb:///"))
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")
    con.execute(f"CREATE TABLE Lead ({_typed(types)})")
    con.begin()
    con.execute(
        "INSERT INTO Lead SELECT * FROM read_csv(?, columns = ?, auto_detect = false, header = true, delim = ',', "
        "quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = true)",
        [files, types],
    )
    con.commit()
    row = con.execute("SELECT count(*) FROM Lead").fetchone()
    con.close()
    return {"seconds": time.perf_counter() - started, "rows": row[0] if row else 0}


def _postgresql(url: str, files: list[str], types: dict[str, str]) -> dict[str, Any]:
    import psycopg

    from tests.postgres import parts

    names = ", ".join(f'"{name.lower()}"' for name in types)
    copy_in = f"COPY lead ({names}) FROM STDIN (FORMAT csv, HEADER true, FORCE_NULL ({names}))"
    started = time.perf_counter()
    with psycopg.connect(**parts(url)) as con, con.cursor() as cursor:
        cursor.execute(f"CREATE TABLE lead ({_typed({k.lower(): v for k, v in types.items()})})")
        rows = 0
        for file in files:
            with Path(file).open("rb") as source, cursor.copy(copy_in) as copy:
                while piece := source.read(64 * 1024):
                    copy.write(piece)
            rows += cursor.rowcount
        con.commit()
    return {"seconds": time.perf_counter() - started, "rows": rows}


def _typed(types: dict[str, str]) -> str:
    return ", ".join(f'"{name}" {kind}' for name, kind in types.items())
