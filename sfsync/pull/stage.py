"""Read one window into counted page files. Touches the org and the staging folder, not the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from sfsync.errors import AuthError, IncompleteRead, OrgError, QuotaFloor, RetryableOrgError
from sfsync.pull.feed import Feed
from sfsync.pull.staging import Manifest, Staging, write_page
from sfsync.pull.window import REST_ROWS, Window
from sfsync.salesforce.bulk2 import BulkQuery, PageRef
from sfsync.salesforce.org import Org
from sfsync.warehouse.mirror import Page

Progress = Callable[[str, int, int | None], None]
"""Told (what, done, of how many): of how many is None while unknown."""

PAGE_ROWS = 50_000
PARALLEL_PAGES = 3
NO_BULK = ("INVALIDENTITY", "FeatureNotEnabled", "FEATURENOTENABLED")
GONE = ("NOT_FOUND", "INVALID_QUERY_LOCATOR")
"""The org no longer has the cursor or job that we were reading from."""
PASSING = (RetryableOrgError, AuthError, QuotaFloor, IncompleteRead)
"""Another run may go on with the same job. After any other refusal the job is of no use."""
Api = Literal["rest", "bulk"]


class Mismatch(IncompleteRead):
    """The job itself does not add up; asking it again would not help."""


@dataclass(frozen=True)
class Read:
    """One query to be read in full."""

    sobject: str
    fields: tuple[str, ...]
    soql: str
    all_rows: bool
    staging: Staging
    until: datetime
    """The org's clock before the query."""
    now: datetime
    progress: Progress
    feed: Feed | None = None
    """Gets each page as soon as it is here."""

    def keep(self, manifest: Manifest, locator: str, page: Page) -> None:
        manifest.keep(locator, page.path, page.rows, page.columns)
        if self.feed is not None:
            self.feed.put(page)


@dataclass(frozen=True)
class Came:
    """All pages of one read."""

    api: Api
    pages: tuple[Page, ...]
    until: datetime
    """They hold every change before it."""
    warnings: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return sum(page.rows for page in self.pages)


@dataclass(frozen=True)
class Staged:
    window: Window
    main: Came
    staging: Staging
    refresh: Came | None = None
    """What Window.refresh_soql brought."""


def stage(
    org: Org,
    window: Window,
    api: Api,
    until: datetime,
    place: Path,
    now: datetime,
    progress: Progress,
    first: Any = None,
    feed: Feed | None = None,
) -> Staged:
    """Read the window into a folder of its own below `place`.

    first: the body of the query's first page, when it is here already.

    Raises IncompleteRead when the org delivered another number of rows than it promised. `feed` is ended when all is
    here, and spoilt when it is not.
    """
    staging = Staging(place, window.sobject)
    read = Read(
        window.sobject, window.fields, window.soql, window.all_rows, staging, until, now, progress, feed
    )  # fmt: skip
    try:
        came = _read(org, read, api, first)
        refresh = _refresh(org, window, staging, until, now, progress)
        if feed is not None:
            feed.end()
    finally:
        if feed is not None:
            feed.spoil()
    return Staged(window, came, staging, refresh)


def _refresh(
    org: Org, window: Window, staging: Staging, until: datetime, now: datetime, progress: Progress
) -> Came | None:
    if not window.refresh:
        return None
    fields, besides = ("Id", *window.refresh), staging.besides("refresh")
    read = Read(window.sobject, fields, window.refresh_soql, window.all_rows, besides, until, now, progress)
    small = window.mapping.api == "rest" or window.known_rows <= REST_ROWS
    return _read(org, read, "rest" if small else "bulk", None)


def _read(org: Org, read: Read, api: Api, first: Any) -> Came:
    """Go on where an earlier run stopped, or begin. What ended in the middle is begun anew, once."""
    resumed = read.staging.resume(read.soql, read.now) if api == "bulk" else None
    try:
        if resumed is not None:
            return _came(read, "bulk", _bulk_pages(org, read, resumed), resumed)
        return _begin(org, read, api, first)
    except Mismatch:
        read.staging.clear()
        raise
    except PASSING:
        raise
    except OrgError as err:
        read.staging.clear()
        if resumed is None and err.code not in GONE:
            raise
    if read.feed is not None:
        read.feed.spoil()
    return _begin(org, read, api, None)


