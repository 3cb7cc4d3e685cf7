"""Bulk result pages: made when asked for, gzipped, the next one meanwhile, and few kept."""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from sfsync.practice.gzipped import packed

if TYPE_CHECKING:
    from sfsync.practice.results import BulkResult
    from sfsync.practice.site import Site

KEPT = 6
"""Page files on disk per job; parallel readers have up to five in hand."""


@dataclass(frozen=True)
class Page:
    path: Path
    """A gzip file."""
    size: int
    """Of the CSV in it, in bytes."""


@dataclass(frozen=True)
class OpenPage:
    file: BinaryIO
    """Gzipped; the reader closes it."""
    size: int
    """In bytes when unpacked."""


class Pages:
    """The result of one job as gzipped CSV files of one page each. Threads may share it."""

    def __init__(self, site: Site, job_id: str, result: BulkResult):
        self._site = site
        self._job_id = job_id
        self._result = result
        self._lock = threading.Lock()
        self._files: OrderedDict[tuple[int, int], Future[Page]] = OrderedDict()
        self._counted: set[tuple[int, int]] = set()

    @property
    def total(self) -> int:
        return self._result.total

    def rows(self, offset: int, limit: int) -> int:
        return max(0, min(limit, self.total - offset))

    def open(self, offset: int, limit: int) -> OpenPage:
        """A page, header first. The following page is begun in the background."""
        page = self._page(offset, limit)
        following = offset + limit
        if following < self.total:
            self._site.jobs.submit(lambda: self._ahead(following, limit))
        return page

    def open_short(self, offset: int, limit: int) -> OpenPage:
        """A page of any size that is not kept."""
        return self._passing(f"short-{offset}-{limit}", self._result.csv(offset, limit))

    def open_narrow(self, offset: int, limit: int, delimiter: str, newline: str) -> OpenPage:
        """A page without its last column, not kept."""
        pieces = _without_last(self._result.csv(offset, limit), delimiter, newline)
        return self._passing(f"narrow-{offset}-{limit}", pieces)

    def _passing(self, name: str, pieces: Iterable[bytes]) -> OpenPage:
        page = _write(self._site.folder / f"{self._job_id}-{name}.csv.gz", pieces)
        file = page.path.open("rb")
        page.path.unlink()
        return OpenPage(file, page.size)

    def _ahead(self, offset: int, limit: int) -> None:
        if not self._site.stopping.is_set():
            _, mine = self._claim(offset, limit)
            if mine is not None:
                self._make(mine, offset, limit)

    def _page(self, offset: int, limit: int) -> OpenPage:
        while True:
            known, mine = self._claim(offset, limit)
            if mine is not None:
                self._make(mine, offset, limit)
            page = known.result()
            try:
                return OpenPage(page.path.open("rb"), page.size)
            except FileNotFoundError:
                # Another reader's page pushed it out between the two steps: make it again.
                continue

    def _claim(self, offset: int, limit: int) -> tuple[Future[Page], Future[Page] | None]:
        """The page's future, and the same once more when the caller has to fulfil it."""
        with self._lock:
            known = self._files.get((offset, limit))
            if known is not None and not (known.done() and (known.exception() or not known.result().path.exists())):
                self._files.move_to_end((offset, limit))
                return known, None
            fresh: Future[Page] = Future()
            self._files[offset, limit] = fresh
            while len(self._files) > KEPT:
                _, oldest = self._files.popitem(last=False)
                oldest.add_done_callback(_drop)
            return fresh, fresh

    def _make(self, future: Future[Page], offset: int, limit: int) -> None:
        path = self._site.folder / f"{self._job_id}-{offset}-{limit}.csv.gz"
        try:
            made = _write(path.with_suffix(f".{id(future):x}"), self._result.csv(offset, limit))
            page = Page(made.path.replace(path), made.size)
        except BaseException as err:
            future.set_exception(err)
            raise
        with self._lock:
            if (offset, limit) not in self._counted:
                self._counted.add((offset, limit))
                self._site.quota.add("query-kilobytes", page.size // 1024)
        future.set_result(page)

    def close(self) -> None:
        with self._lock:
            files, self._files = list(self._files.values()), OrderedDict()
        for future in files:
            future.add_done_callback(_drop)
        self._result.close()


def _write(path: Path, pieces: Iterable[bytes]) -> Page:
    size = 0

    def counted() -> Iterator[bytes]:
        nonlocal size
        for piece in pieces:
            size += len(piece)
            yield piece

    with path.open("wb") as file:
        for piece in packed(counted()):
            file.write(piece)
    return Page(path, size)


def _drop(future: Future[Page]) -> None:
    if future.exception() is None:
        future.result().path.unlink(missing_ok=True)


def _without_last(pieces: Iterable[bytes], delimiter: str, newline: str) -> Iterator[bytes]:
    text = io.StringIO(b"".join(pieces).decode(), newline="")
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL)
    writer.writerows(row[:-1] for row in csv.reader(text, delimiter=delimiter, strict=True))
    yield out.getvalue().encode()


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
