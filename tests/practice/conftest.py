from __future__ import annotations

from collections.abc import Iterator

import pytest
from clients import Rest

from sfsync.practice.serve import PracticeServer


@pytest.fixture
def server() -> Iterator[PracticeServer]:
    """A started practice server with an empty org of its own."""
    with PracticeServer() as running:
        yield running


@pytest.fixture
def rest(server: PracticeServer) -> Iterator[Rest]:
    with Rest(server) as session:
        yield session
