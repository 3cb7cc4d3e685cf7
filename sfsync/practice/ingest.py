"""Bulk API 2.0 ingest jobs."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from sfsync.practice.errors import ApiError
from sfsync.practice.ingestcsv import Column, Upload, columns, mistyped
from sfsync.practice.jobs import FINISHED, Job, State, delete_job, job_list, job_options, wanted_state
from sfsync.practice.records import key_field
from sfsync.practice.router import Router
from sfsync.practice.saving import Caller, Saved
from sfsync.practice.wire import CSV_TYPE, Call, Reply, parse_json

if TYPE_CHECKING:
    from sfsync.practice.schema import SObject
    from sfsync.practice.site import Site

KEYS = {
    *("object", "operation", "externalIdFieldName", "contentType", "lineEnding", "columnDelimiter"),
    "assignmentRuleId",
}
OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
BATCH = 10_000
MOST_UPLOAD = 100 * 1024 * 1024
MOST_MULTIPART = 100_000
IDS_OF_FAILED_SINCE = 53.0

routes = Router()


class Report:
    """One of a job's three result files."""

    def __init__(self, path: Path, job: IngestJob, extra: Sequence[str], header: Sequence[str]):
        self.path = path
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(
            self._file, delimiter=job.delimiter, lineterminator=job.newline, quoting=csv.QUOTE_ALL
        )
        self._writer.writerow([*extra, *header])

    def add(self, *cells: str) -> None:
        self._writer.writerow(cells)

    def close(self) -> None:
        self._file.close()


