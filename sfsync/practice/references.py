"""Lookups of records being saved: that they exist, are of the right kind, and may be pointed at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sfsync.practice.errors import ApiError, SeveralMatches
from sfsync.practice.ids import normal
from sfsync.practice.saving import Draft, Moment, deleted_error, refuse
from sfsync.practice.schema import Field, Schema, SObject
from sfsync.practice.store import Row, Store

_HIERARCHIES = {"Account": "ParentId", "Contact": "ReportsToId", "Campaign": "ParentId", "User": "ManagerId"}


def find_by(store: Store, sobject: str, field: str, values: Iterable[str]) -> dict[str, list[str]]:
    """Ids of live records by the value of a field. Keys are folded to lower case unless the field minds case."""
    obj = store.schema.full(sobject)
    key = obj.fields[field]
    # SQL and Python disagree on the lower case of a few letters: SQL finds the rows, `fold` alone makes the keys.
    lower = "" if minds_case(key) else "lower"
    live = 'AND NOT "IsDeleted"' if "IsDeleted" in obj.fields else ""
    sql = f"""
        SELECT "{field}", "Id" FROM "{sobject}"
        WHERE {lower}("{field}") IN (SELECT {lower}(value) FROM (SELECT unnest($1::VARCHAR[]) AS value)) {live}
        ORDER BY "Id"
    """
    found: dict[str, list[str]] = {}
    for value, record_id in store.fetch(sql, [sorted(set(values))]):
        found.setdefault(fold(key, value), []).append(record_id)
    return found


def minds_case(field: Field) -> bool:
    return field.case_sensitive or field.type in ("id", "reference")


def fold(field: Field, value: Any) -> str:
    """The key under which `find_by` gives the value's records."""
    return str(value) if minds_case(field) else str(value).lower()


def read_foreign_key(schema: Schema, obj: SObject, name: str, value: Any) -> tuple[Field, SObject, Field, str] | None:
    """`"Account": {"External_Id__c": "A-1"}`, `Account.External_Id__c` or `User:Owner.Email` of a record.

    Returns the reference field, the parent's object, its key field and the key; None when `name` is no such thing.
    """
    prefix, _, path = name.rpartition(":")
    relationship, _, key_name = path.partition(".")
    field = obj.parent(relationship)
    if field is None or (not key_name and not isinstance(value, Mapping)):
        return None
    if isinstance(value, Mapping):
        prefix = str((value.get("attributes") or {}).get("type") or prefix)
        keys = [k for k in value if k != "attributes"]
        if key_name or len(keys) != 1:
            raise refuse("INVALID_FIELD", f"{name}: give exactly one external ID field of the parent", [name])
        key_name, value = keys[0], value[keys[0]]
    if bool(prefix) != field.polymorphic and (prefix or key_name.lower() != "id"):
        message = f"The relationship {relationship} is {'' if field.polymorphic else 'not '}polymorphic: {name}"
        raise refuse("INVALID_FIELD", message, [field.name])
    parent = schema.get(prefix or field.refers[0])
    key = parent.field(key_name) if parent else None
    if parent is None or parent.name not in field.refers or key is None or not (key.external_id or key.id_lookup):
        message = f"No such column '{key_name}' on sobject of type {prefix or field.refers[0]}"
        raise refuse("INVALID_FIELD", message, [name])
    return field, parent, key, str(value)


def resolve(moment: Moment, asked: Sequence[tuple[Draft, tuple[Field, SObject, Field, str]]]) -> None:
    """Put the parents' Ids into `given` of drafts that name them by a key."""
    wanted: dict[tuple[str, str], set[str]] = {}
    for _, (_, parent, key, value) in asked:
        wanted.setdefault((parent.name, key.name), set()).add(value)
    found = {pair: find_by(moment.store, *pair, values) for pair, values in wanted.items()}
    for draft, (field, parent, key, value) in asked:
        ids = found[parent.name, key.name].get(fold(key, value), [])
        if len(ids) == 1:
            draft.given[field.name] = ids[0]
        elif ids:
            draft.error = SeveralMatches(parent.name, key.name, value, ids, moment.caller.version)
        else:
            message = f"Foreign key external ID: {value} not found for field {key.name} in entity {parent.name}"
            draft.error = refuse("INVALID_FIELD", message)


