"""Delete, undelete, purge: the recycle bin, and the log which getDeleted reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sfsync.practice.errors import ApiError
from sfsync.practice.references import own_id
from sfsync.practice.saves import roll_back, unsupported
from sfsync.practice.saving import Draft, Moment, Saved, UnknownRecord, deleted_error, refuse
from sfsync.practice.schema import Child, SObject
from sfsync.practice.upkeep import refresh_activity, refresh_primary_contacts

BIN_DAYS = 15
UNBINNED = ("CampaignMember",)
"""Gone for good when they are deleted by themselves; what is deleted along with another record waits with that."""


def remove(
    moment: Moment, op: str, obj: SObject, records: Sequence[Mapping[str, Any]], all_or_none: bool
) -> list[Saved]:
    """delete, hardDelete or undelete the records with these Ids. One Saved for each, in order."""
    drafts = [_draft(obj, op, r) for r in records]
    rows = moment.store.rows(obj.name, [d.id for d in drafts if d.id and d.error is None])
    check = _undelete_refusal if op == "undelete" else _delete_refusal
    seen: set[str] = set()
    for draft in drafts:
        if draft.error is None and draft.id:
            draft.old = rows.get(draft.id)
            draft.error = _repeated(draft, seen) or check(moment, obj, draft)
            seen.add(draft.id)
    if op != "undelete":
        _refuse_held(moment, obj, drafts)
    if all_or_none:
        roll_back(drafts)
    ids = [d.id for d in drafts if d.error is None and d.id]
    if ids and op == "undelete":
        restore(moment, obj, ids)
    elif ids:
        delete(moment, obj, ids)
        if op == "hardDelete" or obj.name in UNBINNED:
            purge(moment, obj.name, ids)
    return [Saved(d.id, False, d.error) for d in drafts]


def _draft(obj: SObject, op: str, record: Mapping[str, Any]) -> Draft:
    draft = Draft()
    try:
        if not (obj.undeletable if op == "undelete" else obj.deletable):
            raise unsupported(obj, "undelete" if op == "undelete" else "delete")
        given = next((value for name, value in record.items() if name.lower() == "id"), None)
        if not given:
            raise refuse("MISSING_ARGUMENT", "Id not specified", ["Id"])
        draft.id = own_id(obj, given)
    except ApiError as error:
        draft.error = error
    return draft


def _repeated(draft: Draft, seen: set[str]) -> ApiError | None:
    return refuse("DUPLICATE_VALUE", f"Duplicate id specified: {draft.id}", ["Id"]) if draft.id in seen else None


def _delete_refusal(moment: Moment, obj: SObject, draft: Draft) -> ApiError | None:
    if draft.old is None:
        return UnknownRecord()
    return deleted_error() if draft.old.get("IsDeleted") else None


def _undelete_refusal(moment: Moment, obj: SObject, draft: Draft) -> ApiError | None:
    if draft.old is None:
        return UnknownRecord()
    logged = moment.store.fetch("SELECT root FROM practice_deleted WHERE id = $1", [draft.id])
    if not draft.old.get("IsDeleted") or not logged:
        return refuse("UNDELETE_FAILED", "Entity is not in the recycle bin")
    if logged[0][0] != draft.id:
        return refuse("UNDELETE_FAILED", f"Entity was deleted together with {logged[0][0]}: undelete that one")
    return None


def _refuse_held(moment: Moment, obj: SObject, drafts: Sequence[Draft]) -> None:
    """Accounts keep their closed won opportunities; parents keep children whose relation is restricted."""
    by_id = {d.id: d for d in drafts if d.error is None and d.id}
    held: list[tuple[str, str]] = []
    if obj.name == "Account":
        sql = 'SELECT DISTINCT "AccountId" FROM "Opportunity" WHERE "IsWon" AND NOT "IsDeleted"'
        sql += ' AND "AccountId" IN (SELECT unnest($1))'
        held = [
            (i, "some opportunities in this account were closed won") for (i,) in moment.store.fetch(sql, [list(by_id)])
        ]
    for child in moment.schema.children(obj.name):
        if child.restricted:
            found = _children(moment, child, list(by_id))
            held += [(parent, f"it has {child.relationship or child.sobject}") for parent in found.values()]
    for record_id, why in held:
        name = (by_id[record_id].old or {}).get("Name") or record_id
        message = f"Your attempt to delete {name} could not be completed because {why}."
        by_id[record_id].error = refuse("DELETE_FAILED", message)


def _children(moment: Moment, child: Child, parents: Iterable[str]) -> dict[str, str]:
    """Live children of these parents: Id → the parent's Id."""
    live = 'AND NOT "IsDeleted"' if "IsDeleted" in moment.schema.full(child.sobject).fields else ""
    sql = f'SELECT "Id", "{child.field}" FROM "{child.sobject}" WHERE "{child.field}" IN (SELECT unnest($1)) {live}'
    return dict(moment.store.fetch(sql, [sorted(parents)]))