def _begin(org: Org, read: Read, api: Api, first: Any) -> Came:
    manifest = Manifest(
        sobject=read.sobject, soql=read.soql, until=read.until.isoformat(), started=read.now.isoformat()
    )
    read.staging.begin()
    warnings: tuple[str, ...] = ()
    if api == "bulk":
        try:
            return _came(read, "bulk", _bulk_pages(org, read, manifest), manifest)
        except OrgError as err:
            if err.code not in NO_BULK:
                raise
            warnings = ("the Bulk API does not offer this object; read by REST",)
    return _came(read, "rest", _rest_pages(org, read, manifest, first), manifest, warnings)


def _came(read: Read, api: Api, pages: tuple[Page, ...], manifest: Manifest, warnings: tuple[str, ...] = ()) -> Came:
    return Came(api, pages, datetime.fromisoformat(manifest.until), warnings)


def _rest_pages(org: Org, read: Read, manifest: Manifest, first: Any) -> tuple[Page, ...]:
    done = 0
    for page in org.query_pages(read.soql, all_rows=read.all_rows, first=first):
        number = len(manifest.pages)
        path = read.staging.path(number)
        rows = write_page(path, read.fields, page.records)
        read.keep(manifest, str(number), Page(path, rows, read.fields))
        done += rows
        read.progress(read.sobject, done, page.total)
    return read.staging.pages(manifest)


def _bulk_pages(org: Org, read: Read, manifest: Manifest) -> tuple[Page, ...]:
    job = _job(org, read, manifest)
    info = job.wait()
    done = manifest.rows
    if read.feed is not None:
        read.feed.until = datetime.fromisoformat(manifest.until)
        for page in read.staging.pages(manifest):
            read.feed.put(page)
    read.progress(read.sobject, done, info.records)
    if not info.records:
        return ()
    with ThreadPoolExecutor(PARALLEL_PAGES, thread_name_prefix=f"pages-{read.sobject}") as pool:
        waiting: dict[Future[Page], str] = {}
        try:
            for number, ref in enumerate(job.pages(PAGE_ROWS)):
                if ref.locator not in manifest.pages:
                    waiting[pool.submit(_fetch, job, ref, read.staging.path(number), read)] = ref.locator
            for future in as_completed(waiting):
                page = future.result()
                read.keep(manifest, waiting[future], page)
                read.staging.save(manifest)
                done += page.rows
                read.progress(read.sobject, done, info.records)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            _keep_arrived(read, manifest, waiting)
            raise
    if done != info.records:
        raise Mismatch(
            f"{read.sobject}: Bulk job {job.id} reports {info.records} rows, its {len(manifest.pages)} pages "
            f"promise {done}. Nothing was changed; pull again."
        )
    return read.staging.pages(manifest)


def _keep_arrived(read: Read, manifest: Manifest, waiting: Mapping[Future[Page], str]) -> None:
    """Pages that came while another one failed are not fetched again by the next run."""
    for future, locator in waiting.items():
        if locator not in manifest.pages and not future.cancelled() and future.exception() is None:
            page = future.result()
            manifest.keep(locator, page.path, page.rows, page.columns)
    read.staging.save(manifest)


def _job(org: Org, read: Read, manifest: Manifest) -> BulkQuery:
    if manifest.job_id:
        operation = "queryAll" if read.all_rows else "query"
        return org.resume_bulk_query(manifest.job_id, manifest.api_version, soql=read.soql, operation=operation)
    job = org.bulk_query(read.soql, all_rows=read.all_rows)
    # From here on a crash costs a page, not the job.
    manifest.job_id, manifest.api_version = job.id, job.api_version
    read.staging.save(manifest)
    return job


def _fetch(job: BulkQuery, ref: PageRef, path: Path, read: Read) -> Page:
    info = job.fetch(ref, path)
    arrived = {name.casefold() for name in info.columns}
    missing = [name for name in read.fields if name.casefold() not in arrived]
    extra = arrived - {name.casefold() for name in read.fields}
    if missing or extra:
        raise Mismatch(
            f"{read.sobject}: a Bulk page came with other columns than asked "
            f"(missing: {', '.join(missing) or 'none'}; not asked for: {', '.join(sorted(extra)) or 'none'}). "
            "Nothing was changed; pull again."
        )
    return Page(path, info.rows, tuple(info.columns))
