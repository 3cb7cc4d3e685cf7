"""One request from the door to its handler: faults, version, session, allowance, route."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from sfsync.practice import (
    admin,
    bulk1,
    bulkquery,
    collection,
    composite,
    ingest,
    limits,
    oauth,
    queries,
    records,
    rest,
    soap,
)
from sfsync.practice.auth import invalid_session, token_of
from sfsync.practice.errors import ApiError
from sfsync.practice.limits import total_requests_exceeded
from sfsync.practice.router import Router
from sfsync.practice.settings import NEWEST_VERSION, OLDEST_VERSION
from sfsync.practice.wire import Call, Reply, not_found

if TYPE_CHECKING:
    from sfsync.practice.faults import Fault
    from sfsync.practice.site import Site

log = logging.getLogger(__name__)

DATA = "/services/data"
VERSIONED = re.compile(r"/services/data/v(\d{1,3})\.0(?=/|$)")
MAINTENANCE = (
    b"<!DOCTYPE html>\n<html><head><title>Maintenance</title></head>"
    b"<body><h1>The service is down for maintenance. Please try again later.</h1></body></html>"
)

data_routes = Router()
for module in (rest, limits, records, queries, collection, composite, bulkquery, ingest):
    data_routes.include(module.routes)

open_routes = Router()
for other in (oauth, soap, bulk1):
    open_routes.include(other.routes)


def answer(site: Site, call: Call) -> Reply:
    """The answer to any request, errors included. What must be cut or lost is marked so in the Reply."""
    if call.path == "/practice" or call.path.startswith("/practice/"):
        return admin.answer(site, call)
    slow = site.faults.take("delay", call.method, call.path)
    if slow:
        site.stopping.wait(1.0 if slow.seconds is None else slow.seconds)
    fault = site.faults.take("request", call.method, call.path)
    reply = faulty_reply(site, call, fault) if fault else None
    if reply is None:
        reply = run(site, call)
    site.count(call.method, call.template or call.path)
    spoilt = site.faults.take("reply", call.method, call.path)
    if spoilt:
        _spoil(reply, spoilt)
    return reply


def faulty_reply(site: Site, call: Call, fault: Fault) -> Reply | None:
    """What a fault before the work answers; None when the work shall go on."""
    seconds = fault.seconds
    match fault.kind:
        case "503":
            retry = {} if seconds is None else {"Retry-After": f"{seconds:g}"}
            return Reply(503, ApiError(503, "SERVER_UNAVAILABLE", "Server Unavailable").body(), headers=retry)
        case "500":
            message = "An unexpected error occurred. Please include this ErrorId if you contact support: 1-1 (1)"
            return Reply(500, ApiError(500, "UNKNOWN_EXCEPTION", message).body())
        case "429":
            error = ApiError(429, "TOO_MANY_REQUESTS", "Too many requests. Try again later.")
            return Reply(429, error.body(), headers={"Retry-After": f"{1 if seconds is None else seconds:g}"})
        case "406":
            return Reply(406)
        case "html":
            return Reply(fault.status, body=MAINTENANCE, content_type="text/html;charset=UTF-8")
        case "drop":
            return Reply(lost=True)
        case "quota":
            return Reply(403, total_requests_exceeded().body())
        case "concurrent":
            message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
            return Reply(403, ApiError(403, "REQUEST_LIMIT_EXCEEDED", message).body())
        case _:
            _, _, token = call.header("authorization").partition(" ")
            site.sessions.expire(token.strip())
            return None


def _spoil(reply: Reply, fault: Fault) -> None:
    if fault.kind == "lost":
        reply.lost = True
    elif fault.kind == "cut":
        reply.cut = 0.5
    else:
        kind = reply.content_type.partition(";")[0]
        reply.content_type = f"{kind};charset={fault.value}" if fault.value else kind


def run(site: Site, call: Call) -> Reply:
    """The answer without faults, errors as Replies."""
    counted = call.path.startswith(DATA + "/v")
    try:
        if call.method == "POST" and "_HttpMethod" in call.parameters:
            call.method = call.parameters["_HttpMethod"].upper()
        reply = _data(site, call) if counted else _open(site, call)
    except ApiError as err:
        reply = Reply(err.status, err.body())
    except Exception:
        log.exception("%s %s", call.method, call.template or call.path)
        error = ApiError(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred in the practice org; see its log.")
        reply = Reply(500, error.body())
    if counted:
        reply.headers.setdefault("Sforce-Limit-Info", site.quota.info())
    return reply


def _open(site: Site, call: Call) -> Reply:
    if call.path.rstrip("/") == DATA:
        if call.method not in ("GET", "HEAD"):
            raise ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed. Allowed are GET,HEAD")
        call.template = DATA
        return rest.versions()
    return open_routes.answer(site, call.path, call)


def _data(site: Site, call: Call) -> Reply:
    match = VERSIONED.match(call.path)
    if match is None:
        raise not_found()
    call.version = float(match[1])
    if call.version < OLDEST_VERSION:
        raise ApiError(410, "UNSUPPORTED_API_VERSION", f"API version {call.version:.1f} is retired")
    if call.version > NEWEST_VERSION:
        raise not_found()
    session = site.sessions.use(token_of(call.header("authorization")))
    if session is None:
        raise invalid_session()
    call.session = session
    if call.header("accept").strip().lower() in ("application/xml", "text/xml"):
        raise ApiError(406, "NOT_ACCEPTABLE", "The practice org answers in JSON (and CSV) only")
    site.quota.spend_request()
    return route(site, call)


def route(site: Site, call: Call) -> Reply:
    """The answer to a request whose session and version stand. Raises ApiError."""
    match = VERSIONED.match(call.path)
    if match is None or float(match[1]) > NEWEST_VERSION:
        raise not_found()
    return data_routes.answer(site, call.path[match.end() :], call)