def delete(moment: Moment, obj: SObject, ids: Sequence[str]) -> None:
    """Put records and what cascades from them into the recycle bin; other lookups to them are emptied."""
    everything = _with_children(moment, obj.name, {i: i for i in ids})
    for name, roots in everything.items():
        _clear_lookups(moment, name, roots)
        if "IsDeleted" in moment.schema.full(name).fields:
            _mark(moment, name, list(roots), deleted=True)
        else:
            moment.store.execute(f'DELETE FROM "{name}" WHERE "Id" IN (SELECT unnest($1))', [list(roots)])
        moment.store.execute(
            "INSERT INTO practice_deleted SELECT $1, unnest($2::VARCHAR[]), $3, unnest($4::VARCHAR[])",
            [name, list(roots), moment.stamp, list(roots.values())],
        )
    _refresh(moment, everything)


def _with_children(moment: Moment, name: str, roots: dict[str, str]) -> dict[str, dict[str, str]]:
    """Object → Id → the record whose deletion takes it along, parents first."""
    found: dict[str, dict[str, str]] = {}
    queue = [(name, roots)]
    while queue:
        sobject, fresh = queue.pop(0)
        known = found.setdefault(sobject, {})
        fresh = {i: root for i, root in fresh.items() if i not in known}
        known.update(fresh)
        for child in moment.schema.children(sobject) if fresh else ():
            if child.cascade:
                queue.append((child.sobject, {i: fresh[p] for i, p in _children(moment, child, fresh).items()}))
    return {sobject: ids for sobject, ids in found.items() if ids}


def _mark(moment: Moment, sobject: str, ids: Sequence[str], *, deleted: bool) -> None:
    known = moment.schema.full(sobject).fields
    values: dict[str, Any] = {"IsDeleted": deleted, "SystemModstamp": moment.stamp, "LastModifiedDate": moment.stamp}
    values["LastModifiedById"] = moment.caller.user_id
    if not deleted:
        values["MasterRecordId"] = None
    values = {n: v for n, v in values.items() if n in known}
    columns = ", ".join(f'"{n}" = ${i}' for i, n in enumerate(values, 2))
    sql = f'UPDATE "{sobject}" SET {columns} WHERE "Id" IN (SELECT unnest($1))'
    moment.store.execute(sql, [list(ids), *values.values()])


def _clear_lookups(moment: Moment, sobject: str, roots: Mapping[str, str]) -> None:
    """Empty optional lookups to deleted records, and remember them for an undelete."""
    for child in moment.schema.children(sobject):
        field = moment.schema.full(child.sobject).fields[child.field]
        if child.cascade or child.restricted or not (field.updateable and field.nillable):
            continue
        pointing = _children(moment, child, roots)
        if pointing:
            ids, parents = list(pointing), list(pointing.values())
            moment.store.execute(
                "INSERT INTO practice_cleared SELECT $1, unnest($2::VARCHAR[]), $3, unnest($4::VARCHAR[])",
                [child.sobject, ids, child.field, parents],
            )
            sql = f'UPDATE "{child.sobject}" SET "{child.field}" = NULL, "SystemModstamp" = $2'
            moment.store.execute(f'{sql} WHERE "Id" IN (SELECT unnest($1))', [ids, moment.stamp])


