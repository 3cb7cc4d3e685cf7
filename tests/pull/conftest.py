from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sfsync.practice.generate import generate
from sfsync.practice.org import PracticeOrg
from sfsync.practice.serve import PracticeServer
from tests.pull.world import World


@pytest.fixture(scope="session")
def small_org(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small generated org in a file: made once, copied for each test that wants records."""
    path = tmp_path_factory.mktemp("org") / "org.duckdb"
    org = PracticeOrg(path)
    generate(org, leads=150, seed=3)
    org.close()
    return path


@pytest.fixture
def empty(tmp_path: Path, warehouse_url: str) -> Iterator[World]:
    """An org with its metadata and no records."""
    with PracticeOrg() as org, PracticeServer(org) as server, World(server, tmp_path, warehouse_url) as world:
        yield world


@pytest.fixture
def world(small_org: Path, tmp_path: Path, warehouse_url: str) -> Iterator[World]:
    """A small generated org, hostile text and large money included."""
    copy = tmp_path / "org.duckdb"
    copy.write_bytes(small_org.read_bytes())
    with PracticeOrg(copy) as org, PracticeServer(org) as server, World(server, tmp_path, warehouse_url) as world:
        yield world
