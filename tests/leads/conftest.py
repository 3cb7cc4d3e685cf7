"""The practice org of the commands' tests, with its mirror."""

from __future__ import annotations

from tests.cli.conftest import Shell, mirrored, pulled

__all__ = ["Shell", "mirrored", "pulled"]