def _refresh(moment: Moment, everything: Mapping[str, Mapping[str, str]]) -> None:
    """Derived values of what is left: primary contacts, last activities."""
    roles = moment.store.rows("OpportunityContactRole", everything.get("OpportunityContactRole", {}))
    if roles:
        refresh_primary_contacts(moment, {r["OpportunityId"] for r in roles.values()})
    parents: set[str] = set()
    for sobject in ("Task", "Event"):
        for row in moment.store.rows(sobject, everything.get(sobject, {})).values():
            parents |= {p for p in (row["WhoId"], row["WhatId"]) if p}
    refresh_activity(moment, sorted(parents))


def restore(moment: Moment, obj: SObject, ids: Sequence[str]) -> None:
    """Take records out of the bin, with all that was deleted along with them and the lookups that were emptied."""
    logged = moment.store.fetch(
        "SELECT sobject, id FROM practice_deleted WHERE root IN (SELECT unnest($1))", [list(ids)]
    )
    everything: dict[str, dict[str, str]] = {}
    for sobject, record_id in logged:
        everything.setdefault(sobject, {})[record_id] = record_id
    back = [i for found in everything.values() for i in found]
    for sobject, found in everything.items():
        if "IsDeleted" in moment.schema.full(sobject).fields:
            _mark(moment, sobject, list(found), deleted=False)
    _restore_lookups(moment, back)
    moment.store.execute("DELETE FROM practice_deleted WHERE id IN (SELECT unnest($1))", [back])
    _refresh(moment, everything)


def _restore_lookups(moment: Moment, parents: Sequence[str]) -> None:
    where = "WHERE parent IN (SELECT unnest($1))"
    for sobject, field in moment.store.fetch(
        f"SELECT DISTINCT sobject, field FROM practice_cleared {where}", [parents]
    ):
        if field in moment.schema.full(sobject).fields:
            moment.store.execute(
                f'UPDATE "{sobject}" SET "{field}" = was.parent, "SystemModstamp" = $4 FROM practice_cleared was'
                f' WHERE was.id = "{sobject}"."Id" AND was.sobject = $2 AND was.field = $3 AND "{field}" IS NULL'
                " AND was.parent IN (SELECT unnest($1))",
                [parents, sobject, field, moment.stamp],
            )
    moment.store.execute(f"DELETE FROM practice_cleared {where}", [parents])


def purge(moment: Moment, sobject: str, ids: Sequence[str]) -> int:
    """Remove records for good, with what was deleted along with them; the delete log keeps them. Returns how many."""
    logged = moment.store.fetch(
        "SELECT sobject, id FROM practice_deleted WHERE root IN (SELECT unnest($1))", [list(ids)]
    )
    by_object: dict[str, set[str]] = {sobject: set(ids)}
    for name, record_id in logged:
        by_object.setdefault(name, set()).add(record_id)
    for name, found in by_object.items():
        moment.store.execute(f'DELETE FROM "{name}" WHERE "Id" IN (SELECT unnest($1))', [sorted(found)])
    gone = [i for found in by_object.values() for i in found]
    moment.store.execute("UPDATE practice_deleted SET root = NULL WHERE id IN (SELECT unnest($1))", [gone])
    moment.store.execute("DELETE FROM practice_cleared WHERE parent IN (SELECT unnest($1))", [gone])
    return sum(len(found) for found in by_object.values())


def empty_expired(moment: Moment) -> None:
    """What lay in the bin for 15 days is purged."""
    limit: datetime = moment.stamp - timedelta(days=BIN_DAYS)
    expired = "SELECT sobject, list(id) FROM practice_deleted WHERE deleted < $1 GROUP BY sobject"
    for sobject, ids in moment.store.fetch(expired, [limit]):
        moment.store.execute(f'DELETE FROM "{sobject}" WHERE "Id" IN (SELECT unnest($1))', [ids])
    moment.store.execute("DELETE FROM practice_deleted WHERE deleted < $1", [limit])
