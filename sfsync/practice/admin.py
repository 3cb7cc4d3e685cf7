"""Doors of the practice server itself, under /practice: for this machine only, without a token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sfsync.practice.errors import ApiError
from sfsync.practice.extras import add_currencies, custom_object
from sfsync.practice.faults import KINDS, Fault
from sfsync.practice.router import Router
from sfsync.practice.schema import Field
from sfsync.practice.wire import Call, Reply

if TYPE_CHECKING:
    from sfsync.practice.site import Site

LOOPBACK = ("127.0.0.1", "::1", "localhost")
TRUTH = "practice_truth"

routes = Router()


def answer(site: Site, call: Call) -> Reply:
    """Never counted, never hit by a fault."""
    host = urlsplit(call.url).hostname or ""
    if call.peer not in LOOPBACK or host not in LOOPBACK or call.header("origin"):
        return Reply(403, {"error": "/practice answers programs on this machine only"})
    try:
        return routes.answer(site, call.path, call)
    except ApiError as err:
        return Reply(err.status, {"error": err.message})
    except (ValueError, KeyError, TypeError) as err:
        return Reply(400, {"error": str(err)})


@routes.on("GET", "/practice")
def status(site: Site, call: Call) -> Reply:
    return Reply(
        200,
        {
            "url": site.url,
            "organization_id": site.org.organization_id,
            "username": site.credentials.username,
            "clock": site.org.clock.now().isoformat(),
            "api_usage": site.quota.info(),
            "sessions": len(site.sessions),
            "records": {c["name"]: c["count"] for c in _counts(site) if c["count"]},
            "faults": site.faults.listed(),
        },
    )


def _counts(site: Site) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.org.record_count(list(site.org.schema.sobjects))["sObjects"]
    return found


@routes.on("GET", "/practice/faults")
def list_faults(site: Site, call: Call) -> Reply:
    return Reply(200, {"faults": site.faults.listed(), "kinds": {kind: text for kind, (_, text) in KINDS.items()}})


@routes.on("POST", "/practice/faults")
def add_faults(site: Site, call: Call) -> Reply:
    """{"fault": "503:times=2"}, or a fault's own keys: {"kind": "503", "times": 2}, or a list of either."""
    given = call.json()
    wanted = given if isinstance(given, list) else [given]
    faults = [Fault.parse(f) if isinstance(f, str) else _fault(f) for f in wanted]
    for fault in faults:
        site.faults.add(fault)
    return Reply(200, {"faults": site.faults.listed()})


def _fault(given: Any) -> Fault:
    if not isinstance(given, dict):
        raise ValueError(f"a fault is text or an object, not {given!r}")
    return Fault.parse(str(given["fault"])) if set(given) == {"fault"} else Fault.of(given)


@routes.on("DELETE", "/practice/faults")
def clear_faults(site: Site, call: Call) -> Reply:
    site.faults.clear()
    return Reply(200, {"faults": []})


@routes.on("POST", "/practice/clock")
def set_clock(site: Site, call: Call) -> Reply:
    """{"offset_seconds": 3600}: the org's clock runs so much ahead of real time."""
    site.org.clock.offset = timedelta(seconds=float(call.json_object()["offset_seconds"]))
    return Reply(200, {"clock": site.org.clock.now().isoformat()})


@routes.on("POST", "/practice/sessions/expire")
def expire_sessions(site: Site, call: Call) -> Reply:
    return Reply(200, {"expired": site.sessions.expire()})


@routes.on("GET", "/practice/calls")
def calls(site: Site, call: Call) -> Reply:
    """How often each method and path shape was asked for, whatever came of it."""
    with site.calls_lock:
        return Reply(200, {"calls": dict(sorted(site.calls.items()))})


@routes.on("DELETE", "/practice/calls")
def forget_calls(site: Site, call: Call) -> Reply:
    with site.calls_lock:
        site.calls.clear()
    return Reply(200, {"calls": {}})


