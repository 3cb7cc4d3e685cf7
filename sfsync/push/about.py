"""What the org says now about one sObject: the facts its guards look at, each asked for once and only when needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sfsync.model import Value
from sfsync.plan.facts import QUEUE, Facts, Owners, Stage, stages
from sfsync.plan.mirror import FieldInfo, Fields, chunks
from sfsync.push.select import Line
from sfsync.salesforce.soql import in_list, literal

if TYPE_CHECKING:
    from sfsync.salesforce.org import Org

SOME = 200
USER = "005"


@dataclass
class About:
    org: Org
    sobject: str
    inactive_owners: bool = False
    """Whether it does not matter who owns a record now."""
    _owners: dict[str, bool] = field(default_factory=dict)
    """Owner's Id → whether it may own records."""
    _typed: dict[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)

    @cached_property
    def fields(self) -> Fields:
        return describe_fields(self.org.describe(self.sobject))

    def facts(self, lines: Iterable[Line], rows: Mapping[str, Mapping[str, Value] | None]) -> Facts:
        """All that the guards need for these lines; rows: the records as they are now, by Id."""
        changes = [line.change for line in lines]
        written = {name.casefold() for c in changes for name in c.after}
        owners = {v for c in changes for n, v in c.after.items() if n.casefold() == "ownerid"}
        if not self.inactive_owners:
            owners |= {row.get("OwnerId") for row in rows.values() if row}
        if any((info := self.fields.get(name)) and info.active is not None for name in written):
            self._learn_types(row.get("RecordTypeId") for row in rows.values() if row)
        return Facts(
            self.fields,
            self._learn_owners(owners) if owners else None,
            self.stages if self.sobject == "Opportunity" and "stagename" in written else None,
            self.converted if self.sobject == "Lead" and "status" in written else frozenset(),
            dict(self._typed),
        )

    @cached_property
    def stages(self) -> dict[str, Stage]:
        names = "ApiName, MasterLabel, IsClosed, IsWon, DefaultProbability, ForecastCategory, ForecastCategoryName"
        return stages(self.org.query(f"SELECT {names} FROM OpportunityStage"))

    @cached_property
    def converted(self) -> frozenset[str]:
        rows = self.org.query("SELECT ApiName, MasterLabel FROM LeadStatus WHERE IsConverted = TRUE")
        return frozenset(str(r.get("ApiName") or r["MasterLabel"]) for r in rows)

    def _learn_owners(self, ids: Iterable[Value]) -> Owners:
        new = sorted({id for id in ids if isinstance(id, str)} - self._owners.keys())
        for some in chunks([id for id in new if id.startswith(USER)], SOME):
            rows = self.org.query(f"SELECT Id, IsActive FROM User WHERE Id IN {in_list(some)}")
            self._owners |= {str(r["Id"]): r["IsActive"] is True for r in rows}
        for some in chunks([id for id in new if id.startswith(QUEUE)], SOME):
            where = f"SobjectType = {literal(self.sobject)} AND QueueId IN {in_list(some)}"
            rows = self.org.query(f"SELECT QueueId FROM QueueSobject WHERE {where}")
            self._owners |= {str(r["QueueId"]): True for r in rows}
        may = {here: {id[:15] for id, able in self._owners.items() if able is here} for here in (True, False)}
        queues = frozenset(id for id in may[True] if id.startswith(QUEUE))
        return Owners(frozenset(may[True]) - queues, frozenset(may[False]), queues)

    def _learn_types(self, record_types: Iterable[Value]) -> None:
        for id in {id for id in record_types if isinstance(id, str)}:
            if id[:15] not in self._typed:
                listed = self.org.picklist_values(self.sobject, id)
                self._typed[id[:15]] = {n.casefold(): frozenset(v) for n, v in listed.items()}


def describe_fields(described: dict[str, Any]) -> dict[str, FieldInfo]:
    """casefolded name → FieldInfo, out of an sObject's describe."""
    return {f["name"].casefold(): _field(f) for f in described["fields"]}


def _field(f: dict[str, Any]) -> FieldInfo:
    picklist = f["type"] in ("picklist", "multipicklist")
    active = frozenset(str(v["value"]) for v in f.get("picklistValues") or () if v.get("active", True))
    return FieldInfo(
        name=f["name"],
        type=f["type"],
        length=f.get("length"),
        scale=f.get("scale"),
        nillable=f.get("nillable") is not False,
        updateable=f.get("updateable") is True,
        createable=f.get("createable") is True,
        restricted=f.get("restrictedPicklist") is True,
        active=active if picklist else None,
    )
