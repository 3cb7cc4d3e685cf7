"""Warehouses for everybody's tests: `warehouse` runs a test once on each kind of database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from sfsync.practice.generate import generate
from sfsync.practice.org import PracticeOrg
from sfsync.warehouse import Warehouse
from tests import postgres

# The same examples in every run, and no failure for a machine that is busy with something else. To look for new
# counterexamples: pytest --hypothesis-profile explore
settings.register_profile("sfsync", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sfsync")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a server on which databases may be created; one for the whole session."""
    try:
        with postgres.running() as url:
            yield url
    except postgres.NoServer as err:
        pytest.fail(str(err), pytrace=False)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty database of this test's own."""
    with postgres.database(postgres_server) as url:
        yield url


@pytest.fixture(params=["duckdb", "postgresql"])
def warehouse_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of this test's own, of each kind."""
    if request.param == "duckdb":
        return f"duckdb:///{tmp_path / 'w.duckdb'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def warehouse(warehouse_url: str) -> Iterator[Warehouse]:
    """A Warehouse on an empty database, on each kind. Nobody is waited for."""
    made = Warehouse(warehouse_url, wait=0.3)
    yield made
    made.close()


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """generated(leads=…, seed=…): the file of a generated practice org, made once. Copy it, do not open it."""
    folder = tmp_path_factory.mktemp("generated")

    def file(*, leads: int, seed: int) -> Path:
        path = folder / f"{leads}-{seed}.duckdb"
        if not path.exists():
            with PracticeOrg(path) as org:
                generate(org, leads=leads, seed=seed)
        return path

    return file
