"""Read one window into counted page files. Touches the org and the staging folder, not the warehouse."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from sfsync.errors import IncompleteRead, OrgError
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
JOB_GONE = ("NOT_FOUND", "INVALIDJOB", "INVALIDJOBSTATE")


@dataclass(frozen=True)
class Read:
    """One query to be read in full."""

    sobject: str
    fields: tuple[str, ...]
    soql: str
    all_rows: bool
    staging: Staging


@dataclass(frozen=True)
class Staged:
    window: Window
    api: Literal["rest", "bulk"]
    pages: tuple[Page, ...]
    until: datetime
    staging: Staging
    warnings: tuple[str, ...] = ()
    refresh: tuple[Page, ...] = ()
    """Pages of Window.refresh_soql."""


def stage(
    org: Org,
    org_id: str,
    window: Window,
    api: Literal["rest", "bulk"],
    until: datetime,
    root: Path,
    now: datetime,
    progress: Progress,
    first: Any = None,
) -> Staged:
    """Read the window. first: the body of the query's first page, when it is here already.

    Raises IncompleteRead when the org delivered another number of rows than it promised.
    """
    staging = Staging(root, org_id, window.sobject)
    main = Read(window.sobject, window.fields, window.soql, window.all_rows, staging)
    came, pages, reached, warnings = _read(org, main, api, until, now, progress, first)
    refresh: tuple[Page, ...] = ()
    if window.refresh:
        fields = ("Id", *window.refresh)
        besides = Read(window.sobject, fields, window.refresh_soql, window.all_rows, staging.besides("refresh"))
        small = window.mapping.api == "rest" or window.known_rows <= REST_ROWS
        _, refresh, _, _ = _read(org, besides, "rest" if small else "bulk", until, now, progress, None)
    return Staged(window, came, pages, reached, staging, warnings, refresh)


def _read(
    org: Org,
    read: Read,
    api: Literal["rest", "bulk"],
    until: datetime,
    now: datetime,
    progress: Progress,
    first: Any,
) -> tuple[Literal["rest", "bulk"], tuple[Page, ...], datetime, tuple[str, ...]]:
    """The pages, the way they came, the moment up to which they hold every change, and warnings."""
    resumed = read.staging.resume(read.soql, now) if api == "bulk" else None
    if resumed is not None:
        try:
            return "bulk", _bulk_pages(org, read, resumed, progress), datetime.fromisoformat(resumed.until), ()
        except OrgError as err:
            if err.code not in JOB_GONE and err.status != 409:
                raise
    manifest = Manifest(sobject=read.sobject, soql=read.soql, until=until.isoformat(), started=now.isoformat())
    read.staging.begin(manifest)
    warnings: tuple[str, ...] = ()
    if api == "bulk":
        try:
            return "bulk", _bulk_pages(org, read, manifest, progress), until, ()
        except OrgError as err:
            if err.code not in NO_BULK:
                raise
            warnings = ("the Bulk API does not offer this object; read by REST",)
    return "rest", _rest_pages(org, read, manifest, progress, first), until, warnings


def _rest_pages(org: Org, read: Read, manifest: Manifest, progress: Progress, first: Any) -> tuple[Page, ...]:
    done = 0
    for page in org.query_pages(read.soql, all_rows=read.all_rows, first=first):
        path = read.staging.path(len(manifest.pages))
        rows = write_page(path, read.fields, page.records)
        manifest.keep(str(len(manifest.pages)), path, rows, read.fields)
        done += rows
        progress(read.sobject, done, page.total)
    return read.staging.pages(manifest)


def _bulk_pages(org: Org, read: Read, manifest: Manifest, progress: Progress) -> tuple[Page, ...]:
    job = _job(org, read, manifest)
    info = job.wait()
    done = manifest.rows
    progress(read.sobject, done, info.records)
    if not info.records:
        return ()
    with ThreadPoolExecutor(PARALLEL_PAGES, thread_name_prefix=f"pages-{read.sobject}") as pool:
        waiting: dict[Future[tuple[Path, int, tuple[str, ...]]], str] = {}
        try:
            for number, ref in enumerate(job.pages(PAGE_ROWS)):
                if ref.locator not in manifest.pages:
                    waiting[pool.submit(_fetch, job, ref, read.staging.path(number), read)] = ref.locator
            for future in as_completed(waiting):
                path, rows, columns = future.result()
                manifest.keep(waiting[future], path, rows, columns)
                read.staging.save(manifest)
                done += rows
                progress(read.sobject, done, info.records)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if done != info.records:
        read.staging.clear()
        raise IncompleteRead(
            f"{read.sobject}: Bulk job {job.id} reports {info.records} rows, its {len(manifest.pages)} pages "
            f"promise {done}. Nothing was changed; pull again."
        )
    return read.staging.pages(manifest)


def _job(org: Org, read: Read, manifest: Manifest) -> BulkQuery:
    if manifest.job_id:
        return org.resume_bulk_query(manifest.job_id, manifest.api_version, soql=read.soql)
    job = org.bulk_query(read.soql, all_rows=read.all_rows)
    manifest.job_id, manifest.api_version = job.id, job.api_version
    read.staging.save(manifest)
    return job


def _fetch(job: BulkQuery, ref: PageRef, path: Path, read: Read) -> tuple[Path, int, tuple[str, ...]]:
    info = job.fetch(ref, path)
    arrived = {name.casefold() for name in info.columns}
    missing = [name for name in read.fields if name.casefold() not in arrived]
    extra = arrived - {name.casefold() for name in read.fields}
    if missing or extra:
        raise IncompleteRead(
            f"{read.sobject}: a Bulk page came with other columns than asked "
            f"(missing: {', '.join(missing) or 'none'}; not asked for: {', '.join(sorted(extra)) or 'none'}). "
            "Nothing was changed; pull again."
        )
    return path, info.rows, tuple(info.columns)
