"""Everything one running practice server holds: handlers get it as their first argument."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfsync.practice.auth import Credentials, JwtKey, Sessions, find_user
from sfsync.practice.errors import ApiError
from sfsync.practice.faults import Faults
from sfsync.practice.limits import Quota
from sfsync.practice.saving import Caller, Saved
from sfsync.practice.settings import Settings

if TYPE_CHECKING:
    from sfsync.practice.jobs import Jobs
    from sfsync.practice.locators import Locators
    from sfsync.practice.org import PracticeOrg


class Site:
    """One org being served. `close()` drops jobs, cursors and temporary files; the org stays open."""

    def __init__(self, org: PracticeOrg, settings: Settings):
        from sfsync.practice.jobs import Jobs
        from sfsync.practice.locators import Locators

        self.org = org
        self.settings = settings
        self.url = ""
        user = find_user(org, user_id=org.user_id)
        if user is None:
            raise ValueError(f"the org's integration user {org.user_id} is not an active User record")
        self.credentials = Credentials.of(org.organization_id, user.username)
        self.jwt_key = JwtKey()
        self.sessions = Sessions(org, settings, self.credentials.refresh_token)
        self.quota = Quota(org.clock, settings)
        self.faults = Faults()
        self.calls: Counter[str] = Counter()
        self.calls_lock = threading.Lock()
        self.stopping = threading.Event()
        self.folder = Path(tempfile.mkdtemp(prefix="sfsync-practice-"))
        self.locators: Locators = Locators(org.clock, settings)
        self.jobs: Jobs = Jobs(self)
        self._schema_seen: tuple[int, datetime] = (-1, org.clock.now())

    def close(self) -> None:
        self.stopping.set()
        self.jobs.close()
        self.locators.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def count(self, method: str, shape: str) -> None:
        with self.calls_lock:
            self.calls[f"{method} {shape}"] += 1

    def caller(self, call: Any) -> Caller:
        """Who saves and queries in this request, and with which of Salesforce's behaviour headers."""
        duplicates = call.options("sforce-duplicate-rule-header")
        return Caller(
            user_id=call.user_id,
            version=call.version,
            auto_assign=call.header("sforce-auto-assign").strip().upper() != "FALSE",
            allow_duplicates=duplicates.get("allowsave", "").lower() == "true",
        )

    def save(
        self,
        op: Any,
        sobject: str,
        records: Sequence[Mapping[str, Any]],
        caller: Caller,
        path: str,
        *,
        external_id: str | None = None,
        all_or_none: bool = False,
    ) -> list[Saved]:
        """The org's save, with an ordered row lock in front: one Saved per record, in order."""
        fault = self.faults.take("row", "", path)
        locked = records[: fault.rows] if fault else []
        if locked and all_or_none:
            return [_locked(r) for r in locked] + [_rolled_back(r) for r in records[len(locked) :]]
        free = records[len(locked) :]
        saved = (
            self.org.save(op, sobject, free, caller, external_id=external_id, all_or_none=all_or_none) if free else []
        )
        return [_locked(r) for r in locked] + saved

    def schema_time(self) -> datetime:
        """When the fields last changed, on the org's clock; the ETag and Last-Modified of describes."""
        version = self.org.schema.version
        if self._schema_seen[0] != version:
            self._schema_seen = (version, self.org.clock.now().replace(microsecond=0))
        return self._schema_seen[1]


def _locked(record: Mapping[str, Any]) -> Saved:
    record_id = record.get("Id")
    message = f"unable to obtain exclusive access to this record or 1 records: {str(record_id or '')[:15]}"
    return Saved(record_id, False, ApiError(400, "UNABLE_TO_LOCK_ROW", message))


def _rolled_back(record: Mapping[str, Any]) -> Saved:
    message = "Record rolled back because not all records were valid and the request was using AllOrNone header"
    return Saved(record.get("Id"), False, ApiError(400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", message))
