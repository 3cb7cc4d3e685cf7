"""Checks every planned write passes, when it is planned and again just before it is sent.

Each is a function that gives the reason against the write, or None; the reason says what to do instead. GUARD-04, -05,
-13 and -14 concern the request and live in `sfsync.push`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sfsync.model import Ref, Value
from sfsync.plan.facts import QUEUE, Facts
from sfsync.plan.mirror import FieldInfo, places_by_code
from sfsync.plan.values import same

if TYPE_CHECKING:
    from sfsync.config import PushConfig

MERGEABLE = ("Account", "Contact", "Lead")
"""Source: SOAP API Developer Guide, merge(). Cases, too, which are not mirrored."""

PROCESSES = {("Lead", "status"), ("Opportunity", "stagename")}
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
    inactive_owners: bool = False
    """The org lets this user save records whose owner is inactive."""

    @classmethod
    def of(cls, push: PushConfig, *, allow_blank_out: bool = False) -> Guards:
        return cls(
            push.max_rows,
            push.max_share,
            allow_blank_out,
            converted_leads=push.allow.get("converted_leads") is True,
            inactive_owners=push.allow.get("inactive_owners") is True,
        )


@dataclass(frozen=True)
class World:
    """What the guards may look at, for one record."""

    ref: Ref
    facts: Facts
    row: Mapping[str, Value]
    """The record's present values."""
    guards: Guards = field(default_factory=Guards)

    def info(self, name: str) -> FieldInfo | None:
        return self.facts.fields.get(name.casefold())


# -- against the record


def converted_lead(world: World, after: Mapping[str, Value]) -> str | None:
    if world.ref.sobject != "Lead" or world.row.get("IsConverted") is not True or world.guards.converted_leads:
        return None
    contact = world.row.get("ConvertedContactId")
    instead = f"correct Contact {contact} instead, or " if contact else ""
    return (
        f"the lead is converted, which makes it read-only; {instead}set `push.allow: {{converted_leads: true}}` if the "
        "user may edit converted leads"
    )


def owner_left(world: World, after: Mapping[str, Value]) -> str | None:
    """The record is owned by somebody inactive and goes on to be."""
    owner, owners = world.row.get("OwnerId"), world.facts.owners
    if owners is None or not isinstance(owner, str) or owner[:15] not in owners.inactive:
        return None
    if world.guards.inactive_owners or any(name.casefold() == "ownerid" for name in after):
        return None
    return (
        f"the record is owned by {owner}, who is inactive, and Salesforce may refuse it (INACTIVE_OWNER_OR_USER); give "
        "it to somebody first, or set `push.allow: {inactive_owners: true}` if the org allows such updates"
    )


# -- against a value


def not_updateable(world: World, name: str, value: Value) -> str | None:
    if not world.facts.fields:
        return f"{world.ref.sobject} has no described fields in the warehouse; run `sfsync pull` first"
    info = world.info(name)
    if info is None or info.gone:
        return f"{name} is not a field of {world.ref.sobject} this user can see; correct the name, or give the right"
    if not info.updateable:
        return f"{name} is read-only for this user; leave it out, or give the right to edit it"
    return None


def amount_with_products(world: World, name: str, value: Value) -> str | None:
    if world.ref.sobject == "Opportunity" and name.casefold() == "amount" and world.row.get("HasOpportunityLineItem"):
        return (
            "Amount is the sum of the opportunity's products; Salesforce would answer success and ignore it. "
            "Change the products"
        )
    return None


def owner_active(world: World, name: str, value: Value) -> str | None:
    if name.casefold() != "ownerid" or value is None:
        return None
    owner, owners = str(value), world.facts.owners
    if owners is None:
        return "whether the new owner is active is not known: users are not mirrored; add User to `objects:` and pull"
    if owner.startswith(QUEUE):
        takes = world.ref.sobject == "Lead" if owners.queues is None else owner[:15] in owners.queues
        return None if takes else f"the new owner {owner} is not a queue that takes {world.ref.sobject} records"
    if owner[:15] in owners.active:
        return None
    return f"the new owner {owner} is not an active user; choose another"


def conversion_by_update(world: World, name: str, value: Value) -> str | None:
    if world.ref.sobject != "Lead" or name.casefold() != "status" or world.row.get("IsConverted") is True:
        return None
    if value not in world.facts.converted:
        return None
    return f'"{value}" means converted, and writing it converts nothing; convert the lead in Salesforce'


def picklist_active(world: World, name: str, value: Value) -> str | None:
    info = world.info(name)
    if value is None or info is None or info.active is None:
        return None
    if not info.restricted and (world.ref.sobject, name.casefold()) not in PROCESSES:
        return None
    parts = str(value).split(";") if info.type == "multipicklist" else [str(value)]
    for part in parts:
        if part not in info.active:
            return f'"{part}" is not an active value of {name}; choose one that is, or put it back in Setup'
    record_type = str(world.row.get("RecordTypeId") or "")
    listed = world.facts.typed.get(record_type[:15], {}).get(name.casefold(), info.active)
    wrong = [part for part in parts if part not in listed]
    if wrong:
        return (
            f'"{wrong[0]}" is not a value of {name} for record type {record_type}; choose one that is, or add it there'
        )
    return None


def stage_known(world: World, name: str, value: Value) -> str | None:
    if world.ref.sobject != "Opportunity" or name.casefold() != "stagename" or value is None:
        return None
    if str(value) in (world.facts.stages or {}):
        return None
    return (
        f'what stage "{value}" makes of probability and forecast category is not known; pull OpportunityStage, or '
        "choose a stage it lists"
    )


