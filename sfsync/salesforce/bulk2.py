"""Bulk API 2.0 query jobs: create, wait, fetch the result pages as files."""

from __future__ import annotations

import csv
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import requests

from sfsync.errors import IncompleteRead, OrgError, RetryableOrgError
from sfsync.salesforce.http import Request, Transport
from sfsync.salesforce.inflate import chunks
from sfsync.salesforce.retry import Transient
from sfsync.salesforce.soql import from_object

FIRST_POLL, LAST_POLL, POLL_GROWTH = 0.2, 10.0, 1.5
RESULT_PAGES_SINCE = 58.0
Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class JobInfo:
    """A job as Salesforce describes it. `records` is final when `state` is JobComplete."""

    id: str
    state: str
    sobject: str
    operation: str
    records: int
    api_version: str
    message: str = ""

    @property
    def over(self) -> bool:
        return self.state in ("JobComplete", "Failed", "Aborted")


@dataclass(frozen=True)
class PageRef:
    """A page of results. `locator` names it for as long as the job lives (7 days); "" is the first."""

    locator: str
    url: str


@dataclass(frozen=True)
class PageInfo:
    """What a fetched file holds."""

    rows: int
    """What Salesforce promised; nobody has counted them here."""
    columns: list[str]
    bytes: int
    next_locator: str | None
    """None on the last page."""


class BulkQuery:
    """One query job. `fetch` may be called from several threads at once."""

    def __init__(
        self, transport: Transport, id: str, api_version: str, soql: str = "", *, operation: str = "", sobject: str = ""
    ):
        self.id = id
        self.api_version = api_version
        self.soql = soql
        self._transport = transport
        self._operation = operation
        self._sobject = sobject or from_object(soql)
        self._next: dict[str, str | None] = {}

    @classmethod
    def create(cls, transport: Transport, api_version: str, soql: str, *, all_rows: bool) -> BulkQuery:
        """Start a job. Raises OrgError when Salesforce refuses the query, QuotaFloor when no more jobs may be made."""
        operation = "queryAll" if all_rows else "query"
        body = {"operation": operation, "query": soql, "contentType": "CSV"}
        body |= {"columnDelimiter": "COMMA", "lineEnding": "LF"}
        # Sent again after a lost reply it makes a second job, which costs one of 10,000 and does no harm.
        answer = transport.json(Request("POST", f"/services/data/v{api_version}/jobs/query", json=body))
        job = cls(transport, _job(answer).id, api_version, soql, operation=operation)
        job._check(_job(answer))
        return job

    @property
    def path(self) -> str:
        # Results read with another version than the job's are refused (409), so its own stays with it.
        return f"/services/data/v{self.api_version}/jobs/query/{self.id}"

    def info(self) -> JobInfo:
        """The job's state now. Raises OrgError NOT_FOUND when it is gone, and when it is not the job we mean."""
        found = _job(self._transport.json(Request("GET", self.path)))
        self._check(found)
        return found

    def wait(self, *, deadline: float | None = None, progress: Progress | None = None) -> JobInfo:
        """Wait until the job is complete. `progress(state, records)` is called after each look.

        deadline: seconds from now; past it RetryableOrgError is raised and the job goes on (resume it by its id).
        Raises OrgError when the job failed or was aborted; `code` is the one its message begins with.
        """
        pause, until = FIRST_POLL, None if deadline is None else time.monotonic() + deadline
        while True:
            info = self.info()
            if progress is not None:
                progress(info.state, info.records)
            if info.over:
                return self._complete(info)
            if until is not None and time.monotonic() + pause > until:
                raise RetryableOrgError(
                    f"Bulk job {self.id} ({info.sobject}) is still {info.state} after {deadline:.0f} s. "
                    "It goes on in the org, and its results live for 7 days: run it again to pick them up."
                )
            time.sleep(pause)
            pause = min(pause * POLL_GROWTH, LAST_POLL)

    def pages(self, max_records: int | None = None) -> Iterator[PageRef]:
        """The result pages, cut by Salesforce; all may be fetched in parallel.

        Before API 58.0 they are cut to at most `max_records` rows, and each is known only after the one before was
        answered: fetch a page before you take the next, or it costs a request more.
        Source: Bulk API 2.0 Developer Guide, "Get Parallel Results for a Query Job" (which has no maxRecords).
        """
        if float(self.api_version) >= RESULT_PAGES_SINCE:
            return self._listed_pages()
        return self._chained_pages(max_records)

    def fetch(self, page: PageRef, path: Path) -> PageInfo:
        """Store a page's CSV at `path`, as Salesforce sent it (UTF-8, no byte order mark), in bounded memory.

        The file appears whole or not at all, whatever becomes of this process. A body that breaks off is asked for
        again; IncompleteRead is raised when that does not help.
        """
        request = Request("GET", page.url, headers={"Accept": "text/csv"})
        return self._transport.stream(request, lambda response: self._store(response, page, path))

    def abort(self) -> None:
        """Stop the job. One that is over already is left as it is."""
        try:
            self._transport.json(Request("PATCH", self.path, json={"state": "Aborted"}))
        except OrgError as err:
            if err.code != "INVALIDJOBSTATE":
                raise

    def delete(self) -> None:
        """Remove the job and its results from the org. One that is gone already is no error."""
        try:
            self._transport.call(Request("DELETE", self.path))
        except OrgError as err:
            if err.status != 404:
                raise

    def _check(self, info: JobInfo) -> None:
        """Results of somebody else's job must never be taken for ours."""
        wanted = (self.id, self._operation or info.operation, (self._sobject or info.sobject).casefold())
        if (info.id, info.operation, info.sobject.casefold()) != wanted:
            raise OrgError(
                f"Bulk job {self.id} should be a {self._operation} of {self._sobject}, but Salesforce describes "
                f"{info.id}, a {info.operation} of {info.sobject}. Nothing of it is used."
            )

    def _complete(self, info: JobInfo) -> JobInfo:
        if info.state == "JobComplete":
            return info
        if info.state == "Aborted":
            raise OrgError(f"Bulk job {self.id} ({info.sobject}) was aborted. Run it again.", code="ABORTED")
        found = re.match(r"([A-Z][A-Z_]{3,})\b", info.message)
        said = info.message or "Salesforce gave no reason"
        raise OrgError(f"Bulk job {self.id} ({info.sobject}) failed: {said}", code=found[1] if found else "JOB_FAILED")

    def _listed_pages(self) -> Iterator[PageRef]:
        url, seen = f"{self.path}/resultPages", set[str]()
        while url:
            if url in seen:
                raise OrgError(f"Bulk job {self.id}: the list of result pages runs in a circle.")
            seen.add(url)
            body = self._transport.json(Request("GET", url))
            for page in body.get("resultPages") or []:
                yield self._page(str(page["resultUrl"]))
            # The guide's table says nextRecordUrl, its sample nextRecordsUrl.
            url = str(body.get("nextRecordsUrl") or body.get("nextRecordUrl") or "")
            if not url and body.get("done") is not True:
                raise IncompleteRead(f"Bulk job {self.id}: the list of result pages breaks off before it is done.")

    def _chained_pages(self, max_records: int | None) -> Iterator[PageRef]:
        locator: str | None = ""
        seen = set[str]()
        while locator is not None:
            if locator in seen:
                raise OrgError(f"Bulk job {self.id}: the result pages run in a circle.")
            seen.add(locator)
            given = {"maxRecords": str(max_records) if max_records else "", "locator": locator}
            query = "&".join(f"{k}={quote(v, safe='')}" for k, v in given.items() if v)
            page = PageRef(locator, f"{self.path}/results{'?' if query else ''}{query}")
            yield page
            locator = self._next[locator] if locator in self._next else self._look(page)

    def _page(self, url: str) -> PageRef:
        parts = urlsplit(url)
        if f"/{self.id[:15]}" not in parts.path:
            raise OrgError(f"Bulk job {self.id}: Salesforce lists a result page of another job. Nothing of it is used.")
        return PageRef(parse_qs(parts.query).get("locator", [""])[0], url)

    def _look(self, page: PageRef) -> str | None:
        request = Request("GET", page.url, headers={"Accept": "text/csv"})
        return self._transport.stream(request, lambda response: _promise(response, self.id)[1])

    def _store(self, response: requests.Response, page: PageRef, path: Path) -> PageInfo:
        rows, following = _promise(response, self.id)
        partial = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            header, size = _write(chunks(response, f"Bulk job {self.id}"), partial)
            columns = _columns(header)
            if (rows and not columns) or header.lstrip()[:1] == b"<":
                raise _short(f"Bulk job {self.id}: {rows:,} rows were promised, but no CSV came.")
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        self._next[page.locator] = following
        return PageInfo(rows, columns, size, following)


