"""Checks every planned write passes. Each is a function that gives the reason against the write, or None.

GUARD-04, -05, -13 and -14 concern the request itself and live in `sfsync.push`; -07 and -08 belong to merge and
convert, which this version does not write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sfsync.model import Ref, Value
from sfsync.plan.mirror import FieldInfo, Fields
from sfsync.plan.values import same

ALWAYS_RESTRICTED = {("Lead", "status"), ("Opportunity", "stagename")}
"""Salesforce takes any text here through the API; reports and processes then lose the record."""


@dataclass(frozen=True)
class Guards:
    """What the guards allow. The defaults are the config's."""

    max_rows: int = 1000
    max_share: float = 5.0
    """Percent of an object's live rows."""
    allow_blank_out: bool = False
    converted_leads: bool = False
    """The user holds "View and Edit Converted Leads"."""


@dataclass(frozen=True)
class World:
    """What the guards may look at, for one record."""

    ref: Ref
    fields: Fields
    row: Mapping[str, Value]
    """The record's present values."""
    guards: Guards = field(default_factory=Guards)
    users: frozenset[str] | None = None
    """Ids (15 characters) of active users; None when not known."""

    def info(self, name: str) -> FieldInfo | None:
        return self.fields.get(name.casefold())


def converted_lead(world: World) -> str | None:
    if world.ref.sobject != "Lead" or world.row.get("IsConverted") is not True or world.guards.converted_leads:
        return None
    contact = world.row.get("ConvertedContactId")
    instead = f"; correct Contact {contact} instead" if contact else ""
    return f"the lead is converted, which makes it read-only{instead}"


def not_updateable(world: World, name: str, value: Value) -> str | None:
    if not world.fields:
        return f"{world.ref.sobject} has no described fields in the warehouse; run `sfsync pull` first"
    info = world.info(name)
    if info is None or info.gone:
        return f"{name} is not a field of {world.ref.sobject} this user can see"
    if not info.updateable:
        return f"{name} is read-only for this user"
    return None


def amount_with_products(world: World, name: str, value: Value) -> str | None:
    if world.ref.sobject == "Opportunity" and name.casefold() == "amount" and world.row.get("HasOpportunityLineItem"):
        return "Amount is the sum of the opportunity's products; Salesforce would answer success and ignore it"
    return None


def owner_active(world: World, name: str, value: Value) -> str | None:
    if name.casefold() != "ownerid" or value is None:
        return None
    owner = str(value)
    if world.ref.sobject == "Lead" and owner.startswith("00G"):
        return None  # a queue
    if world.users is None:
        return "whether the new owner is active is not known: users are not mirrored"
    return None if owner[:15] in world.users else f"the new owner {owner} is not an active user"


def picklist_active(world: World, name: str, value: Value) -> str | None:
    info = world.info(name)
    if value is None or info is None or info.active is None:
        return None
    if not info.restricted and (world.ref.sobject, name.casefold()) not in ALWAYS_RESTRICTED:
        return None
    parts = str(value).split(";") if info.type == "multipicklist" else [str(value)]
    wrong = [part for part in parts if part not in info.active]
    return f'"{wrong[0]}" is not an active value of {name}' if wrong else None


def blank_out(world: World, name: str, value: Value) -> str | None:
    if value is not None:
        return None
    info = world.info(name)
    if info is not None and not info.nillable:
        return f"{name} cannot be emptied: Salesforce requires a value"
    if world.guards.allow_blank_out or same(world.row.get(name), None, info.type if info else None):
        return None
    return f"{name} holds a value and would be emptied; that needs to be allowed explicitly"


def too_long(world: World, name: str, value: Value) -> str | None:
    info = world.info(name)
    if info is None or not isinstance(value, str) or not info.length or info.type in ("id", "reference"):
        return None
    return (
        f"{name} holds {info.length} characters and the new value has {len(value)}"
        if len(value) > info.length
        else None
    )


def volume(sobject: str, changes: int, live: int | None, max_rows: int, max_share: float) -> str | None:
    """Why so many changes of one sObject must be confirmed first, or None. `live` None: the share is not known."""
    share = 100 * changes / live if live else None
    if changes > max_rows:
        limit = f"the limit is {max_rows:,} rows"
    elif share is not None and share > max_share:
        limit = f"the limit is {max_share:g}%"
    else:
        return None
    of = f" of {live:,} {sobject} records ({share:.0f}%)" if live else f" {sobject} records"
    return f"{changes:,}{of} would change; {limit}"


RecordGuard = Callable[[World], str | None]
FieldGuard = Callable[[World, str, Value], str | None]

RECORD_GUARDS: Mapping[str, RecordGuard] = {"GUARD-01": converted_lead}
FIELD_GUARDS: tuple[tuple[str, FieldGuard], ...] = (
    ("GUARD-02", not_updateable),
    ("GUARD-03", amount_with_products),
    ("GUARD-06", owner_active),
    ("GUARD-09", picklist_active),
    ("GUARD-11", blank_out),
    ("LENGTH", too_long),
)

NEEDS = {"Lead": ("IsConverted", "ConvertedContactId"), "Opportunity": ("HasOpportunityLineItem",)}
"""Fields the guards look at besides the touched ones."""


def check_record(world: World) -> tuple[str, str] | None:
    """(code, reason) of the first guard against writing to the record at all."""
    found = ((code, guard(world)) for code, guard in RECORD_GUARDS.items())
    return next(((code, reason) for code, reason in found if reason), None)


def check_field(world: World, name: str, value: Value) -> tuple[str, str] | None:
    """(code, reason) of the first guard against this value in this field."""
    found = ((code, guard(world, name, value)) for code, guard in FIELD_GUARDS)
    return next(((code, reason) for code, reason in found if reason), None)
