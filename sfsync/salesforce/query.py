"""SOQL over REST: pages, counts, and many queries in one request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sfsync.errors import IncompleteRead, OrgError
from sfsync.salesforce import soql as soql_text
from sfsync.salesforce.http import Request, Transport
from sfsync.salesforce.replies import Problem, problems, without_attributes

BATCH = 25
COMPOSITE_QUERIES = 5
"""Of the 25 parts of a composite at most five may be queries. Source: REST API guide, "Composite"."""
LONG_PATH = 8_000
"""Bytes of path beyond which a query travels in a body: Salesforce ends at 16,384 with all headers, proxies at 8 KB."""


@dataclass(frozen=True)
class QueryPage:
    """Some of a query's records. Numbers with a point are Decimal; dates, times and Ids are text as they came."""

    records: list[dict[str, Any]]
    total: int
    """What the query finds in all, as Salesforce counts."""
    done: bool


@dataclass(frozen=True)
class BatchResult:
    """One answer out of a batch: HTTP status, and parsed JSON whose records have no `attributes`."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def error(self) -> Problem | None:
        """Why this request failed, None when it did not."""
        if self.ok:
            return None
        found = problems(self.body)
        return found[0] if found else Problem("", f"HTTP {self.status} without a reason")


def pages(transport: Transport, base: str, soql: str, *, all_rows: bool, first: Any = None) -> Iterator[QueryPage]:
    """The pages of a query, in order. The last is given only after as many rows came as Salesforce promised.

    base: `/services/data/vXX.X`. first: the answer to the query, when it has been asked already. Raises
    IncompleteRead when rows are missing, OrgError INVALID_QUERY_LOCATOR when the cursor is gone: the query must then
    start anew.
    """
    body = first or _first(transport, base, soql_text.path(soql, all_rows=all_rows))
    # A LIMIT makes totalSize a matter of taste, and groups are not rows.
    checked = not soql_text.has_keyword(soql, "LIMIT", "OFFSET", "GROUP BY")
    read = 0
    while True:
        page, following = _page(body)
        read += len(page.records)
        if page.done and checked and read != page.total:
            raise IncompleteRead(
                f"Query of {soql_text.from_object(soql)}: {read:,} rows came, Salesforce promised {page.total:,}. "
                "Nothing of it may be kept; run it again."
            )
        yield page
        if page.done:
            return
        body = transport.json(Request("GET", following))


def count(transport: Transport, base: str, soql: str, *, all_rows: bool) -> int:
    """What a `SELECT COUNT() …` counts."""
    body = _first(transport, base, soql_text.path(soql, all_rows=all_rows))
    page, _ = _page(body)
    return page.total


def batch(transport: Transport, base: str, paths: Sequence[str]) -> list[BatchResult]:
    """GET requests sent together, 25 per call, answered in their order. Each costs one API request all the same.

    paths: relative to `base`, percent-encoded.
    """
    results: list[BatchResult] = []
    for start in range(0, len(paths), BATCH):
        some = paths[start : start + BATCH]
        version = base.rpartition("/")[2]
        asked = {"batchRequests": [{"method": "GET", "url": f"{version}/{p.lstrip('/')}"} for p in some]}
        body = transport.json(Request("POST", f"{base}/composite/batch", json=asked, cost=len(some)))
        answers = body.get("results") if isinstance(body, dict) else None
        if not isinstance(answers, list) or len(answers) != len(some):
            raise IncompleteRead(f"composite/batch: {len(some)} requests sent, {len(answers or [])} answers came.")
        results += [_batch_result(a) for a in answers]
    return results


@dataclass(frozen=True)
class Ask:
    """One GET inside a composite. path: relative to `/services/data/vXX.X`, percent-encoded."""

    path: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_query(self) -> bool:
        return self.path.startswith(("query?", "queryAll?"))


def composite(transport: Transport, base: str, asks: Sequence[Ask]) -> list[BatchResult]:
    """GET requests sent together, answered in their order, at the price of one API request per composite.

    A composite takes 25 parts, five queries among them; `asks` are spread over as few as that allows.
    """
    results: dict[int, BatchResult] = {}
    for group in _composites(asks):
        parts = [
            {
                "method": "GET",
                "url": f"{base}/{asks[i].path.lstrip('/')}",
                "referenceId": f"r{i}",
                **({"httpHeaders": dict(asks[i].headers)} if asks[i].headers else {}),
            }
            for i in group
        ]
        body = transport.json(Request("POST", f"{base}/composite", json={"compositeRequest": parts}))
        answers = body.get("compositeResponse") if isinstance(body, dict) else None
        if not isinstance(answers, list) or len(answers) != len(group):
            raise IncompleteRead(f"composite: {len(group)} requests sent, {len(answers or [])} answers came.")
        by_reference = {a.get("referenceId"): a for a in answers if isinstance(a, dict)}
        for i in group:
            results[i] = _composite_result(by_reference.get(f"r{i}"))
    return [results[i] for i in range(len(asks))]


def _composites(asks: Sequence[Ask]) -> list[list[int]]:
    """The positions of the asks, in as few groups of 25 with five queries as possible."""
    queries = [i for i, ask in enumerate(asks) if ask.is_query]
    others = [i for i, ask in enumerate(asks) if not ask.is_query]
    groups: list[list[int]] = []
    while queries or others:
        group, queries = queries[:COMPOSITE_QUERIES], queries[COMPOSITE_QUERIES:]
        room = BATCH - len(group)
        groups.append(group + others[:room])
        others = others[room:]
    return groups


def _first(transport: Transport, base: str, path: str) -> Any:
    if len(path) <= LONG_PATH:
        return transport.json(Request("GET", f"{base}/{path}"))
    (result,) = batch(transport, base, [path])
    if problem := result.error:
        said = f"{problem.code}: {problem.message}" if problem.code else problem.message
        raise OrgError(f"query: {said}", code=problem.code, status=result.status, fields=problem.fields)
    return result.body


def _page(body: Any) -> tuple[QueryPage, str]:
    try:
        page = QueryPage(without_attributes(body["records"]), int(body["totalSize"]), body["done"] is True)
        following = "" if page.done else str(body["nextRecordsUrl"])
    except (KeyError, TypeError, ValueError) as err:
        raise IncompleteRead("query: the answer is not a page of records (records, totalSize, done).") from err
    return page, following


def _composite_result(answer: Any) -> BatchResult:
    try:
        status, body = int(answer["httpStatusCode"]), answer["body"]
    except (KeyError, TypeError, ValueError) as err:
        raise IncompleteRead("composite: an answer without httpStatusCode and body.") from err
    if isinstance(body, dict) and isinstance(body.get("records"), list):
        without_attributes(body["records"])
    return BatchResult(status, body, dict(answer.get("httpHeaders") or {}))


def _batch_result(answer: Any) -> BatchResult:
    try:
        status, body = int(answer["statusCode"]), answer["result"]
    except (KeyError, TypeError, ValueError) as err:
        raise IncompleteRead("composite/batch: an answer without statusCode and result.") from err
    if isinstance(body, dict) and isinstance(body.get("records"), list):
        without_attributes(body["records"])
    return BatchResult(status, body)
