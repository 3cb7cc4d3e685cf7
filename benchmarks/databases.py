"""The databases measured: a DuckDB file, and a PostgreSQL server where one can be started."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory


@dataclass(frozen=True)
class Database:
    name: str
    fresh: Callable[[], AbstractContextManager[str]]
    """A new empty database; gives its URL, and drops it at the end."""


@contextmanager
def databases(work: Path, wanted: str) -> Iterator[list[Database]]:
    """Those named in `wanted`, as "duckdb,postgresql". Where there is no PostgreSQL, a line says so."""
    names = {name.strip() for name in wanted.split(",")}
    if unknown := names - {"duckdb", "postgresql"}:
        raise SystemExit(f"--databases: {', '.join(sorted(unknown))} is neither duckdb nor postgresql")
    found = [Database("DuckDB", lambda: _duck(work))] if "duckdb" in names else []
    with ExitStack() as stack:
        if "postgresql" in names and (server := _server(stack)):
            from tests.postgres import database, execute

            print(
                f"PostgreSQL {execute(server, 'SHOW server_version')[0][0]}, "
                f"fsync {execute(server, 'SHOW fsync')[0][0]}, "
                f"shared_buffers {execute(server, 'SHOW shared_buffers')[0][0]}"
            )
            found.append(Database("PostgreSQL", lambda: database(server)))
        yield found


def _server(stack: ExitStack) -> str | None:
    from tests.postgres import NoServer, running

    try:
        return stack.enter_context(running())
    except NoServer as err:
        print(f"PostgreSQL left out: {err}")
        return None


@contextmanager
def _duck(work: Path) -> Iterator[str]:
    with TemporaryDirectory(prefix="duck-", dir=work) as folder:
        yield f"duckdb:///{Path(folder) / 'mirror.duckdb'}"
