"""Bulk API 2.0 query jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sfsync.practice.errors import ApiError
from sfsync.practice.jobs import FINISHED, Job, State, delete_job, job_list, job_options, wanted_state
from sfsync.practice.locators import invalid_locator
from sfsync.practice.pages import Pages, read_locator, write_locator
from sfsync.practice.router import Router
from sfsync.practice.soql import Options, compile_soql
from sfsync.practice.wire import CSV_TYPE, Call, Reply

if TYPE_CHECKING:
    from sfsync.practice.saving import Caller
    from sfsync.practice.site import Site

KEYS = {"operation", "query", "contentType", "columnDelimiter", "lineEnding"}
PARALLEL = 5
"""Addresses in one answer of resultPages."""
PARALLEL_SINCE = 58.0

routes = Router()


@dataclass
class QueryJob(Job):
    """A query whose result is kept as it was when the job ran."""

    soql: str = ""
    pages: Pages | None = None

    kind: ClassVar[str] = "V2Query"

    def perform(self) -> None:
        if not self.pause():
            return
        if self.fault and self.fault.kind == "failed-job":
            raise ApiError(400, "", self.fault.message or "QUERY_TIMEOUT: Your query request was running for too long.")
        result = self.site.org.bulk_query(
            *(self.soql, self.caller),
            all_rows=self.operation == "queryAll",
            delimiter=self.delimiter,
            newline=self.newline,
        )
        with self.lock:
            if self.aborted:
                result.close()
                return
            self.pages = Pages(self.site, self.id, result)
            self.processed = result.total
            self.touch()

    def dispose(self) -> None:
        with self.lock:
            pages, self.pages = self.pages, None
            self.aborted = True
        if pages:
            pages.close()

    def json(self, state: State | None = None) -> dict[str, Any]:
        found = self.common(state)
        if found["state"] in FINISHED:
            found |= {
                "jobType": self.kind,
                "numberRecordsProcessed": self.processed,
                "retries": 0,
                "totalProcessingTime": self.elapsed_ms(),
                "isPkChunkingSupported": True,
            }
        if found["state"] == "Failed":
            found["errorMessage"] = self.error
        return found


def _job(site: Site, call: Call, job_id: str) -> QueryJob:
    job = site.jobs.get(QueryJob.kind, job_id, call.user_id)
    if not isinstance(job, QueryJob):
        raise TypeError(f"job {job.id} is no query job")
    return job


@routes.on("POST", "/jobs/query")
def create(site: Site, call: Call) -> Reply:
    body = call.json_object()
    delimiter, ending = job_options(body, KEYS)
    operation, soql = body.get("operation"), body.get("query")
    if operation not in ("query", "queryAll"):
        raise ApiError(400, "INVALIDOPERATION", f"Unsupported operation {operation}; known are query and queryAll")
    if not isinstance(soql, str) or not soql.strip():
        raise ApiError(400, "INVALIDJOB", "A query has to be specified")
    caller = site.caller(call)
    sobject = checked(site, soql, caller, all_rows=operation == "queryAll")
    site.quota.spend_query_job()
    fault = site.faults.take("job", call.method, call.path)
    job = QueryJob(site, caller, operation, sobject, delimiter, ending, fault, soql=soql)
    site.jobs.add(job)
    job.start()
    return Reply(200, job.json("UploadComplete"))


def checked(site: Site, soql: str, caller: Caller, *, all_rows: bool) -> str:
    """The sObject queried. Raises ApiError for what Bulk refuses, before there is a job."""
    options = Options(
        now=site.org.clock.now(), all_rows=all_rows, user_id=caller.user_id, bulk=True, version=caller.version
    )
    return compile_soql(soql, site.org.schema, options).sobject


@routes.on("GET", "/jobs/query")
def listed(site: Site, call: Call) -> Reply:
    return Reply(200, job_list(site, call, QueryJob.kind, "query"))


@routes.on("GET", "/jobs/query/{job_id}")
def get(site: Site, call: Call, job_id: str) -> Reply:
    job = _job(site, call, job_id)
    found = job.json()
    if job.state == "JobComplete" and (fault := site.faults.take("total", call.method, call.path)):
        found["numberRecordsProcessed"] += fault.rows
    return Reply(200, found)


@routes.on("PATCH", "/jobs/query/{job_id}")
def change(site: Site, call: Call, job_id: str) -> Reply:
    job = _job(site, call, job_id)
    if wanted_state(call) != "Aborted":
        raise ApiError(400, "INVALIDJOBSTATE", "A query job can only be set to Aborted")
    job.abort()
    return Reply(200, job.json())


@routes.on("DELETE", "/jobs/query/{job_id}")
def delete(site: Site, call: Call, job_id: str) -> Reply:
    delete_job(site, _job(site, call, job_id), *FINISHED)  # type: ignore[arg-type]
    return Reply(204)


def _finished(site: Site, call: Call, job_id: str) -> tuple[QueryJob, Pages]:
    """A complete job of the caller. Raises ApiError 404, 409 for another API version, 400 when it is not done."""
    job = _job(site, call, job_id)
    if call.version != job.caller.version:
        message = f"The job was created with API version {job.caller.version:.1f}; its results need the same version"
        raise ApiError(409, "INVALIDVERSION", message)
    if job.state != "JobComplete" or job.pages is None:
        raise ApiError(400, "INVALIDJOBSTATE", f"The job is in state {job.state}; results need JobComplete")
    return job, job.pages


def _position(site: Site, call: Call, job: QueryJob, pages: Pages) -> tuple[int, int]:
    """Offset and limit that a request's locator stands for."""
    locator = call.parameters.get("locator")
    if site.faults.take("locator", call.method, call.path):
        raise invalid_locator()
    if not locator:
        return 0, 0
    found = read_locator(job.id, locator)
    if found is None or found[0] >= pages.total:
        raise invalid_locator()
    return found


