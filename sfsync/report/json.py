"""The report as JSON: values as the org has them, for programs."""

from __future__ import annotations

import json

from sfsync.report.content import Report


def render(made: Report) -> str:
    """One document; its keys are those of `Report.as_json`. Money and rates are numbers, moments ISO 8601."""
    return json.dumps(made.as_json(), ensure_ascii=False, indent=1, default=str) + "\n"
