from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfsync.practice.generate import generate
from sfsync.practice.org import PracticeOrg
from sfsync.practice.serve import PracticeServer
from tests.verify.proof import Proof


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Proof]:
    """An org with its metadata and no records."""
    org = PracticeOrg()
    with PracticeServer(org) as server:
        yield Proof(server, tmp_path)
    org.close()


@pytest.fixture(scope="session")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small generated org and its mirror, to be copied."""
    folder = tmp_path_factory.mktemp("pulled")
    with PracticeOrg(folder / "org.duckdb") as org:
        generate(org, leads=300, seed=5)
        with PracticeServer(org) as server:
            assert Proof(server, folder).pull().exit_code == 0
    return folder


@pytest.fixture
def proof(pulled: Path, tmp_path: Path) -> Iterator[Proof]:
    """The small org and its mirror, each test with a copy of its own."""
    for name in ("org.duckdb", "w.duckdb"):
        shutil.copy(pulled / name, tmp_path / name)
    with PracticeOrg(tmp_path / "org.duckdb") as org, PracticeServer(org) as server:
        yield Proof(server, tmp_path)
