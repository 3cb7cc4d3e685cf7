"""init: after the config is written, log in with it and say what a first pull would keep and cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sfsync.config import Config
from sfsync.mapping import closure, load_mappings
from sfsync.pull.cost import Cost, estimate
from sfsync.pull.run import survey
from sfsync.salesforce.org import Org
from sfsync.salesforce.quota import Quota
from sfsync.warehouse import Warehouse


@dataclass(frozen=True)
class Kept:
    """One sObject that the config keeps."""

    sobject: str
    rows: int | None
    """As Salesforce's own record count has it, which lags a little; None where nobody counts."""
    fields: int


@dataclass
class InitResult:
    config: Path
    login: str = "not tested"
    """ok, failed or not tested."""
    reason: str = ""
    org: dict[str, Any] = field(default_factory=dict)
    objects: list[Kept] = field(default_factory=list)
    cost: Cost | None = None
    api_calls: int = 0
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "config": str(self.config),
            "login": self.login,
            "reason": self.reason,
            "org": self.org,
            "objects": [asdict(o) for o in self.objects],
            "cost": self.cost.as_json() if self.cost else None,
        }


def first_look(config: Config, result: InitResult) -> InitResult:
    """Log in, and fill `result` with the org, what would be kept, and what the first pull would cost.

    A describe and a count for each object, several to a request, and one record count. Raises AuthError, OrgError and
    MappingError.
    """
    mappings = closure(list(config.objects), load_mappings(config.mappings))
    warehouse = Warehouse(config.warehouse)
    floor = Quota(config.quota.floor_percent, config.quota.floor_calls, config.quota.per_run)
    with Org.connect(config.org) as org:
        try:
            organization = org.organization()
            result.login = "ok"
            result.org = {
                "org_id": organization["Id"],
                "name": organization.get("Name"),
                "instance_url": org.instance_url,
                "is_sandbox": bool(organization.get("IsSandbox")),
            }
            before = org.usage.calls
            found = survey(org, warehouse, mappings, config.pull, full=True)
            windows = found.look.windows
            result.cost = estimate(org, found, config.pull.api, floor, looked=org.usage.calls - before)
            counts = record_counts(org, [w.sobject for w in windows])
            result.objects = [Kept(w.sobject, counts.get(w.sobject), len(w.fields)) for w in windows]
        finally:
            result.api_calls = org.usage.calls
    return result


def record_counts(org: Org, sobjects: list[str]) -> dict[str, int]:
    """Rows by sObject in one request, approximately; objects nobody counts are left out."""
    (reply,) = org.batch_get([f"limits/recordCount?sObjects={','.join(sobjects)}"])
    if not reply.ok or not isinstance(reply.body, dict):
        return {}
    return {str(r["name"]): int(r["count"]) for r in reply.body.get("sObjects", [])}
