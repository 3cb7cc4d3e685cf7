"""Assignments → a Plan, through the guards every write passes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sfsync.insight.configured import open_configured
from sfsync.leads.assign import assign, proposals
from sfsync.leads.ladder import Assignment
from sfsync.leads.model import load_model, model_path
from sfsync.plan.drafting import Wanted
from sfsync.plan.guards import Guards
from sfsync.warehouse import Warehouse

if TYPE_CHECKING:
    from sfsync.config import Config


def distribution(
    warehouse: Warehouse, config: Config, meta: Mapping[str, str], now: datetime, model: str | Path | None = None
) -> Sequence[Assignment]:
    """A proposal for every lead that waits for an owner, by the lead model given, else that of the mappings folder.

    Statuses that end a lead, what counts as a touch and the response SLA are those the config gives to rules, as
    `leads assign` has them; a wrong one raises ConfigError.
    """
    how = load_model(model_path(Path(model) if model else None, config.mappings))
    with open_configured(warehouse, config.rules, now=now, time_zone=meta.get("time_zone", "UTC")) as source:
        return assign(source, how)


def wanted(
    assignments: Iterable[Assignment], meta: Mapping[str, str], now: datetime, guards: Guards, *, findings: bool = False
) -> Wanted:
    """What a plan that gives the leads to their new owners holds, for `plan.build`; by themselves, or with all fixes.

    meta: org_id, instance_url and is_sandbox, as the warehouse keeps them.
    """
    return Wanted(
        org_id=meta["org_id"],
        instance_url=meta["instance_url"],
        is_sandbox=meta["is_sandbox"] == "true",
        now=now,
        guards=guards,
        owners=proposals(assignments),
        findings=findings,
    )
