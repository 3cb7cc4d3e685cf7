from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sfsync.warehouse import Warehouse
from tests.warehouse.world import World


@pytest.fixture
def world(warehouse: Warehouse, tmp_path: Path) -> Iterator[World]:
    with warehouse.write() as con:
        yield World(warehouse, con, tmp_path)
