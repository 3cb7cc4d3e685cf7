from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sfsync.practice.org import PracticeOrg
from sfsync.practice.schema import Field
from sfsync.practice.serve import PracticeServer
from tests.pull.world import World

MANY_LEADS = 7000
LEADS = f"""
    SELECT practice_id('00Q', 100000 + n) AS "Id", 'N' || n AS "LastName", 'C' AS "Company", 'Open' AS "Status",
           TIMESTAMP '2024-01-01' AS "CreatedDate", TIMESTAMP '2024-01-01' AS "SystemModstamp"
    FROM range({MANY_LEADS}) r(n)
"""


@pytest.fixture
def world(generated: Callable[..., Path], tmp_path: Path) -> Iterator[World]:
    """A small generated org, nothing pulled yet."""
    file = shutil.copy(generated(leads=60, seed=2), tmp_path / "org.duckdb")
    with PracticeOrg(file) as org, PracticeServer(org) as server:
        yield World(server, tmp_path)


@pytest.fixture
def many(tmp_path: Path) -> Iterator[World]:
    """7,000 leads."""
    with PracticeOrg() as org:
        org.load("Lead", LEADS)
        with PracticeServer(org) as server:
            yield World(server, tmp_path)


@pytest.fixture
def server() -> Iterator[PracticeServer]:
    """An org without records, with a custom field on Lead."""
    with PracticeOrg() as org:
        org.add_field("Lead", Field("Grade__c", "picklist", label="Grade", length=10, custom=True, restricted=True))
        with PracticeServer(org) as running:
            yield running


@pytest.fixture
def config(server: PracticeServer, tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(
        f"org:\n  instance_url: {server.url}\n  client_id: {server.credentials.client_id}\n"
        f"  client_secret: {server.credentials.client_secret}\nwarehouse: duckdb:///w.duckdb\n",
        encoding="utf-8",
    )
    path.chmod(0o600)
    return path
