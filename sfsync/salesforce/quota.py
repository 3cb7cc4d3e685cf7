"""How many of the org's daily API requests are used, by everybody and by us, and where we stop."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass

from sfsync.errors import QuotaFloor

_USAGE = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")


@dataclass(frozen=True)
class Usage:
    """The org's requests in the last 24 hours, as its newest reply said; None until one did."""

    used: int | None = None
    limit: int | None = None
    calls: int = 0
    """Requests this Org object has cost; each request inside a composite/batch counts."""
    requests: int = 0
    """HTTP requests sent to the API, retries included."""

    @property
    def remaining(self) -> int | None:
        return None if self.used is None or self.limit is None else max(0, self.limit - self.used)


@dataclass(frozen=True)
class Quota:
    """Where to stop: so that this share (percent) or number of the daily requests is left, or after so many of ours."""

    floor_percent: float | None = None
    floor_calls: int | None = None
    per_run: int | None = None

    def floor(self, limit: int) -> int:
        """How many requests must stay unused for others, when the org has `limit` in all."""
        share = 0 if self.floor_percent is None else -int(-limit * self.floor_percent // 100)
        return max(share, self.floor_calls or 0)


class Meter:
    """Counts requests as they go out and replies as they come in. Threads may share it."""

    def __init__(self, quota: Quota | None = None):
        self._quota = quota or Quota()
        self._lock = threading.Lock()
        self._usage = Usage()
        self._unanswered = self._told = 0

    @property
    def usage(self) -> Usage:
        with self._lock:
            return self._usage

    def spend(self, calls: int) -> None:
        """Count a request that is about to be sent. Raises QuotaFloor, and counts nothing, if it must not be."""
        with self._lock:
            now = self._usage
            self._check(now, calls)
            self._unanswered += calls
            used = None if now.used is None else now.used + calls
            self._usage = Usage(used, now.limit, now.calls + calls, now.requests + 1)

    def read(self, header: str | None, calls: int = 0) -> None:
        """Take over what a Sforce-Limit-Info header says; calls: what was spent on its request, which is now answered.

        Requests of other threads that are still under way may not be counted in it, and answers overtake one another:
        the highest number told so far is the one that holds, so that the floor is kept whatever order they come in.
        """
        with self._lock:
            self._unanswered -= calls
            if found := _USAGE.search(header or ""):
                now = self._usage
                self._told = max(self._told, int(found[1]))
                self._usage = Usage(self._told + self._unanswered, int(found[2]), now.calls, now.requests)

    def _check(self, now: Usage, calls: int) -> None:
        per_run = self._quota.per_run
        if per_run is not None and now.calls + calls > per_run:
            raise QuotaFloor(
                f"Stopped: this run has made {now.calls:,} of the {per_run:,} API calls it may make (quota.per_run). "
                "What is committed stays; run it again to go on."
            )
        if now.remaining is None or now.limit is None:
            return
        floor = self._quota.floor(now.limit)
        if floor and now.remaining - calls < floor:
            raise QuotaFloor(
                f"Stopped at the API quota floor: {now.remaining:,} of {now.limit:,} daily requests are left, and "
                f"{floor:,} are kept for others (quota.floor). What is committed stays; run it again later to go on."
            )