def _check_parameters(call: Call, *known: str) -> None:
    for name in call.parameters:
        if name not in known:
            raise ApiError(400, "INVALID_PARAMETER", f"Unknown parameter {name}; known are {', '.join(known)}")


@routes.on("GET", "/jobs/query/{job_id}/results")
def results(site: Site, call: Call, job_id: str) -> Reply:
    _check_parameters(call, "locator", "maxRecords")
    accept = call.header("accept").lower()
    if accept and not any(kind in accept for kind in ("text/csv", "text/*", "*/*")):
        raise ApiError(406, "NOT_ACCEPTABLE", "Results are text/csv")
    job, pages = _finished(site, call, job_id)
    offset, limit = _position(site, call, job, pages)
    fault = site.faults.take("page", call.method, call.path)
    if fault and fault.kind == "swapped":
        job, pages = _another(site, job)
    limit = _most_records(call) or limit or site.settings.bulk_page
    rows = pages.rows(offset, limit)
    following = write_locator(job.id, offset + rows) if offset + rows < pages.total else "null"
    if fault and fault.kind == "truncated":
        page = pages.open_short(offset, max(0, rows - fault.rows))
    elif fault and fault.kind == "columns":
        page = pages.open_narrow(offset, limit, job.delimiter, job.newline)
    else:
        page = pages.open(offset, limit)
    headers = {"Sforce-NumberOfRecords": str(rows), "Sforce-Locator": following}
    return Reply(200, file=page.file, unpacked=page.size, content_type=CSV_TYPE, headers=headers)


def _another(site: Site, job: QueryJob) -> tuple[QueryJob, Pages]:
    """Another finished job, or this one when there is no other."""
    for other in site.jobs.listed(QueryJob.kind):
        if isinstance(other, QueryJob) and other.id != job.id and other.pages is not None:
            return other, other.pages
    assert job.pages is not None
    return job, job.pages


def _most_records(call: Call) -> int:
    text = call.parameters.get("maxRecords")
    if text is None:
        return 0
    if not text.isdigit() or int(text) < 1:
        raise ApiError(400, "INVALID_PARAMETER", f"maxRecords must be a positive number, not {text}")
    return int(text)


@routes.on("GET", "/jobs/query/{job_id}/resultPages", "/jobs/query/{job_id}/resultpages")
def result_pages(site: Site, call: Call, job_id: str) -> Reply:
    _check_parameters(call, "locator")
    if call.version < PARALLEL_SINCE:
        raise ApiError(404, "NOT_FOUND", f"resultPages needs API version {PARALLEL_SINCE:.1f} or later")
    job, pages = _finished(site, call, job_id)
    offset, limit = _position(site, call, job, pages)
    limit = limit or site.settings.bulk_page
    starts = range(offset, max(pages.total, 1), limit)
    base = f"{call.root}/jobs/query/{job.id}"
    urls = [{"resultUrl": f"{base}/results?locator={write_locator(job.id, s, limit)}"} for s in starts[:PARALLEL]]
    answer: dict[str, Any] = {"resultPages": urls, "done": len(starts) <= PARALLEL}
    if len(starts) > PARALLEL:
        answer["nextRecordsUrl"] = f"{base}/resultpages?locator={write_locator(job.id, starts[PARALLEL], limit)}"
    return Reply(200, answer)
