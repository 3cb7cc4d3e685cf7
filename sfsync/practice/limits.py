"""What the org has used of its allowances, and the `/limits` resource."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from sfsync.practice.errors import ApiError
from sfsync.practice.router import Router
from sfsync.practice.wire import Call, Reply

if TYPE_CHECKING:
    from sfsync.practice.clock import Clock
    from sfsync.practice.settings import Settings
    from sfsync.practice.site import Site

DAY_MINUTES = 24 * 60
Meter = Literal["requests", "query-jobs", "ingest-batches", "query-kilobytes"]

routes = Router()


class Quota:
    """Usage in the last 24 hours of the org's clock, by the minute. Threads may share it."""

    def __init__(self, clock: Clock, settings: Settings):
        self._clock = clock
        self._settings = settings
        self._lock = threading.Lock()
        self._used: dict[str, Counter[int]] = {}

    def _minute(self) -> int:
        return int(self._clock.now().timestamp() // timedelta(minutes=1).total_seconds())

    def add(self, meter: Meter, amount: int = 1) -> None:
        with self._lock:
            self._used.setdefault(meter, Counter())[self._minute()] += amount

    def used(self, meter: Meter) -> int:
        oldest = self._minute() - DAY_MINUTES
        with self._lock:
            minutes = self._used.get(meter, Counter())
            for minute in [m for m in minutes if m <= oldest]:
                del minutes[minute]
            return sum(minutes.values())

    def spend_request(self) -> None:
        """Count one API call. Raises ApiError 403 when there is none left."""
        if self.used("requests") >= self._settings.daily_requests:
            raise total_requests_exceeded()
        self.add("requests")

    def spend_query_job(self) -> None:
        most = self._settings.daily_query_jobs
        if self.used("query-jobs") >= most:
            message = f"Max bulk v2 query jobs ({most}) per 24 hrs has been reached ({most})"
            raise ApiError(400, "LIMIT_EXCEEDED", message)
        if self.used("query-kilobytes") >= self._settings.daily_query_megabytes * 1024:
            size = self._settings.daily_query_megabytes * 1024
            message = f"Max bulk v2 query result size stored ({size}) kb per 24 hrs has been exceeded"
            raise ApiError(400, "LIMIT_EXCEEDED", message)
        self.add("query-jobs")

    def spend_batches(self, count: int) -> int:
        """Take up to `count` ingest batches; returns how many there were."""
        left = max(0, self._settings.daily_ingest_batches - self.used("ingest-batches"))
        taken = min(count, left)
        self.add("ingest-batches", taken)
        return taken

    def info(self) -> str:
        """The value of Sforce-Limit-Info."""
        return f"api-usage={self.used('requests')}/{self._settings.daily_requests}"

    def table(self, storage_used: int) -> dict[str, dict[str, int]]:
        s = self._settings

        def entry(most: int, used: int) -> dict[str, int]:
            return {"Max": most, "Remaining": max(0, most - used)}

        return {
            "DailyApiRequests": entry(s.daily_requests, self.used("requests")),
            "DailyBulkApiBatches": entry(s.daily_ingest_batches, self.used("ingest-batches")),
            "DailyBulkV2QueryFileStorageMB": entry(s.daily_query_megabytes, self.used("query-kilobytes") // 1024),
            "DailyBulkV2QueryJobs": entry(s.daily_query_jobs, self.used("query-jobs")),
            "DataStorageMB": entry(s.storage_megabytes, storage_used),
            "FileStorageMB": entry(s.storage_megabytes, 0),
        }


def total_requests_exceeded() -> ApiError:
    return ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


@routes.on("GET", "/limits")
def limits(site: Site, call: Call) -> Reply:
    return Reply(200, site.quota.table(_storage_megabytes(site)))


def _storage_megabytes(site: Site) -> int:
    """Most records count as 2 KB, whatever they hold."""
    counts = site.org.record_count(list(site.org.schema.sobjects))
    return int(sum(c["count"] for c in counts["sObjects"]) * 2 // 1024)


@routes.on("GET", "/limits/recordCount")
def record_count(site: Site, call: Call) -> Reply:
    wanted = [name.strip() for name in call.parameters.get("sObjects", "").split(",") if name.strip()]
    answer: dict[str, Any] = site.org.record_count(wanted or list(site.org.schema.sobjects))
    return Reply(200, answer)