def _job(body: Any) -> JobInfo:
    try:
        return JobInfo(
            id=str(body["id"]),
            state=str(body["state"]),
            sobject=str(body["object"]),
            operation=str(body["operation"]),
            records=int(body.get("numberRecordsProcessed") or 0),
            api_version=str(body.get("apiVersion") or ""),
            message=str(body.get("errorMessage") or ""),
        )
    except (KeyError, TypeError, ValueError) as err:
        raise OrgError("The answer does not describe a Bulk query job (id, state, object, operation).") from err


def _promise(response: requests.Response, id: str) -> tuple[int, str | None]:
    """How many rows the page has and the locator of the next, from the headers; a page without them proves nothing."""
    kind = response.headers.get("Content-Type", "").lower()
    if "html" in kind or "json" in kind:
        text = f"Bulk job {id}: HTTP {response.status_code} with {kind.split(';')[0]} where CSV was due."
        raise Transient(RetryableOrgError(text, status=response.status_code))
    rows, locator = response.headers.get("Sforce-NumberOfRecords"), response.headers.get("Sforce-Locator")
    if rows is None or not rows.strip().isdigit() or locator is None:
        raise _short(f"Bulk job {id}: a result page came without Sforce-NumberOfRecords or Sforce-Locator.")
    return int(rows), None if locator.strip() in ("null", "") else locator.strip()


def _write(pieces: Iterator[bytes], path: Path) -> tuple[bytes, int]:
    """Store the pieces; give back the first line (without its end) and the number of bytes."""
    header, complete, size = b"", False, 0
    with path.open("wb") as file:
        for piece in pieces:
            if not complete:
                line, newline, _ = piece.partition(b"\n")
                header, complete = header + line, bool(newline)
            size += file.write(piece)
    return header.rstrip(b"\r"), size


def _columns(header: bytes) -> list[str]:
    return next(csv.reader([header.decode("utf-8")]), []) if header else []


def _short(text: str) -> Transient:
    return Transient(IncompleteRead(text))
