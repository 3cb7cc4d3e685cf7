"""The reads of one run, taken into the warehouse as they come, and what became of each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass

from sfsync.errors import AuthError, OrgError, QuotaFloor, SfsyncError, WarehouseError
from sfsync.pull.commit import Committer, small
from sfsync.pull.feed import Feed
from sfsync.pull.stage import Staged
from sfsync.pull.window import Window

log = logging.getLogger("sfsync.pull")


@dataclass(frozen=True)
class Read:
    """One window being read by another thread."""

    window: Window
    job: Future[Staged]
    feed: Feed | None
    """Where its pages can be taken from before the job is done."""


class Gathering:
    """Commits big objects by themselves, each as soon as it is here, and the small ones together at the end."""

    def __init__(self, into: Committer):
        self._into = into
        self._small: list[Staged] = []
        self._stopped: SfsyncError | None = None
        self.outdated: list[str] = []
        """sObjects whose fields were not the ones the org had described."""

    def take(self, reads: Sequence[Read]) -> SfsyncError | None:
        """Until all are done. Returns what stopped the run, if anything did; other errors stand in the results."""
        pending = {read.job: read for read in reads}
        for read in reads:
            if read.feed is not None and not self._stopped:
                del pending[read.job]
                self._load(read, read.feed)
        while pending:
            if self._stopped:
                self._cancel(pending)
            for job in wait(pending, return_when=FIRST_COMPLETED).done if pending else ():
                self._commit(pending.pop(job))
        for sobject, err in self._into.commit_together(self._small).items():
            self._failed(sobject, err)
        return self._stopped

    def _load(self, read: Read, feed: Feed) -> None:
        self._try(read, lambda: self._into.load(read.window, feed, read.job.result))

    def _commit(self, read: Read) -> None:
        def commit() -> None:
            staged = read.job.result()
            if small(staged):
                self._small.append(staged)
            else:
                self._into.commit(staged)

        self._try(read, commit)

    def _try(self, read: Read, act: Callable[[], None]) -> None:
        try:
            act()
        except (OrgError, WarehouseError) as err:
            self._failed(read.window.sobject, err)
        except OSError as err:
            says = f"its pages cannot be kept in {err.filename or 'the staging folder'}: {err.strerror or err}"
            self._failed(read.window.sobject, WarehouseError(f"{read.window.sobject}: {says}. Nothing was changed."))

    def _failed(self, sobject: str, err: SfsyncError) -> None:
        if isinstance(err, (QuotaFloor, AuthError)):
            self._stopped = self._stopped or err
        else:
            if isinstance(err, OrgError) and err.code in ("INVALID_FIELD", "INVALID_TYPE"):
                self.outdated.append(sobject)
            log.warning("%s not pulled: %s", sobject, type(err).__name__)
        self._into.results[sobject].error = str(err)

    def _cancel(self, pending: dict[Future[Staged], Read]) -> None:
        for job in [job for job in pending if job.cancel()]:
            self._into.results[pending.pop(job).window.sobject].error = "not read: the run was stopped"
