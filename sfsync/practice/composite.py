"""Several requests in one: `/composite`, where later ones may use earlier answers, and `/composite/batch`."""

from __future__ import annotations

import re
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sfsync.practice.collection import RolledBack
from sfsync.practice.errors import ApiError
from sfsync.practice.router import Router
from sfsync.practice.wire import NOTHING, Call, Reply, dump_json

if TYPE_CHECKING:
    from sfsync.practice.site import Site

MOST_PARTS = 25
MOST_QUERIES = 5
REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+|\[\d+\])+)\}")
STEP = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d+)\]")
REFERENCE_ID = re.compile(r"[A-Za-z0-9_]+")
FORBIDDEN_HEADERS = {"accept", "authorization", "content-type"}
PART_KEYS = {"method", "url", "referenceId", "body", "httpHeaders"}
BATCH_KEYS = {"method", "url", "richInput", "binaryPartName", "binaryPartNameAlias"}
HALTED = "The transaction was rolled back since another operation in the same transaction failed."

routes = Router()


def _parts(value: Any, name: str, keys: set[str]) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value or not all(isinstance(p, dict) for p in value):
        raise ApiError(400, "JSON_PARSER_ERROR", f"{name}: a list of objects is required")
    if len(value) > MOST_PARTS:
        message = f"{name}: cannot have more than {MOST_PARTS} subrequests, it has {len(value)}"
        raise ApiError(400, "LIMIT_EXCEEDED", message)
    for part in value:
        unknown = sorted(set(part) - keys)
        if unknown or not isinstance(part.get("method"), str) or not isinstance(part.get("url"), str):
            raise ApiError(400, "JSON_PARSER_ERROR", f"{name}: bad subrequest: {(unknown or ['method and url'])[0]}")
    return value


def _run(site: Site, call: Call, method: str, url: str, headers: dict[str, str], body: Any) -> Reply:
    """One subrequest, its errors as a Reply."""
    from sfsync.practice.dispatch import route

    path, _, query = url.partition("?")
    encoded = b"" if body is None else dump_json(body)
    kind = {"content-type": "application/json"} if encoded else {}
    inner = call.part(method.upper(), quote(path, safe="/%"), query, {**headers, **kind}, encoded)
    try:
        return route(site, inner)
    except ApiError as err:
        return Reply(err.status, err.body())
    finally:
        site.count(f"({call.template.rpartition('/')[2]}) {inner.method}", inner.template)


def _shown(reply: Reply) -> Any:
    return None if reply.value is NOTHING else reply.value


@routes.on("POST", "/composite/batch")
def batch(site: Site, call: Call) -> Reply:
    body = call.json_object()
    unknown = sorted(set(body) - {"batchRequests", "haltOnError"})
    if unknown:
        raise ApiError(400, "JSON_PARSER_ERROR", f"Unrecognized field {unknown[0]}")
    parts = _parts(body.get("batchRequests"), "batchRequests", BATCH_KEYS)
    results: list[dict[str, Any]] = []
    halted = False
    for number, part in enumerate(parts):
        if halted:
            error = ApiError(412, "BATCH_PROCESSING_HALTED", "Batch processing halted per request")
            results.append({"statusCode": 412, "result": error.body()})
            continue
        if number:
            site.quota.spend_request()
        url = part["url"]
        path = url if url.startswith("/services/data/") else f"/services/data/{url.lstrip('/')}"
        reply = _allowed(path, batching=True) or _run(
            site, call, part["method"], path, dict(call.headers), part.get("richInput")
        )
        results.append({"statusCode": reply.status, "result": _shown(reply)})
        halted = bool(body.get("haltOnError")) and reply.status >= 400
    return Reply(200, {"hasErrors": any(r["statusCode"] >= 400 for r in results), "results": results})


def _allowed(url: str, *, batching: bool = False) -> Reply | None:
    """None for what a subrequest may ask, else the refusal."""
    resource = re.sub(r"^/services/data/v\d+\.0/?", "", url.partition("?")[0]).rstrip("/")
    first = resource.partition("/")[0]
    fine = first in ("sobjects", "query", "queryAll") or (batching and first == "limits")
    if fine or (not batching and resource.startswith("composite/sobjects")):
        return None
    message = f"The URL '{url.partition('?')[0]}' is not supported in a {'batch' if batching else 'composite'} request"
    return Reply(400, ApiError(400, "INVALID_URL", message).body())


