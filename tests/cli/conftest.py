from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sfsync.cli import sfsync
from sfsync.practice.org import PracticeOrg
from sfsync.practice.serve import PracticeServer


@dataclass
class Shell:
    """A folder with a config for a practice org, and the commands run in it."""

    folder: Path
    server: PracticeServer
    said: list[str] = field(default_factory=list)
    """Everything any command printed, stdout and stderr."""
    first: dict[str, Any] = field(default_factory=dict)
    """What the first check said, where there was one."""

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    def write_config(self, **org: str) -> None:
        given = self.server.credentials
        settings = {
            "instance_url": self.server.url,
            "client_id": given.client_id,
            "client_secret": given.client_secret,
            **org,
        }
        lines = "".join(f"  {k}: {json.dumps(v)}\n" for k, v in settings.items())
        self.config.write_text(f"org:\n{lines}warehouse: duckdb:///w.duckdb\n", encoding="utf-8")

    def run(self, *args: str, code: int | None = 0) -> Result:
        with_config = (
            []
            if args[0] in ("rules", "demo") or (args[0] == "plan" and args[1:2] and not args[1].startswith("-"))
            else ["--config", str(self.config)]
        )
        result = CliRunner().invoke(sfsync, [*args, *with_config])
        self.said.append(result.output + result.stderr)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert code is None or result.exit_code == code, f"{args}: {result.exit_code}\n{result.output}\n{result.stderr}"
        return result

    def json(self, *args: str, code: int | None = 0) -> dict[str, Any]:
        return dict(json.loads(self.run(*args, "--format", "json", code=code).stdout))


@pytest.fixture
def shell(generated: Callable[..., Path], tmp_path: Path) -> Iterator[Shell]:
    """An org with 400 leads, nothing pulled yet."""
    shutil.copy(generated(leads=400, seed=5), tmp_path / "org.duckdb")
    with _opened(tmp_path) as shell:
        yield shell


@pytest.fixture(scope="session")
def mirrored(generated: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with that org and its mirror, to be copied."""
    folder = tmp_path_factory.mktemp("mirrored")
    shutil.copy(generated(leads=400, seed=5), folder / "org.duckdb")
    with _opened(folder) as shell:
        shell.run("pull")
    return folder


@pytest.fixture
def pulled(mirrored: Path, tmp_path: Path) -> Iterator[Shell]:
    """The same org after its first pull."""
    _copy(mirrored, tmp_path)
    with _opened(tmp_path) as shell:
        yield shell


@pytest.fixture(scope="session")
def first_check(mirrored: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The same folder after a check, to be copied, and what the check said."""
    folder = tmp_path_factory.mktemp("checked")
    _copy(mirrored, folder)
    with _opened(folder) as shell:
        return folder, shell.json("check", code=3)


@pytest.fixture
def checked(first_check: tuple[Path, dict[str, Any]], tmp_path: Path) -> Iterator[Shell]:
    """The same org after its first pull and check; `first` is what the check said."""
    folder, said = first_check
    _copy(folder, tmp_path)
    with _opened(tmp_path) as shell:
        shell.first = deepcopy(said)
        yield shell


def _copy(folder: Path, to: Path) -> None:
    for name in ("org.duckdb", "w.duckdb"):
        shutil.copy(folder / name, to / name)


@contextmanager
def _opened(folder: Path) -> Iterator[Shell]:
    with PracticeOrg(folder / "org.duckdb") as org, PracticeServer(org) as server:
        made = Shell(folder, server)
        made.write_config()
        yield made
