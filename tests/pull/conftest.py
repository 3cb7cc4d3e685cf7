from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sfsync.practice.generate import generate
from sfsync.practice.org import PracticeOrg
from sfsync.practice.serve import PracticeServer
from tests.pull.world import World


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[World]:
    """An org with its metadata and no records."""
    org = PracticeOrg()
    with PracticeServer(org) as server:
        yield World(server, tmp_path)
    org.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A small generated org, hostile text and large money included."""
    org = PracticeOrg()
    generate(org, leads=400, seed=3)
    with PracticeServer(org) as server:
        yield World(server, tmp_path)
    org.close()
