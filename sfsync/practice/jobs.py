"""What Bulk query jobs and ingest jobs have in common: identity, states, lists, the threads that work on them."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from sfsync.practice.errors import ApiError
from sfsync.practice.ids import make_id
from sfsync.practice.wire import Call, not_found, stamp_text

if TYPE_CHECKING:
    from datetime import datetime

    from sfsync.practice.faults import Fault
    from sfsync.practice.saving import Caller
    from sfsync.practice.site import Site

State = Literal["Open", "UploadComplete", "InProgress", "JobComplete", "Failed", "Aborted"]
FINISHED = ("JobComplete", "Failed", "Aborted")
DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
WORKERS = 4
LIST_PAGE = 1000


@dataclass
class Job:
    """One Bulk job. Its state follows from what was done to it and from the time since."""

    site: Site
    caller: Caller
    operation: str
    sobject: str
    column_delimiter: str
    line_ending: str
    fault: Fault | None
    id: str = ""
    created: datetime = field(init=False)
    touched: datetime = field(init=False)
    closed: float | None = None
    """When the work could start, in time.monotonic()."""
    aborted: bool = False
    work: Future[None] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    processed: int = 0

    kind: ClassVar[str] = ""

    def __post_init__(self) -> None:
        self.created = self.touched = self.site.org.clock.now()

    @property
    def delimiter(self) -> str:
        return DELIMITERS[self.column_delimiter]

    @property
    def newline(self) -> str:
        return LINE_ENDINGS[self.line_ending]

    @property
    def step(self) -> float:
        """Seconds in each state."""
        slow = self.fault.seconds if self.fault and self.fault.kind == "slow-job" else 0.0
        return self.site.settings.job_seconds + (1.0 if slow is None else slow)

    def start(self) -> None:
        """The job is queued: a worker will run `perform`."""
        self.closed = time.monotonic()
        self.work = self.site.jobs.submit(self.perform)

    def perform(self) -> None:
        """The work itself, in a worker's thread. An ApiError it raises makes the job fail."""
        raise NotImplementedError

    def pause(self) -> bool:
        """Wait until the job leaves the queue. False when it was aborted meanwhile, or the server stops."""
        if self.step:
            self.site.stopping.wait(self.step)
        return not self.aborted and not self.site.stopping.is_set()

    @property
    def state(self) -> State:
        if self.aborted:
            return "Aborted"
        if self.closed is None or self.work is None:
            return "Open"
        elapsed = time.monotonic() - self.closed
        if elapsed < self.step:
            return "UploadComplete"
        if not self.work.done() or elapsed < 2 * self.step:
            return "InProgress"
        return "Failed" if self.error else "JobComplete"

    @property
    def error(self) -> str:
        """Why the finished work failed, "" when it did not."""
        if self.work is None or not self.work.done() or self.work.cancelled():
            return ""
        failure = self.work.exception()
        if isinstance(failure, ApiError):
            return f"{failure.code}: {failure.message}" if failure.code else failure.message
        return "" if failure is None else f"INTERNAL_ERROR: {failure}"

    def abort(self) -> None:
        with self.lock:
            if self.state in FINISHED:
                raise ApiError(400, "INVALIDJOBSTATE", "Aborting already Completed Job not allowed")
            self.aborted = True
            self.touch()

    def touch(self) -> None:
        self.touched = self.site.org.clock.now()

    def dispose(self) -> None:
        """Give back what the job holds. Called once, when it is deleted or the server stops."""

    def common(self, state: State | None = None) -> dict[str, Any]:
        """The part of the job's JSON that both kinds share."""
        return {
            "id": self.id,
            "operation": self.operation,
            "object": self.sobject,
            "createdById": self.caller.user_id,
            "createdDate": stamp_text(self.created),
            "systemModstamp": stamp_text(self.touched),
            "state": state or self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": self.caller.version,
            "lineEnding": self.line_ending,
            "columnDelimiter": self.column_delimiter,
        }

    def elapsed_ms(self) -> int:
        return 0 if self.closed is None else int((time.monotonic() - self.closed) * 1000)


