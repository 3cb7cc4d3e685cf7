"""Until when somebody should have been in touch with a lead: one number of hours, or its source's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sfsync.insight.source import Settings, Source


def sla_hours(source: Source, alias: str) -> str:
    """The hours of the lead of that alias, as an expression."""
    if not source.settings.sla_hours_by_source or not source.has("Lead", "LeadSource"):
        return ":response_sla_hours"
    own = f"SELECT CAST(h.value AS DECIMAL(18, 2)) FROM cfg('sla_hours_by_source') h WHERE h.key = {alias}.LeadSource"
    return f"COALESCE(({own}), :response_sla_hours)"


def sla_of(settings: Settings) -> Callable[[str | None], timedelta]:
    """The same of a LeadSource that was read already."""
    own = {name: timedelta(hours=float(hours)) for name, hours in settings.sla_hours_by_source.items()}
    usual = timedelta(hours=settings.response_sla_hours)
    return lambda name: own.get(name or "", usual)


def told(settings: Settings) -> dict[str, Any]:
    """What a table that counts by it says among its parameters."""
    own = settings.sla_hours_by_source
    return {"response_sla_hours": settings.response_sla_hours, **({"sla_hours_by_source": dict(own)} if own else {})}