@routes.on("POST", "/composite")
def composite(site: Site, call: Call) -> Reply:
    body = call.json_object()
    unknown = sorted(set(body) - {"allOrNone", "collateSubrequests", "compositeRequest"})
    if unknown:
        raise ApiError(400, "JSON_PARSER_ERROR", f"Unrecognized field {unknown[0]}")
    parts = _parts(body.get("compositeRequest"), "compositeRequest", PART_KEYS)
    _check_references(parts)
    all_or_none = body.get("allOrNone", False) is True
    done: dict[str, Reply] = {}
    try:
        with site.org.transaction() if all_or_none else nullcontext():
            for part in parts:
                reply = done[part["referenceId"]] = _composite_part(site, call, part, done)
                if all_or_none and reply.status >= 400:
                    raise RolledBack
    except RolledBack:
        _halt(parts, done)
    answers = [
        {
            "body": _shown(done[p["referenceId"]]),
            "httpHeaders": done[p["referenceId"]].headers,
            "httpStatusCode": done[p["referenceId"]].status,
            "referenceId": p["referenceId"],
        }
        for p in parts
    ]
    return Reply(200, {"compositeResponse": answers})


def _check_references(parts: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    queries = 0
    for part in parts:
        reference = part.get("referenceId")
        if not isinstance(reference, str) or not REFERENCE_ID.fullmatch(reference):
            message = f"Invalid reference ID {reference}: only letters, digits and _ are allowed"
            raise ApiError(400, "INVALID_REFERENCE_ID", message)
        if reference in seen:
            raise ApiError(400, "DUPLICATE_REFERENCE_ID", f"Duplicate reference ID {reference}")
        seen.add(reference)
        queries += bool(re.match(r"/services/data/v\d+\.0/(query|queryAll|composite/sobjects)\b", part["url"]))
        for name in part.get("httpHeaders") or {}:
            if name.lower() in FORBIDDEN_HEADERS:
                raise ApiError(400, "INVALID_HTTP_HEADER", f"Header {name} is not allowed in a subrequest")
    if queries > MOST_QUERIES:
        message = f"A composite request may have {MOST_QUERIES} query or collection subrequests, it has {queries}"
        raise ApiError(400, "LIMIT_EXCEEDED", message)


def _composite_part(site: Site, call: Call, part: dict[str, Any], done: dict[str, Reply]) -> Reply:
    try:
        url = str(_filled(part["url"], done))
        body = _filled(part.get("body"), done)
    except ApiError as err:
        return Reply(err.status, err.body())
    headers = {k.lower(): str(v) for k, v in (part.get("httpHeaders") or {}).items()}
    inherited = {k: v for k, v in call.headers.items() if k.startswith("sforce-")}
    return _allowed(url) or _run(site, call, part["method"], url, {**inherited, **headers}, body)


def _halt(parts: list[dict[str, Any]], done: dict[str, Reply]) -> None:
    """After a rollback: the culprit keeps its answer, every other part says it was halted."""
    for part in parts:
        reply = done.get(part["referenceId"])
        if reply is None or reply.status < 400:
            error = ApiError(400, "PROCESSING_HALTED", HALTED)
            done[part["referenceId"]] = Reply(400, error.body())


def _filled(value: Any, done: dict[str, Reply]) -> Any:
    """A URL or body with every @{reference.path} replaced. Raises ApiError when there is no such value."""
    if isinstance(value, dict):
        return {k: _filled(v, done) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, done) for v in value]
    if not isinstance(value, str):
        return value
    if whole := REFERENCE.fullmatch(value):
        return _looked_up(whole, done)
    return REFERENCE.sub(lambda m: str(_looked_up(m, done)), value)


def _looked_up(match: re.Match[str], done: dict[str, Reply]) -> Any:
    reference, path = match[1], match[2]
    reply = done.get(reference)
    value = _shown(reply) if reply is not None and reply.status < 300 else None
    for name, index in STEP.findall(path):
        if name and isinstance(value, dict):
            value = value.get(name)
        elif index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            value = None
    if value is None:
        message = f"Invalid reference specified. No value for {reference}{path} found in {reference}."
        raise ApiError(400, "PROCESSING_HALTED", f"{message} Provide a valid reference.")
    return value
