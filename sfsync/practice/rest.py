"""Discovery: versions, resources, describes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sfsync.practice.router import Router
from sfsync.practice.settings import NEWEST_VERSION, OLDEST_VERSION
from sfsync.practice.wire import Call, Reply, http_date, not_found, read_http_date

if TYPE_CHECKING:
    from sfsync.practice.site import Site

routes = Router()


def versions() -> Reply:
    numbers = range(int(OLDEST_VERSION), int(NEWEST_VERSION) + 1)
    return Reply(200, [{"label": release(n), "url": f"/services/data/v{n}.0", "version": f"{n}.0"} for n in numbers])


def release(version: int) -> str:
    """Three releases a year since 31 = Summer '14."""
    years, season = divmod(version - 31, 3)
    return f"{('Summer', 'Winter', 'Spring')[season]} '{14 + years + (season > 0)}"


@routes.on("GET", "/")
def resources(site: Site, call: Call) -> Reply:
    names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs")
    found = {name: f"{call.root}/{name}" for name in names}
    return Reply(200, {**found, "identity": f"{site.url}/id/{site.org.organization_id}/{call.user_id}"})


def describe_headers(site: Site, what: str) -> dict[str, str]:
    digest = hashlib.sha256(f"{what}:{site.org.schema.version}".encode()).hexdigest()[:8]
    return {"ETag": f'"{digest}"', "Last-Modified": http_date(site.schema_time())}


def not_modified(call: Call, headers: dict[str, str]) -> bool:
    """A conditional GET that needs no body."""
    if match := call.header("if-none-match"):
        return headers["ETag"] in [tag.strip() for tag in match.split(",")] or match.strip() == "*"
    if since := call.header("if-modified-since"):
        return read_http_date(headers["Last-Modified"]) <= read_http_date(since)
    return False


@routes.on("GET", "/sobjects")
def describe_global(site: Site, call: Call) -> Reply:
    headers = describe_headers(site, "global")
    if not_modified(call, headers):
        return Reply(304, headers=headers)
    return Reply(200, site.org.describe_global(call.version), headers=headers)


@routes.on("GET", "/sobjects/{sobject}/describe")
def describe(site: Site, call: Call, sobject: str) -> Reply:
    value = site.org.describe(sobject, call.version)
    headers = describe_headers(site, value["name"])
    if not_modified(call, headers):
        return Reply(304, headers=headers)
    return Reply(200, value, headers=headers)


@routes.on("GET", "/ui-api/object-info/{sobject}/picklist-values/{record_type}")
def picklist_values(site: Site, call: Call, sobject: str, record_type: str) -> Reply:
    return Reply(200, site.org.picklist_values(sobject, record_type))


@routes.on("GET", "/sobjects/{sobject}")
def basic_info(site: Site, call: Call, sobject: str) -> Reply:
    known = site.org.schema.get(sobject)
    if known is None:
        raise not_found()
    every: list[dict[str, Any]] = site.org.describe_global(call.version)["sobjects"]
    entry = next((s for s in every if s["name"] == known.name), None)
    if entry is None:
        raise not_found()
    return Reply(200, {"objectDescribe": entry, "recentItems": []})
