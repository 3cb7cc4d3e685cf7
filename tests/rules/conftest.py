from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sfsync.warehouse import Warehouse


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    made = Warehouse("duckdb:///:memory:")
    yield made
    made.close()


@pytest.fixture(params=["memory", "duckdb", "postgresql"])
def any_warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    """An empty warehouse of every kind: in memory, a file, a server."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    else:
        url = "duckdb:///:memory:" if request.param == "memory" else f"duckdb:///{tmp_path / 'any.duckdb'}"
    made = Warehouse(url)
    yield made
    made.close()
