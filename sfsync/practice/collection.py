"""sObject collections: up to 200 records in one call, each with a result of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sfsync.practice.errors import ApiError
from sfsync.practice.records import field_names, key_field, known_sobject
from sfsync.practice.router import Router
from sfsync.practice.saving import Saved
from sfsync.practice.wire import Call, Reply

if TYPE_CHECKING:
    from sfsync.practice.site import Site

MOST_RECORDS = 200
MOST_CHUNKS = 10
MOST_READ = 2000

Rows = list[tuple[str, dict[str, Any]]]
"""Each record with its sObject's name."""

routes = Router()


class RolledBack(Exception):
    """Leaves a transaction without keeping what was done in it."""


def result(saved: Saved, *, upsert: bool = False) -> dict[str, Any]:
    """One record's element of a collection's answer."""
    if saved.error:
        known_id = {"id": saved.id} if saved.id else {}
        return {**known_id, "success": False, "errors": [saved.error.row_error()]}
    created = {"created": saved.created} if upsert else {}
    return {"id": saved.id, "success": True, "errors": [], **created}


def save_rows(site: Site, call: Call, op: str, rows: Rows, *, all_or_none: bool, key: str | None = None) -> list[Saved]:
    """Save the rows in runs of one sObject, results in their order. All or none holds across the runs."""
    runs = [(name, [r for _, r in group]) for name, group in groupby(rows, key=lambda row: row[0])]
    if len(runs) > MOST_CHUNKS:
        message = f"The request cannot have more than {MOST_CHUNKS} chunks of records of one type, it has {len(runs)}"
        raise ApiError(400, "EXCEEDED_MAX_TYPES_LIMIT", message)
    caller = site.caller(call)
    saved: list[Saved] = []
    together = site.org.transaction() if all_or_none and len(runs) > 1 else nullcontext()
    try:
        with together:
            for name, records in runs:
                saved += site.save(op, name, records, caller, call.path, external_id=key, all_or_none=all_or_none)
            if all_or_none and len(runs) > 1 and any(s.error for s in saved):
                raise RolledBack
    except RolledBack:
        saved = [s if s.error else rolled_back(s) for s in saved]
    return saved


