"""All reads of a run: staged in parallel, committed as they arrive, once more where the org changed shape meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from sfsync.config import PullConfig
from sfsync.errors import AuthError, QuotaFloor, SfsyncError
from sfsync.mapping import shipped_folder
from sfsync.moments import utc_now
from sfsync.pull.commit import Committer
from sfsync.pull.feed import Feed
from sfsync.pull.gather import Gathering, Read
from sfsync.pull.stage import Progress, stage
from sfsync.pull.survey import Survey
from sfsync.pull.window import FIRST, Window, route
from sfsync.salesforce.org import Org

PARALLEL_OBJECTS = 4


def read_all(org: Org, found: Survey, config: PullConfig, into: Committer, progress: Progress) -> SfsyncError | None:
    """Read every window into the warehouse. Returns what stopped the run, if anything did.

    An object whose fields are not the ones that were described, because one vanished or was hidden in between, is
    described again and read once more; `found.look` then holds its new window.
    """
    stopped, outdated = _read(org, found, found.look.windows, config, into, progress)
    if stopped is not None or not outdated:
        return stopped
    stopped, windows = _describe_again(found, outdated, into)
    if stopped is not None:
        return stopped
    stopped, outdated = _read(org, found, windows, config, into, progress)
    found.looker.forget(outdated)
    return stopped


def mapping_warnings(w: Window) -> list[str]:
    """Fields a shipped mapping names and this org does not show; a user's own mapping would be refused."""
    if not w.mapping.path.is_relative_to(shipped_folder()):
        return []
    return [problem.split(": ", 1)[1] for problem in w.mapping.problems({"fields": w.described})]


def _read(
    org: Org, found: Survey, windows: Sequence[Window], config: PullConfig, into: Committer, progress: Progress
) -> tuple[SfsyncError | None, list[str]]:
    """(what stopped the run, sObjects whose fields were not the ones described)."""
    look, until = found.look, found.until
    with ThreadPoolExecutor(PARALLEL_OBJECTS, thread_name_prefix="pull") as pool:
        reads = []
        for w in sorted(windows, key=lambda w: -look.counts.get(w.sobject, 0)):
            api = route(w, config.api, look.counts.get(w.sobject))
            first = look.first.get(w.sobject) if api == "rest" else None
            feed = Feed(until) if api == "bulk" and w.why == FIRST else None
            job = pool.submit(stage, org, w, api, until, found.place, utc_now(), progress, first, feed)
            reads.append(Read(w, job, feed))
        gathering = Gathering(into)
        stopped = gathering.take(reads)
    return stopped, gathering.outdated


def _describe_again(found: Survey, outdated: Sequence[str], into: Committer) -> tuple[SfsyncError | None, list[Window]]:
    """The new windows. What cannot be described stands in the results; an optional object that is gone is left out."""
    found.looker.forget(outdated)
    look, windows = found.look, []
    for old in [w for w in look.windows if w.sobject in outdated]:
        try:
            again = found.looker.look([old.mapping])
        except (QuotaFloor, AuthError) as err:
            return err, []
        except SfsyncError as err:
            into.results[old.sobject].error = str(err)
            continue
        look.take(again, old.sobject)
        if again.windows:
            windows += again.windows
            result = into.results[old.sobject]
            result.error, result.warnings = None, mapping_warnings(again.windows[0])
        else:
            del into.results[old.sobject]
    return None, windows