@dataclass
class IngestJob(Job):
    """Rows to be saved."""

    key: str | None = None
    assignment_rule: str | None = None
    upload: Path | None = None
    failed: int = 0
    reports: dict[str, Report] = field(default_factory=dict)

    kind: ClassVar[str] = "V2Ingest"

    @property
    def folder(self) -> Path:
        return self.site.folder / self.id

    def perform(self) -> None:
        if self.upload is None:
            raise TypeError("a job starts after its upload")
        with Upload(self.upload, self.delimiter, self.line_ending) as upload:
            self._open_reports(upload.header)
            try:
                self._perform(upload)
            finally:
                for report in self.reports.values():
                    report.close()
                self.touch()

    def _open_reports(self, header: list[str]) -> None:
        self.folder.mkdir(exist_ok=True)
        extra = {
            "successfulResults": ("sf__Id", "sf__Created"),
            "failedResults": ("sf__Id", "sf__Error"),
            "unprocessedrecords": (),
        }
        self.reports = {name: Report(self.folder / name, self, more, header) for name, more in extra.items()}

    def _perform(self, upload: Upload) -> None:
        sobject = self.site.org.schema.get(self.sobject)
        if sobject is None:
            raise ApiError(400, "", f"InvalidBatch : {self.sobject} is no longer there")
        going = self.pause()
        found: list[Column] = []
        stop: ApiError | None = None
        try:
            found = columns(upload.header, self.site.org.schema, sobject, self.operation, self.key)
        except ApiError as err:
            stop = err
        for rows in upload.batches(BATCH):
            if not going or self.aborted or stop:
                self._leave(rows)
                continue
            if self.fault and self.fault.kind == "failed-job":
                stop = ApiError(400, "", self.fault.message or "InternalServerError : The job was stopped.")
                self._save(found, rows[: len(rows) // 2])
                self._leave(rows[len(rows) // 2 :])
            elif self.site.quota.spend_batches(1):
                self._save(found, rows)
        if stop:
            raise stop

    def _leave(self, rows: Sequence[list[str]]) -> None:
        for row in rows:
            self.reports["unprocessedrecords"].add(*row)

    def _save(self, found: Sequence[Column], rows: Sequence[list[str]]) -> None:
        """Save one batch and report each row, in an order that is not the upload's."""
        records: list[dict[str, Any]] = []
        outcomes: list[tuple[list[str], Saved]] = []
        tried: list[list[str]] = []
        for row in rows:
            record: dict[str, Any] = {}
            try:
                for column, text in zip(found, row, strict=True):
                    column.put(record, text)
            except ApiError as err:
                outcomes.append((row, Saved(None, False, err)))
            else:
                records.append(record)
                tried.append(row)
        path = f"/jobs/ingest/{self.id}"
        saved = self.site.save(self.operation, self.sobject, records, self.caller, path, external_id=self.key)
        outcomes += zip(tried, saved, strict=True)
        random.Random(f"{self.id}{self.processed}").shuffle(outcomes)
        for row, result in outcomes:
            self._report(found, row, result)
        self.processed += len(rows)

    def _report(self, found: Sequence[Column], row: list[str], saved: Saved) -> None:
        if saved.error is None:
            self.reports["successfulResults"].add(saved.id or "", str(saved.created).lower(), *row)
            return
        self.failed += 1
        known = saved.id if saved.id and self.caller.version >= IDS_OF_FAILED_SINCE else ""
        self.reports["failedResults"].add(known, _error_text(found, row, saved.error), *row)

    def dispose(self) -> None:
        self.aborted = True
        for report in self.reports.values():
            report.close()
            report.path.unlink(missing_ok=True)
        if self.upload is not None:
            self.upload.unlink(missing_ok=True)

    def json(self, state: State | None = None) -> dict[str, Any]:
        found = self.common(state)
        if self.key:
            found["externalIdFieldName"] = self.key
        if self.assignment_rule:
            found["assignmentRuleId"] = self.assignment_rule
        if found["state"] == "Open":
            found["contentUrl"] = f"services/data/v{self.caller.version:.1f}/jobs/ingest/{self.id}/batches"
        return found

    def details(self) -> dict[str, Any]:
        found = {
            **self.json(),
            "jobType": self.kind,
            "retries": 0,
            "totalProcessingTime": self.elapsed_ms(),
            "apiActiveProcessingTime": self.elapsed_ms(),
            "apexProcessingTime": 0,
            "numberRecordsProcessed": self.processed,
            "numberRecordsFailed": self.failed,
        }
        return {**found, "errorMessage": self.error} if found["state"] == "Failed" else found


def _error_text(found: Sequence[Column], row: Sequence[str], error: ApiError) -> str:
    """CODE:message:fields --"""
    if error.code == "JSON_PARSER_ERROR":
        # A cell of the wrong type: in JSON the parser refuses it, in CSV the record does.
        named = next(((c, t) for c, t in zip(found, row, strict=True) if t and t in error.message), None)
        error = mistyped(named[0].field, named[1]) if named else error
    return f"{error.code}:{error.message}:{','.join(error.fields)} --"


def _job(site: Site, call: Call, job_id: str) -> IngestJob:
    job = site.jobs.get(IngestJob.kind, job_id, call.user_id)
    if not isinstance(job, IngestJob):
        raise TypeError(f"job {job.id} is no ingest job")
    return job


@routes.on("POST", "/jobs/ingest")
def create(site: Site, call: Call) -> Reply:
    if call.header("content-type").lower().startswith("multipart/form-data"):
        return _create_with_content(site, call)
    job = _new_job(site, call, call.json_object())
    return Reply(200, job.json())


def _new_job(site: Site, call: Call, body: dict[str, Any]) -> IngestJob:
    delimiter, ending = job_options(body, KEYS)
    name, operation = body.get("object"), body.get("operation")
    known = site.org.schema.get(name) if isinstance(name, str) else None
    if known is None or not known.bulk:
        raise ApiError(400, "INVALIDENTITY", f"Entity '{name}' is not supported by the Bulk API.")
    if operation not in OPERATIONS:
        raise ApiError(400, "INVALIDOPERATION", f"Unsupported operation {operation}; known are {', '.join(OPERATIONS)}")
    rule = body.get("assignmentRuleId")
    call_caller = site.caller(call)
    caller = Caller(user_id=call_caller.user_id, version=call_caller.version, auto_assign=bool(rule))
    fault = site.faults.take("job", call.method, call.path)
    key = upsert_key(known, operation, body.get("externalIdFieldName"))
    job = IngestJob(site, caller, operation, known.name, delimiter, ending, fault, key=key, assignment_rule=rule)
    site.jobs.add(job)
    return job


def upsert_key(known: SObject, operation: str, name: Any) -> str | None:
    """The field an upsert goes by, None for other operations. Raises ApiError when it is missing, or none to go by."""
    if operation != "upsert":
        if name:
            raise ApiError(400, "INVALIDJOB", f"externalIdFieldName is for upsert jobs only, not for {operation}")
        return None
    if not isinstance(name, str) or not name:
        raise ApiError(400, "INVALIDJOB", "externalIdFieldName is required for an upsert job")
    try:
        return key_field(known, name).name
    except ApiError as err:
        message = f"Field name provided, {name} does not match an External ID, Salesforce Id, or indexed field"
        raise ApiError(400, "INVALIDJOB", f"{message} for {known.name}") from err


def _create_with_content(site: Site, call: Call) -> Reply:
    """A multipart request makes, fills and closes the job."""
    if len(call.body) > MOST_MULTIPART:
        raise ApiError(413, "REQUEST_ENTITY_TOO_LARGE", f"A multipart job may have {MOST_MULTIPART} characters")
    parts = _multipart(call)
    if set(parts) != {"job", "content"}:
        raise ApiError(400, "INVALIDJOB", "A multipart job has the parts job (JSON) and content (CSV)")
    body = parse_json(parts["job"])
    if not isinstance(body, dict):
        raise ApiError(400, "JSON_PARSER_ERROR", "The part job must be a JSON object")
    job = _new_job(site, call, body)
    job.upload = site.folder / f"{job.id}.csv"
    job.upload.write_bytes(parts["content"])
    job.start()
    return Reply(200, job.json("UploadComplete"))


def _multipart(call: Call) -> dict[str, bytes]:
    """The parts of a multipart/form-data body by name. Raises ApiError when it is none."""
    from email.message import Message
    from email.parser import BytesHeaderParser

    outer = Message()
    outer["content-type"] = call.header("content-type")
    boundary = outer.get_boundary()
    if not boundary:
        raise ApiError(400, "INVALIDJOB", "The multipart Content-Type names no boundary")
    found: dict[str, bytes] = {}
    for piece in (b"\r\n" + call.body).split(b"\r\n--" + boundary.encode("latin-1"))[1:]:
        if piece.startswith(b"--"):
            break
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = BytesHeaderParser().parsebytes(head).get_param("name", header="content-disposition")
        if not isinstance(name, str):
            raise ApiError(400, "INVALIDJOB", "A part of the multipart body has no name")
        found[name] = content
    return found


@routes.on("PUT", "/jobs/ingest/{job_id}/batches")
def upload(site: Site, call: Call, job_id: str) -> Reply:
    job = _job(site, call, job_id)
    kind = call.header("content-type").partition(";")[0].strip().lower()
    if kind != "text/csv":
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content type {kind or '(none)'} not supported")
    if call.upload is None or not call.upload.stat().st_size:
        raise ApiError(400, "INVALIDJOB", "The upload is empty")
    if call.upload.stat().st_size > MOST_UPLOAD:
        raise ApiError(413, "REQUEST_ENTITY_TOO_LARGE", "An upload may have 100 MB")
    with job.lock:
        if job.state != "Open" or job.upload is not None:
            message = f"Found multiple contents for job: <{job.id}>, or it is closed; a job takes one upload while Open"
            raise ApiError(400, "INVALIDJOBSTATE", message)
        job.upload = call.upload.replace(site.folder / f"{job.id}.csv")
    return Reply(201)


@routes.on("GET", "/jobs/ingest")
def listed(site: Site, call: Call) -> Reply:
    return Reply(200, job_list(site, call, IngestJob.kind, "ingest"))


@routes.on("GET", "/jobs/ingest/{job_id}")
def get(site: Site, call: Call, job_id: str) -> Reply:
    return Reply(200, _job(site, call, job_id).details())


@routes.on("PATCH", "/jobs/ingest/{job_id}")
def change(site: Site, call: Call, job_id: str) -> Reply:
    job = _job(site, call, job_id)
    wanted = wanted_state(call)
    if wanted == "Aborted":
        job.abort()
        return Reply(200, job.json())
    if wanted != "UploadComplete":
        raise ApiError(400, "INVALIDJOBSTATE", f"A job can be set to UploadComplete or Aborted, not {wanted}")
    with job.lock:
        if job.state != "Open" or job.upload is None:
            why = "nothing was uploaded" if job.state == "Open" else f"it is {job.state}"
            raise ApiError(400, "INVALIDJOBSTATE", f"The job cannot be closed: {why}")
        job.start()
    return Reply(200, job.json("UploadComplete"))


@routes.on("DELETE", "/jobs/ingest/{job_id}")
def delete(site: Site, call: Call, job_id: str) -> Reply:
    delete_job(site, _job(site, call, job_id), "UploadComplete", *FINISHED)  # type: ignore[arg-type]
    return Reply(204)


@routes.on(
    "GET",
    "/jobs/ingest/{job_id}/successfulResults",
    "/jobs/ingest/{job_id}/failedResults",
    "/jobs/ingest/{job_id}/unprocessedrecords",
    "/jobs/ingest/{job_id}/unprocessedRecords",
)
def results(site: Site, call: Call, job_id: str) -> Reply:
    job = _job(site, call, job_id)
    if job.state not in FINISHED or (job.work and not job.work.done()):
        raise ApiError(400, "INVALIDJOBSTATE", f"The job is in state {job.state}; results come when it has ended")
    name = call.path.rstrip("/").rpartition("/")[2]
    report = job.reports.get("unprocessedrecords" if name == "unprocessedRecords" else name)
    if report is None:
        # The job ended before a header was read.
        return Reply(200, body=b"\n", content_type=CSV_TYPE)
    return Reply(200, file=report.path.open("rb"), content_type=CSV_TYPE)
