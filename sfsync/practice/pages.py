"""Bulk result pages: made when asked for, the next one meanwhile, and few kept."""

from __future__ import annotations

import base64
import binascii
import hashlib
import threading
from collections import OrderedDict
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from sfsync.practice.results import BulkResult
    from sfsync.practice.site import Site

KEPT = 6
"""Page files on disk per job; parallel readers have up to five in hand."""


class Pages:
    """The result of one job as CSV files of one page each. Threads may share it."""

    def __init__(self, site: Site, job_id: str, result: BulkResult, delimiter: str, newline: str):
        self._site = site
        self._job_id = job_id
        self._result = result
        self._delimiter = delimiter
        self._newline = newline
        self._lock = threading.Lock()
        self._files: OrderedDict[tuple[int, int], Future[Path]] = OrderedDict()
        self._counted: set[tuple[int, int]] = set()

    @property
    def total(self) -> int:
        return self._result.total

    def rows(self, offset: int, limit: int) -> int:
        return max(0, min(limit, self.total - offset))

    def open(self, offset: int, limit: int) -> BinaryIO:
        """A page, header first, open for reading. The following page is begun in the background."""
        file = self._page(offset, limit)
        following = offset + limit
        if following < self.total:
            self._site.jobs.submit(lambda: self._ahead(following, limit))
        return file

    def open_short(self, offset: int, limit: int) -> BinaryIO:
        """A page of any size that is not kept."""
        path = self._site.folder / f"{self._job_id}-short-{offset}-{limit}.csv"
        self._write(path, offset, limit)
        file = path.open("rb")
        path.unlink()
        return file

    def open_narrow(self, offset: int, limit: int) -> BinaryIO:
        """A page without its last column, not kept."""
        path = self._site.folder / f"{self._job_id}-narrow-{offset}-{limit}.csv"
        self._result.write_csv(path, offset, limit, delimiter=self._delimiter, line_ending=self._newline, leave_out=1)
        file = path.open("rb")
        path.unlink()
        return file

    def _ahead(self, offset: int, limit: int) -> None:
        if not self._site.stopping.is_set():
            _, mine = self._claim(offset, limit)
            if mine is not None:
                self._make(mine, offset, limit)

    def _page(self, offset: int, limit: int) -> BinaryIO:
        while True:
            path, mine = self._claim(offset, limit)
            if mine is not None:
                self._make(mine, offset, limit)
            try:
                return path.result().open("rb")
            except FileNotFoundError:
                # Another reader's page pushed it out between the two steps: make it again.
                continue

    def _claim(self, offset: int, limit: int) -> tuple[Future[Path], Future[Path] | None]:
        """The page's future, and the same once more when the caller has to fulfil it."""
        with self._lock:
            known = self._files.get((offset, limit))
            if known is not None and not (known.done() and (known.exception() or not known.result().exists())):
                self._files.move_to_end((offset, limit))
                return known, None
            fresh: Future[Path] = Future()
            self._files[offset, limit] = fresh
            while len(self._files) > KEPT:
                _, oldest = self._files.popitem(last=False)
                oldest.add_done_callback(_drop)
            return fresh, fresh

    def _make(self, future: Future[Path], offset: int, limit: int) -> None:
        path = self._site.folder / f"{self._job_id}-{offset}-{limit}.csv"
        part = path.with_suffix(f".{id(future):x}")
        try:
            self._write(part, offset, limit)
            part.replace(path)
        except BaseException as err:
            future.set_exception(err)
            raise
        with self._lock:
            if (offset, limit) not in self._counted:
                self._counted.add((offset, limit))
                self._site.quota.add("query-kilobytes", path.stat().st_size // 1024)
        future.set_result(path)

    def _write(self, path: Path, offset: int, limit: int) -> None:
        self._result.write_csv(path, offset, limit, delimiter=self._delimiter, line_ending=self._newline)

    def close(self) -> None:
        with self._lock:
            files, self._files = list(self._files.values()), OrderedDict()
        for future in files:
            future.add_done_callback(_drop)
        self._result.close()


def _drop(future: Future[Path]) -> None:
    if future.exception() is None:
        future.result().unlink(missing_ok=True)


def write_locator(job_id: str, offset: int, limit: int = 0) -> str:
    """An opaque position. `limit` is the size of the page it begins, 0 when the reader chooses."""
    text = f"{offset}:{limit}" if limit else str(offset)
    packed = base64.urlsafe_b64encode(f"{text}:{_check(job_id, text)}".encode())
    return packed.decode().rstrip("=")


def read_locator(job_id: str, locator: str) -> tuple[int, int] | None:
    """Offset and limit, or None for a locator that was not given out for this job."""
    try:
        padded = locator + "=" * (-len(locator) % 4)
        text, _, check = base64.urlsafe_b64decode(padded.encode()).decode().rpartition(":")
    except (binascii.Error, ValueError):
        return None
    if check != _check(job_id, text):
        return None
    offset, _, limit = text.partition(":")
    return int(offset), int(limit or 0)


def _check(job_id: str, text: str) -> str:
    return hashlib.sha256(f"{job_id}:{text}".encode()).hexdigest()[:4]