def rolled_back(saved: Saved) -> Saved:
    message = "Record rolled back because not all records were valid and the request was using AllOrNone header"
    error = ApiError(400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", message)
    return Saved(None if saved.created else saved.id, False, error)


def _records(call: Call) -> tuple[list[dict[str, Any]], bool]:
    body = call.json_object()
    records, all_or_none = body.get("records"), body.get("allOrNone", False)
    unknown = sorted(set(body) - {"records", "allOrNone"})
    if unknown or not isinstance(records, list) or not isinstance(all_or_none, bool):
        what = unknown[0] if unknown else "records (a list) and allOrNone (true or false)"
        raise ApiError(400, "JSON_PARSER_ERROR", f"Unrecognized or wrong property: {what}")
    if not all(isinstance(r, dict) for r in records):
        raise ApiError(400, "JSON_PARSER_ERROR", "records: each must be an object")
    if not records:
        raise ApiError(400, "MISSING_ARGUMENT", "records: at least one is required")
    if len(records) > MOST_RECORDS:
        message = f"record limit reached. cannot submit more than {MOST_RECORDS} records in this operation"
        raise ApiError(400, "EXCEEDED_ID_LIMIT", message)
    return records, all_or_none


def _typed(site: Site, records: Sequence[dict[str, Any]], default: str | None = None) -> Rows:
    rows: Rows = []
    for record in records:
        attributes = record.get("attributes") or {}
        name = attributes.get("type", default) if isinstance(attributes, dict) else None
        if not isinstance(name, str):
            raise ApiError(400, "INVALID_INPUT", "Include an entity type for every record, in attributes.type")
        known = site.org.schema.get(name)
        if known is None:
            message = f"sObject type '{name}' is not supported."
            raise ApiError(400, "INVALID_TYPE", message)
        rows.append((known.name, {("Id" if k == "id" else k): v for k, v in record.items() if k != "attributes"}))
    return rows


@routes.on("POST", "/composite/sobjects")
def insert(site: Site, call: Call) -> Reply:
    records, all_or_none = _records(call)
    saved = save_rows(site, call, "insert", _typed(site, records), all_or_none=all_or_none)
    return Reply(200, [result(s) for s in saved])


@routes.on("PATCH", "/composite/sobjects")
def update(site: Site, call: Call) -> Reply:
    records, all_or_none = _records(call)
    saved = save_rows(site, call, "update", _typed(site, records), all_or_none=all_or_none)
    return Reply(200, [result(s) for s in saved])


@routes.on("PATCH", "/composite/sobjects/{sobject}/{field}")
def upsert(site: Site, call: Call, sobject: str, field: str) -> Reply:
    known = known_sobject(site, sobject)
    key = key_field(known, field)
    records, all_or_none = _records(call)
    rows = _typed(site, records, known.name)
    if any(name != known.name for name, _ in rows):
        raise ApiError(400, "INVALID_TYPE", f"All records of this request must be of type {known.name}")
    saved = save_rows(site, call, "upsert", rows, all_or_none=all_or_none, key=key.name)
    return Reply(200, [result(s, upsert=True) for s in saved])


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


@routes.on("DELETE", "/composite/sobjects")
def delete(site: Site, call: Call) -> Reply:
    ids = _listed(call.parameters.get("ids", ""))
    if not ids:
        raise ApiError(400, "MISSING_ARGUMENT", "ids: at least one is required")
    if len(ids) > MOST_RECORDS:
        raise ApiError(400, "EXCEEDED_ID_LIMIT", f"cannot delete more than {MOST_RECORDS} records in this operation")
    by_prefix = {s.prefix: s.name for s in site.org.schema.sobjects.values() if s.prefix}
    rows: Rows = []
    for record_id in ids:
        name = by_prefix.get(record_id[:3])
        if name is None:
            raise ApiError(400, "MALFORMED_ID", f"malformed id {record_id}", ["Id"])
        rows.append((name, {"Id": record_id}))
    all_or_none = call.parameters.get("allOrNone", "false").lower() == "true"
    return Reply(200, [result(s) for s in save_rows(site, call, "delete", rows, all_or_none=all_or_none)])


@routes.on("GET", "/composite/sobjects/{sobject}")
def retrieve(site: Site, call: Call, sobject: str) -> Reply:
    given = call.parameters
    return _retrieve(site, call, sobject, _listed(given.get("ids", "")), _listed(given.get("fields", "")))


@routes.on("POST", "/composite/sobjects/{sobject}")
def retrieve_many(site: Site, call: Call, sobject: str) -> Reply:
    body = call.json_object()
    ids, fields = body.get("ids"), body.get("fields")
    for given in (ids, fields):
        if not isinstance(given, list) or not all(isinstance(g, str) for g in given):
            raise ApiError(400, "JSON_PARSER_ERROR", "ids and fields must be lists of text")
    return _retrieve(site, call, sobject, ids or [], fields or [])


def _retrieve(site: Site, call: Call, sobject: str, ids: list[str], fields: list[str]) -> Reply:
    """The records in the order of the Ids, null for those that are not there."""
    known = known_sobject(site, sobject)
    if not ids or not fields:
        raise ApiError(400, "MISSING_ARGUMENT", "ids and fields: at least one of each is required")
    if len(ids) > MOST_READ:
        raise ApiError(400, "EXCEEDED_ID_LIMIT", f"cannot retrieve more than {MOST_READ} records in this operation")
    for record_id in ids:
        if not record_id.isalnum():
            raise ApiError(400, "MALFORMED_ID", f"malformed id {record_id}", ["Id"])
    found: dict[str, dict[str, Any]] = {}
    columns = ", ".join(dict.fromkeys(["Id", *field_names(known, fields)]))
    for some in _pieces(list(dict.fromkeys(ids)), 500):
        quoted = ", ".join(f"'{i}'" for i in some)
        answer = site.org.query(f"SELECT {columns} FROM {known.name} WHERE Id IN ({quoted})", site.caller(call))
        found |= {r["Id"][:15]: r for r in answer.records(0, len(some))}
        answer.close()
    wants_id = "id" in {f.lower() for f in fields}
    records = [found.get(i[:15]) for i in ids]
    if not wants_id:
        records = [r and {k: v for k, v in r.items() if k != "Id"} for r in records]
    return Reply(200, records)


def _pieces(values: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