@routes.on("GET", "/practice/dump/{sobject}")
def dump(site: Site, call: Call, sobject: str) -> Reply:
    """Every stored row as a line of JSON, ordered by Id, deleted ones included; decimals and datetimes as text."""
    known = site.org.schema.get(sobject)
    if known is None:
        raise ApiError(404, "NOT_FOUND", f"no sObject {sobject}")
    return _lines(site, site.org.dump(known.name))


def _lines(site: Site, rows: Iterator[dict[str, Any]]) -> Reply:
    import tempfile

    file = tempfile.TemporaryFile(dir=site.folder)  # noqa: SIM115 - the reply closes it
    for row in rows:
        file.write(json.dumps(row, default=_text, ensure_ascii=False).encode() + b"\n")
    file.seek(0)
    return Reply(200, file=file, content_type="application/x-ndjson;charset=UTF-8")


def _text(value: Any) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} in a dump")


@routes.on("POST", "/practice/late")
def late(site: Site, call: Call) -> Reply:
    """{"sobject", "id", "seconds"}: the record's stamps go back so far, as if its transaction had committed late."""
    given = call.json_object()
    site.org.backdate(str(given["sobject"]), str(given["id"]), float(given["seconds"]))
    return Reply(200, {"done": True})


@routes.on("POST", "/practice/purge")
def purge(site: Site, call: Call) -> Reply:
    """{"sobject", "ids"}: the records are gone for good."""
    given = call.json_object()
    site.org.purge(str(given["sobject"]), [str(i) for i in given["ids"]])
    return Reply(200, {"done": True})


@routes.on("POST", "/practice/fields")
def fields(site: Site, call: Call) -> Reply:
    """{"sobject", "hide": NAME} or "show" or "remove", or {"sobject", "add": {name, type, …}, "value_sql"}."""
    given = call.json_object()
    sobject = str(given["sobject"])
    if "add" in given:
        wanted = {**given["add"], "custom": str(given["add"].get("name", "")).endswith("__c")}
        site.org.add_field(sobject, Field(**wanted), value_sql=given.get("value_sql"))
        return Reply(200, {"done": True})
    actions = {"hide": site.org.hide_field, "show": site.org.show_field, "remove": site.org.remove_field}
    wanted_action = next((name for name in actions if name in given), None)
    if wanted_action is None:
        raise ValueError("say one of add, hide, show, remove")
    actions[wanted_action](sobject, str(given[wanted_action]))
    return Reply(200, {"done": True})


@routes.on("POST", "/practice/objects")
def objects(site: Site, call: Call) -> Reply:
    """{"name": "Site__c", "label", "plural", "prefix": "a00", "fields": TEXT}: a custom object, a field a line."""
    given = call.json_object()
    name = str(given["name"])
    label = str(given.get("label") or name.removesuffix("__c").replace("_", " "))
    made = custom_object(
        name,
        label,
        str(given.get("plural") or f"{label}s"),
        str(given.get("fields", "")),
        prefix=str(given.get("prefix") or "a00"),
    )
    site.org.add_object(made)
    return Reply(200, {"done": True, "fields": list(made.fields)})


@routes.on("POST", "/practice/currencies")
def currencies(site: Site, call: Call) -> Reply:
    """{"USD": 1, "EUR": 0.92}: the org has several currencies from now on; the first is the corporate one."""
    add_currencies(site.org, {str(code): Decimal(str(rate)) for code, rate in call.json_object().items()})
    return Reply(200, {"done": True})


@routes.on("GET", "/practice/truth")
def truth(site: Site, call: Call) -> Reply:
    """The labels of planted defects, a line of JSON each; 404 in an org without them."""
    with closing(site.org.cursor()) as cursor:
        known = cursor.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [TRUTH]).fetchone()
        if known is None:
            raise ApiError(404, "NOT_FOUND", "this org has no planted defects")
        cursor.execute(f"SELECT * FROM {TRUTH}")
        names = [column[0] for column in cursor.description or ()]
        return _lines(site, (dict(zip(names, row, strict=True)) for row in cursor.fetchall()))
