from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sfsync.warehouse import Warehouse
from tests.warehouse.world import World


class _Over(Exception):
    pass


@pytest.fixture
def world(warehouse: Warehouse, tmp_path: Path) -> Iterator[World]:
    with suppress(_Over), warehouse.write() as con:
        yield World(warehouse, con, tmp_path)
        raise _Over  # nobody looks at it again
