from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sfsync.practice.org import PracticeOrg
from sfsync.practice.serve import PracticeServer
from tests.push.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty practice org with its server, and a warehouse that has not been pulled yet."""
    with PracticeOrg() as org, PracticeServer(org) as server:
        world = World(server, tmp_path)
        yield world
        world.close()
