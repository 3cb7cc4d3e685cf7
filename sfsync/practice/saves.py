"""Insert, update and upsert: one read, the checks in Python, one set-wise write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sfsync.practice import duplicates, references
from sfsync.practice.errors import ApiError, SeveralMatches
from sfsync.practice.saving import Draft, Moment, Saved, UnknownRecord, deleted_error, refuse, stamped
from sfsync.practice.schema import Field, SObject
from sfsync.practice.semantics import COMPLETE, HISTORY
from sfsync.practice.store import Row
from sfsync.practice.upkeep import after_write
from sfsync.practice.values import stored

Given = Mapping[str, Any]


def write(
    moment: Moment, op: str, obj: SObject, records: Sequence[Given], external_id: str | None, all_or_none: bool
) -> list[Saved]:
    """Save the records. One Saved for each, in order; with `all_or_none` none is written unless all can be."""
    drafts = _read(moment, obj, op, records)
    if op == "insert":
        _forbid_id(drafts)
    elif op == "upsert":
        _match(moment, obj, drafts, _key_field(obj, external_id or "Id"))
    _load(moment, obj, op, drafts)
    _each(drafts, lambda d: _check_writable(obj, d))
    references.check(moment, obj, _sound(drafts))
    _complete(moment, obj, drafts)
    _check_unique(moment, obj, drafts)
    duplicates.check(moment, obj, _sound(drafts))
    if all_or_none:
        roll_back(drafts)
    _write(moment, obj, _sound(drafts))
    return [Saved(None if d.error and d.created else d.id, d.created and d.error is None, d.error) for d in drafts]


def roll_back(drafts: Sequence[Draft]) -> None:
    """If one record failed, so did all."""
    if any(d.error for d in drafts):
        message = "Record rolled back because not all records were valid and the request was using AllOrNone header"
        for draft in _sound(drafts):
            draft.error = refuse("ALL_OR_NONE_OPERATION_ROLLED_BACK", message)


def _sound(drafts: Sequence[Draft]) -> list[Draft]:
    return [d for d in drafts if d.error is None]


def _each(drafts: Sequence[Draft], step: Callable[[Draft], None]) -> None:
    """Run a step for every draft not refused yet; what it raises refuses the draft."""
    for draft in _sound(drafts):
        try:
            step(draft)
        except ApiError as error:
            draft.error = error


def _read(moment: Moment, obj: SObject, op: str, records: Sequence[Given]) -> list[Draft]:
    """Drafts with the values parsed and parents named by a key looked up."""
    drafts = [Draft() for _ in records]
    asked: list[tuple[Draft, tuple[Field, SObject, Field, str]]] = []
    for draft, record in zip(drafts, records, strict=True):
        try:
            asked.extend((draft, key) for key in _read_record(moment, obj, op, draft, record))
        except ApiError as error:
            draft.error = error
    references.resolve(moment, asked)
    return drafts


def _read_record(
    moment: Moment, obj: SObject, op: str, draft: Draft, record: Given
) -> Iterator[tuple[Field, SObject, Field, str]]:
    for name, value in record.items():
        if name == "attributes":
            continue
        field = obj.field(name)
        if field is not None and field.name == "Id":
            draft.id = None if value in (None, "") else references.own_id(obj, value)
        elif field is not None:
            draft.given[field.name] = stored(field, value) if field.stored else value
        else:
            key = references.read_foreign_key(moment.schema, obj, name, value)
            if key is None:
                raise refuse("INVALID_FIELD", f"No such column '{name}' on sobject of type {obj.name}")
            yield key


def _forbid_id(drafts: Sequence[Draft]) -> None:
    for draft in _sound(drafts):
        if draft.id:
            draft.error = refuse("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ["Id"])


def _key_field(obj: SObject, name: str) -> Field:
    field = obj.field(name)
    if field is None or not (field.external_id or field.id_lookup):
        message = f"Provided external ID field does not exist or is not accessible: {name}"
        raise ApiError(404, "NOT_FOUND", message)
    return field


def _match(moment: Moment, obj: SObject, drafts: Sequence[Draft], key: Field) -> None:
    """Give each draft the Id of the record that carries its key; without one it will be inserted."""
    if key.name == "Id":
        return
    _each(drafts, lambda d: _check_key(key, d))
    found = references.find_by(moment.store, obj.name, key.name, [d.given[key.name] for d in _sound(drafts)])
    seen: set[str] = set()
    for draft in _sound(drafts):
        value = references.fold(key, draft.given[key.name])
        ids = found.get(value, [])
        if value in seen:
            draft.error = refuse(
                "DUPLICATE_VALUE", f"Duplicate external id specified: {draft.given[key.name]}", [key.name]
            )
        elif len(ids) > 1:
            draft.error = SeveralMatches(obj.name, key.name, draft.given[key.name], ids, moment.caller.version)
        elif ids:
            draft.id = ids[0]
        seen.add(value)


def _check_key(key: Field, draft: Draft) -> None:
    if draft.id:
        raise refuse("INVALID_FIELD", f"The Id field should not be specified when the key is {key.name}", ["Id"])
    if draft.given.get(key.name) is None:
        raise refuse("MISSING_ARGUMENT", f"{key.name} not specified", [key.name])


def _load(moment: Moment, obj: SObject, op: str, drafts: Sequence[Draft]) -> None:
    """Read the rows to be changed."""
    rows = moment.store.rows(obj.name, [d.id for d in _sound(drafts) if d.id])
    seen: set[str] = set()
    for draft in _sound(drafts):
        if draft.id is None:
            if op == "update":
                draft.error = refuse("MISSING_ARGUMENT", "Id not specified in an update call", ["Id"])
        elif draft.id in seen:
            draft.error = refuse("DUPLICATE_VALUE", f"Duplicate id specified: {draft.id}", ["Id"])
        elif draft.id not in rows:
            draft.error = UnknownRecord()
        elif rows[draft.id].get("IsDeleted"):
            draft.error = deleted_error()
        else:
            draft.old = rows[draft.id]
            seen.add(draft.id)
    needed = [d for d in _sound(drafts) if d.old is None]
    if needed and not obj.createable:
        for draft in needed:
            draft.error = unsupported(obj, "create")
    for draft, record_id in zip(needed, moment.store.new_ids(obj.name, len(needed)), strict=True):
        draft.id = record_id


def unsupported(obj: SObject, verb: str) -> ApiError:
    return refuse("INVALID_TYPE_FOR_OPERATION", f"entity type {obj.name} does not support {verb}")


def _check_writable(obj: SObject, draft: Draft) -> None:
    if not draft.created and not obj.updateable:
        raise unsupported(obj, "update")
    fields = [obj.fields[name] for name in draft.given]
    fixed = [f.name for f in fields if not (f.createable if draft.created else f.updateable) and _differs(draft, f)]
    if fixed:
        raise refuse(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            f"Unable to create/update fields: {', '.join(fixed)}. Please check the security settings of this field and "
            "verify that it is read/write for your profile or permission set.",
            fixed,
        )
    if draft.created:
        missing = [f.name for f in obj.fields.values() if f.required and draft.given.get(f.name) is None]
    else:
        missing = [f.name for f in fields if f.updateable and not f.nillable and draft.given[f.name] is None]
    if missing:
        raise refuse("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing)


def _differs(draft: Draft, field: Field) -> bool:
    """The key of an upsert may be a field which only the platform writes; naming it changes nothing."""
    return draft.created or draft.given[field.name] != draft.before(field.name) or not field.id_lookup


def _complete(moment: Moment, obj: SObject, drafts: Sequence[Draft]) -> None:
    full = moment.schema.full(obj.name)
    blank = _blank(full, moment)
    complete = COMPLETE.get(obj.name)
    for draft in _sound(drafts):
        stated = draft.given
        if draft.created:
            stated = {n: v for n, v in stated.items() if v is not None or not full.fields[n].defaulted}
            draft.given = stated
        draft.new = {**(draft.old or blank), **stated, "Id": draft.id}
        try:
            if complete:
                complete(moment, draft)
        except ApiError as error:
            draft.error = error


def _blank(obj: SObject, moment: Moment) -> Row:
    """A new record before anything was said about it."""
    row: Row = {}
    for field in obj.stored_fields:
        row[field.name] = field.default if field.defaulted else None
    if "OwnerId" in row and obj.fields["OwnerId"].defaulted:
        row["OwnerId"] = moment.caller.user_id
    return row


def _check_unique(moment: Moment, obj: SObject, drafts: Sequence[Draft]) -> None:
    for field in obj.fields.values():
        if field.unique or (obj.name, field.name) == ("User", "Username"):
            _check_unique_field(moment, obj, field, drafts)


def _check_unique_field(moment: Moment, obj: SObject, field: Field, drafts: Sequence[Draft]) -> None:
    setters = [d for d in _sound(drafts) if d.new.get(field.name) is not None and d.changed(field.name)]
    if not setters:
        return
    holders = references.find_by(moment.store, obj.name, field.name, [d.new[field.name] for d in setters])
    taken = {value: ids[0] for value, ids in holders.items()}
    freed = {references.fold(field, d.before(field.name)) for d in _sound(drafts) if d.old and d.changed(field.name)}
    for draft in setters:
        value = references.fold(field, draft.new[field.name])
        holder = taken.get(value)
        if holder and holder != draft.id and value not in freed:
            message = f"duplicate value found: {field.name} duplicates value on record with id: {holder[:15]}"
            draft.error = refuse("DUPLICATE_VALUE", message)
        else:
            freed.discard(value)
            taken[value] = str(draft.id)


def _write(moment: Moment, obj: SObject, drafts: Sequence[Draft]) -> None:
    history = HISTORY.get(obj.name)
    full = moment.schema.full(obj.name)
    for draft in drafts:
        if history:
            history(moment, draft)
        stamped(full, draft.new, moment, created=draft.created)
    new = [d.new for d in drafts if d.created]
    old = [d for d in drafts if not d.created]
    moment.store.insert(obj.name, new)
    moment.store.update(obj.name, [d.new for d in old], {n for d in old for n in d.new if d.changed(n)})
    for sobject, rows in moment.extra.items():
        moment.store.insert(sobject, rows)
    after_write(moment, obj.name, drafts)