class Jobs:
    """All jobs of a server by Id. Threads may share it."""

    def __init__(self, site: Site):
        self._site = site
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._made = 0
        self._pool: ThreadPoolExecutor | None = None
        self.random = random.Random(site.org.organization_id)

    def submit(self, task: Callable[[], None]) -> Future[None]:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="sfsync-practice-job")
            return self._pool.submit(task)

    def add(self, job: Job) -> None:
        with self._lock:
            self._made += 1
            job.id = make_id("750", self._made)
            self._jobs[job.id] = job

    def get(self, kind: str, job_id: str, user_id: str) -> Job:
        """The caller's own job. Raises ApiError 404."""
        with self._lock:
            job = next((j for j in self._jobs.values() if j.id[:15] == job_id[:15]), None)
        if job is None or job.kind != kind or job.caller.user_id != user_id:
            raise not_found()
        return job

    def remove(self, job: Job) -> None:
        with self._lock:
            self._jobs.pop(job.id, None)
        job.dispose()

    def listed(self, kind: str) -> list[Job]:
        with self._lock:
            return [j for j in self._jobs.values() if j.kind == kind]

    def close(self) -> None:
        """Abort what runs, wait for the threads, give back what the jobs hold."""
        with self._lock:
            jobs, self._jobs = list(self._jobs.values()), {}
            pool, self._pool = self._pool, None
        for job in jobs:
            job.aborted = True
        if pool:
            pool.shutdown(wait=True, cancel_futures=True)
        for job in jobs:
            job.dispose()


def job_options(body: dict[str, Any], allowed: set[str]) -> tuple[str, str]:
    """Column delimiter and line ending asked for. Raises ApiError for anything a job cannot be asked."""
    for name in body:
        if name not in allowed:
            raise ApiError(400, "JSON_PARSER_ERROR", f'Unrecognized field "{name}" in the job')
    if body.get("contentType", "CSV") != "CSV":
        raise ApiError(400, "INVALIDJOB", f"Unsupported contentType {body['contentType']}; only CSV is supported")
    delimiter, ending = body.get("columnDelimiter") or "COMMA", body.get("lineEnding") or "LF"
    if delimiter not in DELIMITERS:
        raise ApiError(400, "INVALIDJOB", f"Unknown columnDelimiter {delimiter}; known are {', '.join(DELIMITERS)}")
    if ending not in LINE_ENDINGS:
        raise ApiError(400, "INVALIDJOB", f"Unknown lineEnding {ending}; known are LF and CRLF")
    return delimiter, ending


def job_list(site: Site, call: Call, kind: str, path: str) -> dict[str, Any]:
    """One page of the jobs of a kind."""
    jobs = site.jobs.listed(kind)
    locator = call.parameters.get("queryLocator", "0")
    if not locator.isdigit() or (int(locator) and int(locator) >= len(jobs)):
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    start = int(locator)
    more = start + LIST_PAGE < len(jobs)
    url = f"{call.root}/jobs/{path}?queryLocator={start + LIST_PAGE}" if more else None
    records = [j.common() for j in jobs[start : start + LIST_PAGE]]
    return {"done": not more, "records": records, "nextRecordsUrl": url}


def wanted_state(call: Call) -> str:
    body = call.json_object()
    if set(body) != {"state"} or not isinstance(body["state"], str):
        raise ApiError(400, "INVALIDJOB", "Only the state of a job can be changed")
    return body["state"]


def delete_job(site: Site, job: Job, *allowed: State) -> None:
    if job.state not in allowed:
        message = "Error encountered when deleting the job because the job is not terminated"
        raise ApiError(400, "API_ERROR", message)
    site.jobs.remove(job)
