"""The report: what is wrong in the org, what it means and how the business stands, as one file for a reader.

`report` makes it and writes HTML, XLSX or JSON; `run_report` evaluates the rules before, where they have to be, and
keeps the run; `SECTIONS` are its parts. Loaded on first use: importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfsync.report.build import SECTIONS, report, write
    from sfsync.report.content import Report
    from sfsync.report.run import run_report

__all__ = ["SECTIONS", "Report", "report", "run_report", "write"]

_HOME = {"SECTIONS": "build", "Report": "content", "report": "build", "run_report": "run", "write": "build"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
