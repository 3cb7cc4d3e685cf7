"""One counted file of rows, as the org delivered it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Page:
    """CSV with a header line, UTF-8."""

    path: Path
    rows: int
    """As many as Salesforce promised."""
    columns: tuple[str, ...]
    """The header, in the file's order."""
