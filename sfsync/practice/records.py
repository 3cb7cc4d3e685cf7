"""Single records: create, read, update, delete, upsert, and what changed in a window."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sfsync.practice.errors import ApiError, SeveralMatches
from sfsync.practice.router import Router
from sfsync.practice.wire import Call, Reply, http_date, not_found, read_http_date

if TYPE_CHECKING:
    from sfsync.practice.saving import Saved
    from sfsync.practice.schema import Field, SObject
    from sfsync.practice.site import Site

ID_SHAPE = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
FIELD_SHAPE = re.compile(r"\w+(?:\.\w+)*")

routes = Router()


def known_sobject(site: Site, name: str) -> SObject:
    found = site.org.schema.get(name)
    if found is None:
        raise not_found()
    return found


def _check_id(record_id: str) -> None:
    if not ID_SHAPE.fullmatch(record_id):
        raise unknown_key(record_id)


def unknown_key(name: str) -> ApiError:
    return ApiError(404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {name}")


def body_fields(call: Call) -> dict[str, Any]:
    record = call.json_object()
    record.pop("attributes", None)
    return record


def _refuse_id(record: dict[str, Any], *names: str) -> None:
    folded = {n.lower() for n in ("Id", *names)}
    for name in record:
        if name.lower() in folded:
            message = f"The {name} field should not be specified in the sobject data."
            raise ApiError(400, "INVALID_FIELD", message, [name])


@routes.on("POST", "/sobjects/{sobject}", "/sobjects/{sobject}/Id")
def create(site: Site, call: Call, sobject: str) -> Reply:
    known = known_sobject(site, sobject)
    record = body_fields(call)
    _refuse_id(record)
    saved = site.save("insert", known.name, [record], site.caller(call), call.path)[0]
    if saved.error:
        raise saved.error
    return Reply(201, {"id": saved.id, "success": True, "errors": []}, headers=_location(call, known.name, saved))


def _location(call: Call, sobject: str, saved: Saved) -> dict[str, str]:
    return {"Location": f"{call.root}/sobjects/{sobject}/{saved.id}"}


@routes.on("GET", "/sobjects/{sobject}/{record_id}")
def read(site: Site, call: Call, sobject: str, record_id: str) -> Reply:
    known = known_sobject(site, sobject)
    _check_id(record_id)
    return _read(site, call, known, record_id)


def _read(site: Site, call: Call, known: SObject, record_id: str) -> Reply:
    named = field_names(known, call.parameters.get("fields", "").split(","))
    stamp = _stamp_field(known)
    extra = bool(named) and stamp.lower() not in {n.lower() for n in named}
    record = site.org.retrieve(known.name, record_id, [*named, stamp] if extra else named or None, site.caller(call))
    headers = _record_headers(known, record)
    if extra:
        record = {name: value for name, value in record.items() if name != stamp}
    refused = _failed_condition(call, known, headers)
    if refused:
        return Reply(refused, headers=headers)
    return Reply(200, record, headers=headers)


def field_names(known: SObject, given: Sequence[str]) -> list[str]:
    """The names without blanks around them. Raises ApiError for what cannot be a field's name."""
    names = [name.strip() for name in given if name.strip()]
    for name in names:
        if not FIELD_SHAPE.fullmatch(name):
            raise ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {known.name}")
    return names


def _stamp_field(known: SObject) -> str:
    return next(n for n in ("LastModifiedDate", "SystemModstamp", "CreatedDate", "Id") if known.field(n))


def _record_headers(known: SObject, record: dict[str, Any]) -> dict[str, str]:
    stamp = record.get(_stamp_field(known))
    if not stamp or "T" not in stamp:
        return {}
    headers = {"Last-Modified": http_date(datetime.fromisoformat(stamp.replace("+0000", "+00:00")))}
    if known.name == "Account":
        url = record.get("attributes", {}).get("url", "")
        digest = hashlib.sha256(f"{url.rpartition('/')[2]}:{stamp}".encode()).hexdigest()
        headers["ETag"] = f'"{digest[:22]}"'
    return headers


def _failed_condition(call: Call, known: SObject, headers: dict[str, str]) -> int:
    """304 or 412 when a condition of the request's headers does not hold, else 0."""
    reading = call.method in ("GET", "HEAD")
    tag = headers.get("ETag")
    for name, wanted in (("if-match", True), ("if-none-match", False)):
        if (given := call.header(name)) and tag:
            tags = [t.strip() for t in given.split(",")]
            if (tag in tags or "*" in tags) is not wanted:
                return 412 if wanted or not reading else 304
    if "Last-Modified" in headers:
        changed = read_http_date(headers["Last-Modified"])
        if (since := call.header("if-modified-since")) and changed <= read_http_date(since):
            return 304 if reading else 412
        if (since := call.header("if-unmodified-since")) and changed > read_http_date(since):
            return 412
    return 0


CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


def _check_conditions(site: Site, call: Call, known: SObject, record_id: str) -> None:
    """Raises ApiError 412. Call it with the org's lock held, so nothing changes before the write."""
    if not any(call.header(name) for name in CONDITIONS):
        return
    record = site.org.retrieve(known.name, record_id, [_stamp_field(known)], site.caller(call))
    if _failed_condition(call, known, _record_headers(known, record)):
        by_tag = bool(call.header("if-match") or call.header("if-none-match"))
        code = "MATCH_PRECONDITION_FAILED" if by_tag else "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE"
        raise ApiError(412, code, "The requested operation failed because a precondition was not met")


@routes.on("PATCH", "/sobjects/{sobject}/{record_id}")
def update(site: Site, call: Call, sobject: str, record_id: str) -> Reply:
    known = known_sobject(site, sobject)
    _check_id(record_id)
    record = body_fields(call)
    _refuse_id(record)
    with site.org.lock:
        _check_conditions(site, call, known, record_id)
        saved = site.save("update", known.name, [{"Id": record_id, **record}], site.caller(call), call.path)[0]
    if saved.error:
        raise saved.error
    return Reply(204)


@routes.on("DELETE", "/sobjects/{sobject}/{record_id}")
def delete(site: Site, call: Call, sobject: str, record_id: str) -> Reply:
    known = known_sobject(site, sobject)
    _check_id(record_id)
    saved = site.save("delete", known.name, [{"Id": record_id}], site.caller(call), call.path)[0]
    if saved.error:
        raise saved.error
    return Reply(204)


def key_field(known: SObject, name: str) -> Field:
    """The field of an upsert or lookup by key. Raises ApiError 404 unless it is Id, an external Id or an idLookup."""
    found = known.field(name)
    if found is None or not (found.external_id or found.id_lookup or found.name == "Id"):
        raise unknown_key(name)
    return found


@routes.on("GET", "/sobjects/{sobject}/{field}/{value}")
def read_by_key(site: Site, call: Call, sobject: str, field: str, value: str) -> Reply:
    known = known_sobject(site, sobject)
    return _read(site, call, known, _one_by_key(site, call, known, key_field(known, field).name, value))


@routes.on("DELETE", "/sobjects/{sobject}/{field}/{value}")
def delete_by_key(site: Site, call: Call, sobject: str, field: str, value: str) -> Reply:
    known = known_sobject(site, sobject)
    return delete(site, call, sobject, _one_by_key(site, call, known, key_field(known, field).name, value))


def _one_by_key(site: Site, call: Call, known: SObject, field: str, value: str) -> str:
    ids = site.org.find(known.name, field, value)
    if not ids:
        raise not_found()
    if len(ids) > 1:
        raise SeveralMatches(known.name, field, value, ids, call.version)
    return ids[0]


@routes.on("PATCH", "/sobjects/{sobject}/{field}/{value}")
def upsert(site: Site, call: Call, sobject: str, field: str, value: str) -> Reply:
    known = known_sobject(site, sobject)
    key = key_field(known, field)
    record = body_fields(call)
    _refuse_id(record, key.name)
    with site.org.lock:
        ids = site.org.find(known.name, key.name, value)
        if len(ids) > 1:
            raise SeveralMatches(known.name, key.name, value, ids, call.version)
        if ids:
            _check_conditions(site, call, known, ids[0])
        elif call.parameters.get("updateOnly", "").lower() == "true":
            raise not_found()
        keyed = {**record, key.name: value}
        saved = site.save("upsert", known.name, [keyed], site.caller(call), call.path, external_id=key.name)[0]
    if saved.error:
        raise saved.error
    if not saved.created and call.version < 46:
        return Reply(204)
    answer: dict[str, Any] = {"id": saved.id, "success": True, "errors": [], "created": saved.created}
    return Reply(201 if saved.created else 200, answer)


def _moment(call: Call, name: str) -> datetime:
    text = call.parameters.get(name, "")
    try:
        found = datetime.fromisoformat(text)
    except ValueError as err:
        raise ApiError(400, "INVALID_REPLICATION_DATE", f"{name}: not a date and time: {text}") from err
    if found.tzinfo is None:
        raise ApiError(400, "INVALID_REPLICATION_DATE", f"{name}: no time zone: {text}")
    return found


@routes.on("GET", "/sobjects/{sobject}/updated")
def updated(site: Site, call: Call, sobject: str) -> Reply:
    known = known_sobject(site, sobject)
    return Reply(200, site.org.updated(known.name, _moment(call, "start"), _moment(call, "end")))


@routes.on("GET", "/sobjects/{sobject}/deleted")
def deleted(site: Site, call: Call, sobject: str) -> Reply:
    known = known_sobject(site, sobject)
    return Reply(200, site.org.deleted(known.name, _moment(call, "start"), _moment(call, "end")))
