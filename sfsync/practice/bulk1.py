"""Bulk API 1.0 as far as its JSON jobs go: what simple-salesforce's `sf.bulk` and its like speak."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sfsync.practice.auth import invalid_session
from sfsync.practice.classic import QUERIES, Batch, ClassicJob
from sfsync.practice.errors import ApiError
from sfsync.practice.ingest import OPERATIONS, upsert_key
from sfsync.practice.router import Router
from sfsync.practice.saving import Caller, Saved
from sfsync.practice.settings import NEWEST_VERSION, OLDEST_VERSION
from sfsync.practice.wire import Call, Reply

if TYPE_CHECKING:
    from sfsync.practice.site import Site

KEYS = {"operation", "object", "concurrencyMode", "contentType", "externalIdFieldName", "assignmentRuleId"}
MOST_BYTES = 10_000_000
MODES = {0: "Parallel", 1: "Serial", "Parallel": "Parallel", "Serial": "Serial"}

routes = Router()


class Refused(ApiError):
    """An answer of Bulk 1.0 that is not success; `code` is one of its own, as InvalidBatch."""


def _on(method: str, path: str) -> Callable[[Callable[..., Reply]], Callable[..., Reply]]:
    """Register a handler below /services/async/{version}, which gets errors in the shape of Bulk 1.0."""

    def register(handler: Callable[..., Reply]) -> Callable[..., Reply]:
        @routes.on(method, f"/services/async/{{version}}{path}")
        @functools.wraps(handler)
        def answered(site: Site, call: Call, version: str, **values: str) -> Reply:
            try:
                _enter(site, call, version)
                return handler(site, call, **values)
            except ApiError as err:
                return Reply(err.status, {"exceptionCode": _code(err), "exceptionMessage": err.message})

        return answered

    return register


def _enter(site: Site, call: Call, version: str) -> None:
    if not re.fullmatch(r"\d{1,3}\.0", version) or not OLDEST_VERSION <= float(version) <= NEWEST_VERSION:
        raise Refused(400, "InvalidVersion", f"API version {version} is not known")
    call.version = float(version)
    call.session = site.sessions.use(call.header("x-sfdc-session").strip())
    if call.session is None:
        raise Refused(400, "InvalidSessionId", invalid_session().message)
    site.quota.spend_request()


def _code(err: ApiError) -> str:
    known = {"NOT_FOUND": "InvalidJob", "REQUEST_LIMIT_EXCEEDED": "ExceededQuota"}
    return err.code if isinstance(err, Refused) else known.get(err.code, "ClientInputError")


def _job(site: Site, call: Call, job_id: str) -> ClassicJob:
    job = site.jobs.get(ClassicJob.kind, job_id, call.user_id)
    if not isinstance(job, ClassicJob):
        raise TypeError(f"job {job.id} is none of Bulk 1.0")
    return job


def _batch(job: ClassicJob, batch_id: str) -> Batch:
    found = next((b for i, b in job.batches.items() if i[:15] == batch_id[:15]), None)
    if found is None:
        raise Refused(400, "InvalidBatch", f"Unable to find batch {batch_id}")
    return found


@_on("POST", "/job")
def create(site: Site, call: Call) -> Reply:
    body = call.json_object()
    for given in body:
        if given not in KEYS:
            raise Refused(400, "InvalidJob", f"Unrecognized field {given} in the job")
    if body.get("contentType") != "JSON":
        raise Refused(400, "InvalidJob", f"the practice org takes jobs of JSON only, not {body.get('contentType')}")
    name, operation = body.get("object"), body.get("operation")
    mode = MODES.get(body.get("concurrencyMode", 0))
    known = site.org.schema.get(name) if isinstance(name, str) else None
    if known is None or not known.bulk:
        raise Refused(400, "InvalidEntity", f"Entity '{name}' is not supported by the Bulk API.")
    if not isinstance(operation, str) or operation not in (*OPERATIONS, *QUERIES) or mode is None:
        raise Refused(400, "InvalidJob", f"unknown operation {operation} or concurrencyMode")
    try:
        key = upsert_key(known, operation, body.get("externalIdFieldName"))
    except ApiError as err:
        raise Refused(400, "InvalidJob", err.message) from err
    fault = site.faults.take("job", call.method, call.path)
    caller = Caller(call.user_id, call.version, auto_assign=False)
    job = ClassicJob(site, caller, operation, known.name, "COMMA", "LF", fault, key=key, mode=mode)
    site.jobs.add(job)
    return Reply(201, job.json())


@_on("GET", "/job/{job_id}")
def get(site: Site, call: Call, job_id: str) -> Reply:
    return Reply(200, _job(site, call, job_id).json())


@_on("POST", "/job/{job_id}")
def change(site: Site, call: Call, job_id: str) -> Reply:
    job, wanted = _job(site, call, job_id), call.json_object()
    if wanted not in ({"state": "Closed"}, {"state": "Aborted"}) or job.closed is not None or job.aborted:
        raise Refused(400, "InvalidJobState", f"{wanted.get('state')} is no state to set, or the job has ended")
    job.aborted, job.closed = wanted["state"] == "Aborted", time.monotonic()
    job.touch()
    return Reply(200, job.json())


@_on("POST", "/job/{job_id}/batch")
def add(site: Site, call: Call, job_id: str) -> Reply:
    job = _job(site, call, job_id)
    if job.closed is not None:
        raise Refused(400, "InvalidJobState", "the job is closed")
    if call.header("content-type").partition(";")[0].strip().lower() != "application/json":
        raise Refused(400, "InvalidBatch", "Invalid content type, should be application/json")
    if len(call.body) > MOST_BYTES:
        raise Refused(400, "ClientInputError", f"a batch may have {MOST_BYTES} bytes, not {len(call.body)}")
    if not site.quota.spend_batches(1):
        raise Refused(400, "ExceededQuota", "ApiBatchItems Limit exceeded.")
    return Reply(201, job.batch_json(job.add_batch(call.body)))


@_on("GET", "/job/{job_id}/batch")
def batches(site: Site, call: Call, job_id: str) -> Reply:
    job = _job(site, call, job_id)
    return Reply(200, {"batchInfo": [job.batch_json(b) for b in job.batches.values()]})


@_on("GET", "/job/{job_id}/batch/{batch_id}")
def batch(site: Site, call: Call, job_id: str, batch_id: str) -> Reply:
    job = _job(site, call, job_id)
    return Reply(200, job.batch_json(_batch(job, batch_id)))


@_on("GET", "/job/{job_id}/batch/{batch_id}/request")
def request(site: Site, call: Call, job_id: str, batch_id: str) -> Reply:
    return Reply(200, body=_batch(_job(site, call, job_id), batch_id).request)


@_on("GET", "/job/{job_id}/batch/{batch_id}/result")
def result(site: Site, call: Call, job_id: str, batch_id: str) -> Reply:
    """Of a query the Ids of its results, one here; of other batches what became of each record, in order."""
    found = _completed(site, call, job_id, batch_id)
    if found.records is not None:
        return Reply(200, [_result_id(found)])
    return Reply(200, [_saved_json(s) for s in found.saved])


@_on("GET", "/job/{job_id}/batch/{batch_id}/result/{result_id}")
def query_result(site: Site, call: Call, job_id: str, batch_id: str, result_id: str) -> Reply:
    found = _completed(site, call, job_id, batch_id)
    if found.records is None or result_id != _result_id(found):
        raise Refused(400, "InvalidBatch", f"Unable to find result {result_id}")
    return Reply(200, found.records)


def _completed(site: Site, call: Call, job_id: str, batch_id: str) -> Batch:
    job = _job(site, call, job_id)
    found = _batch(job, batch_id)
    if job.batch_state(found) != "Completed":
        raise Refused(400, "InvalidBatch", found.trouble or "Batch not completed")
    return found


def _result_id(batch: Batch) -> str:
    return f"752{batch.id[3:15]}"


def _saved_json(saved: Saved) -> dict[str, Any]:
    errors: list[Mapping[str, Any]] = []
    if saved.error is not None:
        errors = [{**saved.error.row_error(), "extendedErrorDetails": None}]
    return {"success": not errors, "created": saved.created, "id": saved.id if not errors else None, "errors": errors}
