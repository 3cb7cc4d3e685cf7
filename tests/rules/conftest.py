from __future__ import annotations

from collections.abc import Iterator

import pytest

from sfsync.warehouse import Warehouse


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    made = Warehouse("duckdb:///:memory:")
    yield made
    made.close()
