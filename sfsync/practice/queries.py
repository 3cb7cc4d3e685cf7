"""SOQL over REST, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfsync.practice.errors import ApiError
from sfsync.practice.locators import Cursor, invalid_locator
from sfsync.practice.router import Router
from sfsync.practice.wire import Call, Reply

if TYPE_CHECKING:
    from sfsync.practice.site import Site

LEAST_BATCH, MOST_BATCH = 200, 2000
MOST_SOQL = 100_000

routes = Router()


@routes.on("GET", "/query")
def query(site: Site, call: Call) -> Reply:
    return _query(site, call, all_rows=False)


@routes.on("GET", "/queryAll")
def query_all(site: Site, call: Call) -> Reply:
    return _query(site, call, all_rows=True)


def _batch(call: Call) -> int:
    text = call.options("sforce-query-options").get("batchsize")
    if text is None:
        return MOST_BATCH
    if not text.isdigit() or not LEAST_BATCH <= int(text) <= MOST_BATCH:
        message = f"batchSize must be from {LEAST_BATCH} to {MOST_BATCH}, not {text}"
        raise ApiError(400, "INVALID_BATCH_SIZE", message)
    return int(text)


def _query(site: Site, call: Call, *, all_rows: bool) -> Reply:
    soql = call.parameters.get("q", "")
    unknown = sorted(set(call.parameters) - {"q"})
    if unknown:
        raise ApiError(400, "INVALID_PARAMETER", f"The practice org knows no query parameter {unknown[0]}")
    if not soql.strip():
        raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
    if len(soql) > MOST_SOQL:
        raise ApiError(400, "MALFORMED_QUERY", f"SOQL statements cannot be longer than {MOST_SOQL} characters.")
    batch = _batch(call)
    result = site.org.query(soql, site.caller(call), all_rows=all_rows)
    if result.kind == "count":
        result.close()
        return Reply(200, {"totalSize": result.total, "done": True, "records": []})
    first = result.records(0, batch)
    if len(first) >= result.total:
        result.close()
        return Reply(200, {"totalSize": result.total, "done": True, "records": first})
    if result.kind == "aggregate":
        result.close()
        message = "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch"
        raise ApiError(400, "EXCEEDED_ID_LIMIT", message)
    cursor = site.locators.open(result, call.user_id, batch)
    return Reply(200, _page(call, cursor, 0, first))


def _page(call: Call, cursor: Cursor, offset: int, records: list[dict[str, Any]]) -> dict[str, Any]:
    after = offset + len(records)
    done = after >= cursor.result.total
    page: dict[str, Any] = {"totalSize": cursor.result.total, "done": done}
    if not done:
        page["nextRecordsUrl"] = f"{call.root}/query/{cursor.id}-{after}"
    return {**page, "records": records}


@routes.on("GET", "/query/{locator}", "/queryAll/{locator}")
def more(site: Site, call: Call, locator: str) -> Reply:
    if site.faults.take("locator", call.method, call.path):
        raise invalid_locator()
    cursor, offset = site.locators.find(locator, call.user_id)
    return Reply(200, _page(call, cursor, offset, cursor.result.records(offset, cursor.batch)))
