"""A job of Bulk API 1.0 and its batches. A batch is worked off while it is sent; its state follows the clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sfsync.practice.bulkquery import checked
from sfsync.practice.errors import ApiError
from sfsync.practice.ids import make_id, number_of
from sfsync.practice.jobs import Job
from sfsync.practice.saving import Saved
from sfsync.practice.wire import parse_json, stamp_text

QUERIES = ("query", "queryAll")
MOST_RECORDS = 10_000


@dataclass
class Batch:
    id: str
    request: bytes
    made: datetime
    started: float
    records: list[dict[str, Any]] | None = None
    """What a query found."""
    saved: list[Saved] = field(default_factory=list)
    trouble: str = ""
    """Why the batch as a whole failed."""


@dataclass
class ClassicJob(Job):
    """A job and its batches. Its caller sets `closed` by closing it."""

    key: str | None = None
    mode: str = "Parallel"
    batches: dict[str, Batch] = field(default_factory=dict)

    kind: ClassVar[str] = "Classic"

    def batch_state(self, batch: Batch) -> str:
        if time.monotonic() - batch.started < self.step:
            return "InProgress"
        return "Failed" if batch.trouble else "Completed"

    def add_batch(self, body: bytes) -> Batch:
        with self.lock:
            number = (number_of(self.id) or 0) * 1000 + len(self.batches) + 1
            batch = Batch(make_id("751", number), body, self.site.org.clock.now(), time.monotonic())
            self.batches[batch.id] = batch
        try:
            self._query(batch) if self.operation in QUERIES else self._save(batch)
        except ApiError as err:
            batch.trouble = f"InvalidBatch : {err.code and err.code + ': '}{err.message}"
        return batch

    def _query(self, batch: Batch) -> None:
        soql, all_rows = batch.request.decode("utf-8", "replace"), self.operation == "queryAll"
        sobject = checked(self.site, soql, self.caller, all_rows=all_rows)
        if sobject != self.sobject:
            raise ApiError(400, "", f"the job is one of {self.sobject}, the query reads {sobject}")
        result = self.site.org.query(soql, self.caller, all_rows=all_rows)
        try:
            batch.records = result.records(0, result.total)
        finally:
            result.close()
        for column in result.columns:
            if column.type in ("date", "datetime"):
                for record in batch.records:
                    _to_milliseconds(record, column.label.split("."))

    def _save(self, batch: Batch) -> None:
        records = parse_json(batch.request)
        if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
            raise ApiError(400, "", "a batch is a JSON array of records")
        if len(records) > MOST_RECORDS:
            raise ApiError(400, "", f"a batch may have {MOST_RECORDS} records, not {len(records)}")
        path = f"/job/{self.id}/batch"
        batch.saved = self.site.save(self.operation, self.sobject, records, self.caller, path, external_id=self.key)

    def json(self) -> dict[str, Any]:
        states = [self.batch_state(b) for b in self.batches.values()]
        found = {
            "id": self.id,
            "operation": self.operation,
            "object": self.sobject,
            "createdById": self.caller.user_id,
            "createdDate": stamp_text(self.created),
            "systemModstamp": stamp_text(self.touched),
            "state": "Aborted" if self.aborted else "Open" if self.closed is None else "Closed",
            "concurrencyMode": self.mode,
            "contentType": "JSON",
            "apiVersion": self.caller.version,
            "externalIdFieldName": self.key,
            "assignmentRuleId": None,
            "numberBatchesQueued": 0,
            "numberBatchesTotal": len(states),
            "numberRecordsProcessed": sum(map(_processed, self.batches.values())),
            "numberRecordsFailed": sum(map(_failed, self.batches.values())),
            "numberRetries": 0,
        }
        return found | {f"numberBatches{s}": states.count(s) for s in ("InProgress", "Completed", "Failed")}

    def batch_json(self, batch: Batch) -> dict[str, Any]:
        return {
            "id": batch.id,
            "jobId": self.id,
            "state": self.batch_state(batch),
            "stateMessage": batch.trouble or None,
            "createdDate": stamp_text(batch.made),
            "systemModstamp": stamp_text(batch.made),
            "numberRecordsProcessed": _processed(batch),
            "numberRecordsFailed": _failed(batch),
            "totalProcessingTime": 0,
        }


def _processed(batch: Batch) -> int:
    return len(batch.saved if batch.records is None else batch.records)


def _failed(batch: Batch) -> int:
    return sum(s.error is not None for s in batch.saved)


def _to_milliseconds(record: Any, path: list[str]) -> None:
    """Dates and times of JSON results are milliseconds since 1970, unlike those of REST."""
    *parents, last = path
    for name in parents:
        record = record.get(name) if record else None
    if record and isinstance(record.get(last), str):
        text = record[last]
        when = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z") if "T" in text else date.fromisoformat(text)
        if not isinstance(when, datetime):
            when = datetime(when.year, when.month, when.day, tzinfo=UTC)
        record[last] = int(when.timestamp()) * 1000