def check(moment: Moment, obj: SObject, drafts: Sequence[Draft]) -> None:
    """Refuse drafts whose given lookups point at nothing, at deleted records, or where they must not point."""
    references = [f for f in obj.fields.values() if f.type == "reference"]
    asked = [(d, f, d.given[f.name]) for d in drafts for f in references if d.given.get(f.name)]
    targets = _targets(moment, asked)
    for draft, field, value in asked:
        if draft.error is None and (draft.created or draft.before(field.name) != value):
            draft.error = _refusal(moment, obj, field, value, targets)
    _check_hierarchy(moment, obj, [d for d in drafts if d.error is None])


_Targets = Mapping[str, tuple[str, Row]]


def _targets(moment: Moment, asked: Sequence[tuple[Draft, Field, str]]) -> _Targets:
    """Id → its object and row, for every Id asked for that exists."""
    by_object: dict[str, set[str]] = {}
    for _, field, value in asked:
        for name in field.refers:
            known = moment.schema.sobjects.get(name)
            if known is not None and known.prefix == value[:3]:
                by_object.setdefault(name, set()).add(value)
    return {i: (name, row) for name, ids in by_object.items() for i, row in moment.store.rows(name, ids).items()}


def _refusal(moment: Moment, obj: SObject, field: Field, value: str, targets: _Targets) -> ApiError | None:
    prefixes = [moment.schema.sobjects[n].prefix for n in field.refers if n in moment.schema.sobjects]
    if value not in targets:
        if prefixes and value[:3] not in prefixes:
            message = f"{field.label}: id value of incorrect type: {value}"
            return refuse("FIELD_INTEGRITY_EXCEPTION", message, [field.name])
        return refuse("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [field.name])
    name, row = targets[value]
    if row.get("IsDeleted"):
        error = deleted_error()
        error.status, error.fields = 400, [field.name]
        return error
    if name == "Lead" and row["IsConverted"] and field.name in ("WhoId", "LeadId"):
        return refuse("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [field.name])
    if name == "User" and field.name == "OwnerId" and not row["IsActive"]:
        message = f"operation performed with inactive user [{value[:15]}] as owner of {obj.label.lower()}"
        return refuse("INACTIVE_OWNER_OR_USER", message)
    if name == "Group" and field.name == "OwnerId":
        return _queue_refusal(moment, obj, value, row)
    if name == "RecordType" and (row["SobjectType"] != obj.name or not row["IsActive"]):
        message = f"Record Type ID: this ID value isn't valid for the user: {value}"
        return refuse("INVALID_CROSS_REFERENCE_KEY", message, [field.name])
    return None


def _queue_refusal(moment: Moment, obj: SObject, value: str, row: Row) -> ApiError | None:
    where = '"QueueId" = $1 AND "SobjectType" = $2'
    if row["Type"] == "Queue" and moment.store.select("QueueSobject", where, [value, obj.name]):
        return None
    return refuse("FIELD_INTEGRITY_EXCEPTION", "Queue not associated with this SObject type", ["OwnerId"])


def _check_hierarchy(moment: Moment, obj: SObject, drafts: Sequence[Draft]) -> None:
    """Refuse a parent that is the record itself or stands below it."""
    name = _HIERARCHIES.get(obj.name)
    moved = {d.id: d for d in drafts if name and d.old and d.given.get(name)}
    if not moved or name is None:
        return
    sql = f"""
        WITH RECURSIVE up(start, above, depth) AS (
            SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[]), 1
            UNION ALL
            SELECT up.start, parent."{name}", depth + 1 FROM up JOIN "{obj.name}" parent ON parent."Id" = up.above
            WHERE up.above <> up.start AND parent."{name}" IS NOT NULL AND depth < 500
        )
        SELECT DISTINCT start FROM up WHERE above = start
    """
    pairs = [(record_id, d.given[name]) for record_id, d in moved.items()]
    for (record_id,) in moment.store.fetch(sql, [[p[0] for p in pairs], [p[1] for p in pairs]]):
        moved[record_id].error = refuse("CIRCULAR_DEPENDENCY", "attempt to create a loop in the hierarchy", [name])


def own_id(obj: SObject, value: Any) -> str:
    """The Id of a record to be changed, in 18 characters. Raises ApiError MALFORMED_ID when it is none of `obj`'s."""
    found = normal(value)
    if found is None:
        raise refuse("MALFORMED_ID", f"malformed id {str(value)[:100]}", ["Id"])
    if found[:3] != obj.prefix:
        raise refuse("MALFORMED_ID", f"{obj.label} ID: id value of incorrect type: {found}", ["Id"])
    return found
