"""The same report from a PostgreSQL warehouse."""

from __future__ import annotations

from pathlib import Path

from sfsync import api
from sfsync.practice.generate import generate
from sfsync.practice.org import PracticeOrg
from sfsync.practice.serve import PracticeServer
from sfsync.report import SECTIONS
from tests.report.world import World, texts


def test_a_report_of_a_mirror_in_postgresql_is_whole(postgres_url: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    org = PracticeOrg()
    try:
        generate(org, leads=60, seed=2)
        with PracticeServer(org) as server:
            given = server.credentials
            world.path.write_text(
                f"org:\n  instance_url: {server.url}\n  client_id: {given.client_id}\n"
                f"  client_secret: {given.client_secret}\nwarehouse: {postgres_url}\n",
                encoding="utf-8",
            )
            assert api.pull(world.path).exit_code == 0
    finally:
        org.close()
    result = api.check(world.path)
    api.dedupe(world.path)
    made = world.report("r.html", rows=2)
    assert made.failed == ()
    assert tuple(s.key for s in made.sections) == SECTIONS
    assert [text for s in made.sections for text in texts(s.blocks, "problem")] == []
    assert sum(made.findings.values()) == len(result.findings)
    assert all((tmp_path / name).exists() for name in made.files)