def place_by_name(world: World, name: str, value: Value) -> str | None:
    info = world.info(name)
    if value is None or info is None or not name.casefold().endswith(("country", "state")):
        return None
    code = places_by_code(world.facts.fields).get(info.name)
    return None if code is None else f"state and country picklists are on: only codes are written; set {code} instead"


def blank_out(world: World, name: str, value: Value) -> str | None:
    if value is not None:
        return None
    info = world.info(name)
    if info is not None and not info.nillable:
        return f"{name} cannot be emptied: Salesforce requires a value"
    if world.guards.allow_blank_out or same(world.row.get(name), None, info.type if info else None):
        return None
    return f"{name} holds a value and would be emptied; plan with --allow-blank-out, and accept the line, if it shall"


def too_long(world: World, name: str, value: Value) -> str | None:
    info = world.info(name)
    if info is None or not isinstance(value, str) or not info.length or info.type in ("id", "reference"):
        return None
    if len(value) <= info.length:
        return None
    return f"{name} holds {info.length} characters and the new value has {len(value)}; shorten it"


# -- against a merge, a conversion, a new record


def not_mergeable(sobject: str, rows: Sequence[Mapping[str, Value]]) -> str | None:
    """rows: the master's values and those of the records to be merged into it."""
    if sobject not in MERGEABLE:
        return f"Salesforce merges {', '.join(MERGEABLE)} records, and no {sobject}"
    if any(row.get("IsConverted") is True for row in rows):
        return "one of the records is a converted lead, which Salesforce does not merge; merge what it became"
    if len({row.get("IsPersonAccount") is True for row in rows}) > 1:
        return "one is a person account and another is not; Salesforce does not merge the two kinds"
    return None


def not_convertible(world: World, status: str | None, contact: str | None, account: str | None) -> str | None:
    """contact, account: what the lead goes into; account is the contact's own, where there is a contact."""
    if world.row.get("IsConverted") is True:
        return "the lead is converted already"
    if status is None:
        return "no lead status means converted for its record type; mark one as Converted in Setup and pull"
    if str(world.row.get("OwnerId") or "").startswith(QUEUE):
        return "the lead is owned by a queue, and a conversion needs a user; give it to somebody first"
    if contact and not account:
        return (
            f"contact {contact} has no account, and a lead is converted into both; give the contact its account first"
        )
    return None


def not_createable(world: World, name: str, value: Value) -> str | None:
    if not world.facts.fields:
        return f"its fields are not in the warehouse; add {world.ref.sobject} to `objects:` and pull"
    info = world.info(name)
    if info is None or info.gone:
        return f"{name} is not a field this user can see; correct the name, or give the right"
    return None if info.createable else f"{name} cannot be set by this user; leave it out, or give the right"


# -- against the plan


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


RecordGuard = Callable[[World, Mapping[str, Value]], str | None]
FieldGuard = Callable[[World, str, Value], str | None]

RECORD_GUARDS: tuple[tuple[str, RecordGuard], ...] = (("GUARD-01", converted_lead), ("GUARD-06", owner_left))
FIELD_GUARDS: tuple[tuple[str, FieldGuard], ...] = (
    ("GUARD-02", not_updateable),
    ("GUARD-03", amount_with_products),
    ("GUARD-06", owner_active),
    ("GUARD-08", conversion_by_update),
    ("GUARD-09", picklist_active),
    ("GUARD-09", stage_known),
    ("GUARD-10", place_by_name),
    ("GUARD-11", blank_out),
    ("LENGTH", too_long),
)

NEW_GUARDS: tuple[tuple[str, FieldGuard], ...] = (
    ("GUARD-02", not_createable),
    *(g for g in FIELD_GUARDS if g[1] in (owner_active, picklist_active, stage_known, place_by_name, too_long)),
)

NEEDS = {
    "Lead": ("OwnerId", "RecordTypeId", "IsConverted", "ConvertedContactId"),
    "Opportunity": (
        *("OwnerId", "RecordTypeId", "HasOpportunityLineItem"),
        *("IsClosed", "IsWon", "Probability", "ForecastCategory", "ForecastCategoryName"),
    ),
}
NEEDS_OF_OTHERS = ("OwnerId", "RecordTypeId")


def needs(sobject: str) -> tuple[str, ...]:
    """Fields the guards look at besides the touched ones."""
    return NEEDS.get(sobject, NEEDS_OF_OTHERS)


def check_record(world: World, after: Mapping[str, Value]) -> tuple[str, str] | None:
    """(code, reason) of the first guard against writing `after` to this record, whatever its values."""
    found = ((code, guard(world, after)) for code, guard in RECORD_GUARDS)
    return next(((code, reason) for code, reason in found if reason), None)


def check_field(world: World, name: str, value: Value) -> tuple[str, str] | None:
    """(code, reason) of the first guard against this value in this field."""
    return _first(FIELD_GUARDS, world, name, value)


def check_new(world: World, name: str, value: Value) -> tuple[str, str] | None:
    """The same for a field of a record that is yet to be created."""
    return _first(NEW_GUARDS, world, name, value)


def _first(guards: Sequence[tuple[str, FieldGuard]], world: World, name: str, value: Value) -> tuple[str, str] | None:
    found = ((code, guard(world, name, value)) for code, guard in guards)
    return next(((code, reason) for code, reason in found if reason), None)
