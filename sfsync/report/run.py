"""The report as a verb: the rules evaluated when they have to be, the file written, the run kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sfsync.config import Config
from sfsync.errors import WarehouseError
from sfsync.moments import local_day
from sfsync.report.build import SECTIONS, Progress, check_options
from sfsync.report.build import report as make
from sfsync.report.content import Report
from sfsync.report.stored import Stored
from sfsync.rules import load_rules
from sfsync.runs import Run, new_run, recorded
from sfsync.warehouse import Warehouse

if TYPE_CHECKING:
    from sfsync.insight.source import Settings

Check = Callable[[], object]


def run_report(
    config: Config,
    warehouse: Warehouse,
    *,
    check: Check,
    checking: bool | None = None,
    out: str | Path | None = "report.html",
    client: str | None = None,
    logo: str | Path | None = None,
    sections: Sequence[str] = (),
    rows: int = 200,
    as_of: date | None = None,
    settings: Settings | None = None,
    progress: Progress = lambda what, done, total: None,
    run: Run | None = None,
) -> Report:
    """Write what the mirror and the checks say into one file; returns the Report, whose `files` lie beside `out`.

    check: evaluates the rules and keeps their findings; called before, when `checking` says so or, with None, when the
    mirror is newer than the last check. out: *.html, *.xlsx or *.json; None writes nothing. client, logo, sections: the
    config's `report:` where not given, and all sections where it names none. rows: the longest list shown. as_of: the
    day in the org's time zone, today without. The run's `exit_code` is 0, or 3 when a part broke and says so in its
    place; it is recorded with the score, for the next report to compare with. Asks the org nothing.

    Raises InputError for a suffix, section or logo that cannot be used, before anything is evaluated; WarehouseError
    before the first pull.
    """
    path, image = None if out is None else Path(out), config.report.logo if logo is None else Path(logo)
    sections = sections or config.report.sections or SECTIONS
    check_options(path, sections, image)
    run = run or new_run("report")
    if checking or (checking is None and is_stale(warehouse)):
        check()
        later = new_run(run.command)  # the report sees what this check found as past
        run.run_id, run.started_at = later.run_id, later.started_at
    with recorded(run, warehouse) as record:
        with warehouse.read() as con:
            meta = warehouse.meta(con)
        if "org_id" not in meta:
            raise WarehouseError("the warehouse is empty. Run `sfsync pull` first.")
        made = make(
            warehouse,
            rules=load_rules(config.mappings),
            config=config.rules,
            now=run.started_at,
            as_of=as_of or local_day(run.started_at, meta.get("time_zone", "UTC")),
            out=path,
            client=client or config.report.client,
            logo=image,
            sections=sections,
            rows=rows,
            settings=settings,
            progress=progress,
        )
        run.exit_code = 3 if made.failed else 0
        record.update(made.summary())
    return made


def is_stale(warehouse: Warehouse) -> bool:
    """Whether the mirror was pulled after the last check, or nothing was ever checked."""
    if not warehouse.exists:
        return False
    with warehouse.read() as con:
        stored = Stored(warehouse, con)
        pulled, checked = stored.last_run("pull"), stored.last_run("check")
    return checked is None or (pulled is not None and pulled[0] > checked[0])
