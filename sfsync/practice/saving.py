"""The nouns of a save: who asks, what becomes of each record, and what a record is on its way into the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sfsync.practice.errors import ApiError
from sfsync.practice.schema import Schema, SObject
from sfsync.practice.store import Row, Store


@dataclass(frozen=True)
class Caller:
    """Who asks, and how."""

    user_id: str
    version: float = 66.0
    auto_assign: bool = True
    """Lead assignment rules may change the owner: Salesforce's default when the header is missing."""
    allow_duplicates: bool = False


@dataclass(frozen=True)
class Saved:
    """What became of one record of a save."""

    id: str | None
    created: bool = False
    error: ApiError | None = None

    @property
    def success(self) -> bool:
        return self.error is None


@dataclass(frozen=True)
class DuplicateRule:
    """A duplicate rule: live records of `sobject` match when all `fields` are filled and equal, case aside."""

    name: str
    sobject: str
    fields: tuple[str, ...]
    block: bool = False
    """Always refuse; otherwise only an alert, which `allow_duplicates` passes."""


@dataclass
class Draft:
    """One record of a save. `given` holds what the caller sent, `new` what the row will be."""

    given: Row = field(default_factory=dict)
    id: str | None = None
    old: Row | None = None
    new: Row = field(default_factory=dict)
    error: ApiError | None = None

    @property
    def created(self) -> bool:
        return self.old is None

    def changed(self, name: str) -> bool:
        """Not the value it had; of a new record: has a value."""
        return self.new.get(name) != (self.old or {}).get(name)

    def before(self, name: str) -> Any:
        return (self.old or {}).get(name)


@dataclass
class Moment:
    """One save as a whole: the store, the caller, one time stamp, and the org's reference data read once."""

    store: Store
    caller: Caller
    stamp: datetime
    assign_leads_to: str | None = None
    duplicate_rules: tuple[DuplicateRule, ...] = ()
    extra: dict[str, list[Row]] = field(default_factory=dict)
    """Rows of other objects to be inserted with the save: history, contact roles."""

    @property
    def schema(self) -> Schema:
        return self.store.schema

    def add(self, sobject: str, row: Mapping[str, Any]) -> str:
        """Insert a row of another object with this save. Returns its Id."""
        made = {"Id": self.store.new_ids(sobject, 1)[0], **row}
        self.extra.setdefault(sobject, []).append(stamped(self.schema.full(sobject), made, self, created=True))
        return str(made["Id"])

    @cached_property
    def stages(self) -> dict[str, Row]:
        return {row["ApiName"]: row for row in self.store.select("OpportunityStage")}

    @cached_property
    def lead_status(self) -> str | None:
        """What Status a new lead gets."""
        found = self.store.select("LeadStatus", '"IsDefault" ORDER BY "SortOrder"')
        return found[0]["ApiName"] if found else None

    @cached_property
    def closed_task_statuses(self) -> set[str]:
        return {row["ApiName"] for row in self.store.select("TaskStatus", '"IsClosed"')}

    @cached_property
    def organization(self) -> Row:
        return self.store.select("Organization")[0]

    @cached_property
    def today(self) -> date:
        """The date in the org's time zone."""
        zone = ZoneInfo(self.organization["TimeZoneSidKey"] or "UTC")
        return self.stamp.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).date()


def stamped(obj: SObject, row: Row, moment: Moment, *, created: bool) -> Row:
    """Set the audit fields the object has."""
    audit: Row = {"SystemModstamp": moment.stamp, "LastModifiedDate": moment.stamp}
    audit["LastModifiedById"] = moment.caller.user_id
    if created:
        audit |= {"CreatedDate": moment.stamp, "CreatedById": moment.caller.user_id}
    row.update({name: value for name, value in audit.items() if name in obj.fields})
    return row


def refuse(code: str, message: str, fields: Sequence[str] = (), status: int = 400) -> ApiError:
    return ApiError(status, code, message, fields)


class UnknownRecord(ApiError):
    """An Id that is no record: a call about that one record says 404 NOT_FOUND, a collection says it row by row."""

    def __init__(self) -> None:
        super().__init__(404, "NOT_FOUND", "The requested resource does not exist")

    def row_error(self) -> dict[str, Any]:
        return {"statusCode": "INVALID_CROSS_REFERENCE_KEY", "message": "invalid cross reference id", "fields": []}


def deleted_error() -> ApiError:
    return refuse("ENTITY_IS_DELETED", "entity is deleted", status=404)
