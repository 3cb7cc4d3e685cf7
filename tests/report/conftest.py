from __future__ import annotations

from pathlib import Path

import pytest

from sfsync import api
from sfsync.practice.generate import generate
from sfsync.practice.org import PracticeOrg
from sfsync.practice.serve import PracticeServer
from tests.report.world import World


@pytest.fixture(scope="session")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Pulled, checked and deduplicated once; tests only read it, or copy it."""
    folder = tmp_path_factory.mktemp("report")
    org = PracticeOrg()
    try:
        generate(org, leads=300, seed=3)
        with PracticeServer(org) as server:
            given = server.credentials
            (folder / "config.yaml").write_text(
                f"org:\n  instance_url: {server.url}\n  client_id: {given.client_id}\n"
                f"  client_secret: {given.client_secret}\nwarehouse: duckdb:///w.duckdb\n",
                encoding="utf-8",
            )
            world = World(folder)
            assert api.pull(world.path).exit_code == 0
            assert api.verify(world.path).exit_code == 0
            api.check(world.path)
            api.dedupe(world.path)
    finally:
        org.close()
    return world


@pytest.fixture
def world(mirrored: World, tmp_path: Path) -> World:
    """One of a test's own, to change."""
    return mirrored.copy(tmp_path / "world")
