"""The verbs of sfsync as functions. Each does what its command does and returns what that prints.

    from sfsync import api
    result = api.pull("config.yaml")
    frame = api.query("config.yaml", "select Status, count(*) n from live.Lead group by Status")

`config` is a path, a loaded Config, or None for $SFSYNC_CONFIG and then ./config.yaml. Errors are those of
sfsync.errors; nothing is printed, progress goes to the `progress` callback where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfsync.config import Config, load_config
from sfsync.errors import ConfigError, InputError, WarehouseError
from sfsync.moments import local_day
from sfsync.runs import Run as Run
from sfsync.runs import new_run as new_run
from sfsync.runs import recorded

if TYPE_CHECKING:
    import pandas as pd

    from sfsync.dedupe.run import DedupeResult
    from sfsync.plan.plan import Plan
    from sfsync.pull import PullResult
    from sfsync.pull.cost import Cost
    from sfsync.push.result import PushResult
    from sfsync.report.content import Report
    from sfsync.rules import CheckResult
    from sfsync.rules.waivers import Waiver
    from sfsync.salesforce.org import Org
    from sfsync.verify import VerifyResult
    from sfsync.warehouse import Warehouse

Progress = Callable[[str, int, int | None], None]
Given = Config | str | Path | None


def _silent(what: str, done: int, total: int | None) -> None:
    pass


def configured(config: Given) -> Config:
    return config if isinstance(config, Config) else load_config(config)


def validated(config: Given) -> Config:
    """The config, what it says about rules too: that stops a run before it begins, not after the pull."""
    from sfsync.rules.validate import validate

    loaded = configured(config)
    validate(loaded.rules, loaded.mappings)
    return loaded


def open_warehouse(config: Config, on_wait: Callable[[str], None] | None = None) -> Warehouse:
    from sfsync.warehouse import Warehouse

    return Warehouse(config.warehouse, on_wait=on_wait)


def connect(config: Config) -> Org:
    from sfsync.salesforce.org import Org

    return Org.connect(config.org, config.quota)


def pull(
    config: Given = None,
    *,
    objects: Sequence[str] = (),
    full: bool = False,
    since: datetime | None = None,
    sweep: bool = False,
    allow_large: bool = False,
    progress: Progress = _silent,
    run: Run | None = None,
) -> PullResult:
    """Copy what changed in the org into the warehouse, then compute the normalised values of the changed rows.

    Every `pull.reconcile_every` (or with `sweep`) all Ids are compared with the org besides: purged rows and rows this
    user may no longer see leave no trace an increment could follow. allow_large: mark them as gone even if they are
    many. since: read again everything changed at or after this moment (aware), wherever the cursors stand.
    """
    from sfsync.mapping import closure, load_mappings
    from sfsync.pull import pull as pull_objects
    from sfsync.pull.reconcile import reconcile

    if since is not None and (not isinstance(since, datetime) or since.tzinfo is None):
        raise InputError(f"since={since!r} is no moment: give an aware datetime, as datetime(2026, 1, 31, tzinfo=UTC).")
    config, run, objects = validated(config), run or new_run("pull"), _several(objects)
    mappings = closure([*(objects or config.objects), "Organization"], load_mappings(config.mappings))
    warehouse = open_warehouse(config)
    with recorded(run, warehouse) as record:
        with connect(config) as org:
            try:
                result = pull_objects(
                    org,
                    warehouse,
                    mappings,
                    config.pull,
                    run_id=run.run_id,
                    full=full,
                    asked=objects,
                    since=since,
                    progress=progress,
                )
                reconcile(
                    org,
                    warehouse,
                    mappings,
                    config.pull,
                    result,
                    run_id=run.run_id,
                    asked=sweep,
                    allow_large=allow_large,
                    progress=progress,
                )
            finally:
                run.spent(org)
        run.exit_code = result.exit_code
        _refresh(warehouse, config, progress)
        record.update(result.as_json())
    return result


def pull_cost(config: Given = None, *, objects: Sequence[str] = (), full: bool = False, run: Run | None = None) -> Cost:
    """What `pull` would cost now: calls, bytes, seconds, per object and in all. Reads no rows, writes nothing."""
    from sfsync.mapping import closure, load_mappings
    from sfsync.pull.cost import dry_run

    config, run, objects = validated(config), run or new_run("pull"), _several(objects)
    mappings = closure([*(objects or config.objects), "Organization"], load_mappings(config.mappings))
    with connect(config) as org:
        try:
            return dry_run(
                org, open_warehouse(config), mappings, config.pull, config.quota, full=full, asked=list(objects)
            )
        finally:
            run.spent(org)


def verify(
    config: Given = None,
    *,
    objects: Sequence[str] = (),
    ids: bool = False,
    sample: int = 0,
    seed: int = 0,
    repair: bool = False,
    allow_large: bool = False,
    progress: Progress = _silent,
    on_wait: Callable[[str], None] | None = None,
    run: Run | None = None,
) -> VerifyResult:
    """Compare the mirror with what the org held at the last pull; `repair` brings differing rows up to it."""
    from sfsync.mapping import closure, load_mappings
    from sfsync.verify import verify as verify_mirror

    config, run = validated(config), run or new_run("verify")
    mappings = closure(_several(objects) or config.objects, load_mappings(config.mappings))
    warehouse = open_warehouse(config, on_wait)
    with recorded(run, warehouse) as record, connect(config) as org:
        try:
            result = verify_mirror(
                org,
                warehouse,
                mappings,
                staging=config.pull.staging,
                run_id=run.run_id,
                ids=ids,
                sample=sample,
                seed=seed,
                repair=repair,
                allow_large=allow_large,
                progress=progress,
            )
        finally:
            run.spent(org)
        run.exit_code = result.exit_code
        record.update(result.summary())
    return result


def check(
    config: Given = None,
    *,
    rules: Sequence[str] = (),
    as_of: date | None = None,
    profile: str | None = None,
    since: str | date | None = None,
    fail_on: str = "info",
    progress: Progress = _silent,
    run: Run | None = None,
) -> CheckResult:
    """Evaluate the rules on the mirror and keep the findings with their life: first seen, last seen, resolved.

    profile: only the rules of this profile that are on, whatever profile the config names; findings of the others stay
    as they are. as_of: the day in the org's time zone; another than today is a replay: the findings are told, and kept
    nowhere. since: a day, an aware moment or a run_id; only findings first seen since are returned and counted.
    fail_on: what makes `exit_code` 3: error, warning, info (any finding), new-error, new or never; waived ones never
    count. Raises ConfigError or InputError for an unknown rule, profile, run or fail_on, before anything is evaluated.
    """
    from sfsync.rules import check as check_rules
    from sfsync.rules import load_rules
    from sfsync.rules.findings import moment_since
    from sfsync.rules.result import CheckResult
    from sfsync.rules.settings import of_profile

    config, run = validated(config), run or new_run("check")
    known = load_rules(config.mappings)
    only = (
        [rule.code for rule in _named(known, rules)]
        if profile is None
        else of_profile(known, profile, _several(rules), config.rules)
    )
    CheckResult().failing_on(fail_on)
    warehouse = open_warehouse(config)
    with recorded(run, warehouse) as record:
        zone = read_meta(warehouse)["time_zone"]
        first = None
        if since is not None:
            with warehouse.read() as con:
                first = moment_since(con, since, zone)
        _refresh(warehouse, config, progress)
        today = local_day(run.started_at, zone)
        result = check_rules(
            warehouse,
            known,
            only=only,
            as_of=as_of or today,
            replay=as_of not in (None, today),
            now=run.started_at,
            run_id=run.run_id,
            config=config.rules,
            time_zone=zone,
        ).failing_on(fail_on)
        if first is not None:
            result = result.seen_since(first)
        run.exit_code = result.exit_code
        record.update({"rules": result.summary()["rules"]})
    return result


def waive(
    config: Given = None,
    *,
    rule: str,
    ids: Sequence[str] = (),
    kind: str | None = None,
    reason: str,
    until: date | None = None,
    who: str = "",
    run: Run | None = None,
) -> list[Waiver]:
    """Let findings of a rule stay, for a reason: those of the Ids, or all without any; see sfsync.rules.waivers.waive.

    until: the last day the waiver holds, in the org's time zone. Raises ConfigError for an unknown rule, kind or Id.
    """
    from sfsync.rules import load_rules
    from sfsync.rules.waivers import waive as waive_findings

    config, run = configured(config), run or new_run("check waive")
    [found] = _named(load_rules(config.mappings), [rule])
    warehouse = open_warehouse(config)
    with recorded(run, warehouse) as record:
        today = local_day(run.started_at, read_meta(warehouse)["time_zone"])
        made = waive_findings(
            warehouse,
            found,
            ids=_several(ids),
            kind=kind,
            reason=reason,
            until=until,
            who=who,
            now=run.started_at,
            today=today,
        )
        record.update({"waivers": [w.as_json() for w in made]})
    return made


def unwaive(
    config: Given = None,
    *,
    rule: str,
    ids: Sequence[str] = (),
    kind: str | None = None,
    run: Run | None = None,
) -> list[Waiver]:
    """Take back the waivers of a rule that name one of the Ids and the kind, where given; returns them."""
    from sfsync.rules.waivers import unwaive as take_back

    config, run = configured(config), run or new_run("check unwaive")
    warehouse = open_warehouse(config)
    with recorded(run, warehouse) as record:
        today = local_day(run.started_at, read_meta(warehouse)["time_zone"])
        gone = take_back(warehouse, rule, ids=_several(ids), kind=kind, today=today)
        record.update({"waivers": [w.as_json() for w in gone]})
    return gone


def waivers(config: Given = None) -> list[dict[str, Any]]:
    """Every waiver: its own keys, `expired`, and `findings`, the open ones it covers; by rule, sObject, Id, kind."""
    from sfsync.rules.waivers import covered, read_waivers

    warehouse = open_warehouse(configured(config))
    today = local_day(datetime.now(UTC), read_meta(warehouse)["time_zone"])
    with warehouse.read() as con:
        counts = covered(con)
        found = read_waivers(con)
    return [{**w.as_json(), "expired": not w.holds(today), "findings": counts.get(w.key, 0)} for w in found]


def report(
    config: Given = None,
    *,
    out: str | Path | None = "report.html",
    client: str | None = None,
    logo: str | Path | None = None,
    sections: Sequence[str] = (),
    rows: int = 200,
    as_of: date | None = None,
    checking: bool | None = None,
    progress: Progress = _silent,
    on_wait: Callable[[str], None] | None = None,
    run: Run | None = None,
) -> Report:
    """Write what the mirror and the checks say into one file, `*.html`, `*.xlsx` or `*.json`; asks the org nothing.

    client, logo, sections: those of the config's `report:` when not given; sections are some of sfsync.report.SECTIONS,
    all when neither names any. rows: the longest list shown; what is cut lies in CSV files beside `out`, named by the
    Report's `files`. checking: whether to evaluate the rules before; None: when the mirror is newer than the last
    check. out: None writes nothing. Raises as sfsync.report.run_report does.
    """
    from sfsync.insight.configured import shared_settings
    from sfsync.insight.source import Settings
    from sfsync.report import run_report

    config = validated(config)
    return run_report(
        config,
        open_warehouse(config, on_wait),
        check=lambda: check(config, progress=progress),
        checking=checking,
        out=out,
        client=client,
        logo=logo,
        sections=sections,
        rows=rows,
        as_of=as_of,
        settings=Settings(**shared_settings(config.rules)),
        progress=progress,
        run=run,
    )


def dedupe(config: Given = None, *, progress: Progress = _silent, run: Run | None = None) -> DedupeResult:
    """Find the leads that are one real person, and which record of each would survive."""
    from sfsync.dedupe.run import dedupe as find_clusters

    config, run = validated(config), run or new_run("dedupe")
    warehouse = open_warehouse(config)
    with recorded(run, warehouse) as record:
        read_meta(warehouse)
        _refresh(warehouse, config, progress)
        result = find_clusters(warehouse, run_id=run.run_id)
        run.exit_code = 3 if result.clusters else 0
        record.update({"counts": result.counts})
    return result


def plan(
    config: Given = None,
    *,
    out: str | Path = "plan.jsonl",
    assign_leads: bool = False,
    model: str | Path | None = None,
    allow_blank_out: bool = False,
    run: Run | None = None,
) -> Plan:
    """Turn open findings and clusters into a plan file. Nothing is written to the org.

    assign_leads: also propose an owner for every lead that waits for one, by the lead model (`model`, else the one in
    the mappings folder). allow_blank_out: take fixes that empty a filled field. The plan returned reads its changes
    from the file.
    """
    from sfsync.leads.plan import distribution, wanted
    from sfsync.plan.build import build_file
    from sfsync.plan.guards import Guards

    config, run = validated(config), run or new_run("plan")
    warehouse = open_warehouse(config)
    with recorded(run, warehouse) as record:
        meta = read_meta(warehouse)
        given = distribution(warehouse, config, meta, run.started_at, model) if assign_leads else ()
        guards = Guards.of(config.push, allow_blank_out=allow_blank_out)
        made = build_file(warehouse, wanted(given, meta, run.started_at, guards, findings=True), Path(out))
        record.update({"plan": str(out), "digest": made.digest, "changes": made.counts})
    return made


def push(
    config: Given = None,
    plan_file: str | Path = "plan.jsonl",
    *,
    accept_assisted: bool = False,
    allow_large: bool = False,
    progress: Progress = _silent,
    run: Run | None = None,
) -> PushResult:
    """Write the accepted changes of a plan to the org, each checked just before and journalled."""
    from sfsync.leads.record import record as record_assignments
    from sfsync.plan.file import read_plan
    from sfsync.push.run import push as push_changes

    config, run = validated(config), run or new_run("push")
    made = read_plan(Path(plan_file))
    warehouse = open_warehouse(config)
    with recorded(run, warehouse) as record:
        with connect(config) as org:
            try:
                result = push_changes(
                    org,
                    warehouse,
                    made,
                    plan_file=str(plan_file),
                    config=config.push,
                    run_id=run.run_id,
                    accept_assisted=accept_assisted,
                    allow_large=allow_large,
                    progress=lambda done, total: progress("push", done, total),
                )
            finally:
                run.spent(org)
                with warehouse.write() as con:
                    record_assignments(con, warehouse, made)
        run.exit_code = 3 if result.failures else 0
        record.update({"outcomes": result.as_json()["outcomes"]})
    return result


def query(config: Given, sql: str) -> pd.DataFrame:
    """Run one read-only SELECT on the warehouse. Raises InputError for anything the database refuses."""
    import pandas as pd

    columns, rows = query_rows(config, sql)
    return pd.DataFrame(rows, columns=columns)


def query_rows(config: Given, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """(names of the columns, rows) of one SELECT. Raises InputError for anything else."""
    from sfsync.query import run_query

    return run_query(open_warehouse(configured(config)), sql)


def status(config: Given = None) -> dict[str, Any]:
    """What the warehouse holds and how fresh it is; the keys are those of `sfsync status --format json`."""
    from sfsync.status import read_status

    return read_status(open_warehouse(configured(config)))


def read_meta(warehouse: Warehouse) -> dict[str, str]:
    """The org this warehouse mirrors. Raises WarehouseError before the first pull."""
    with warehouse.read() as con:
        meta = warehouse.meta(con)
    if "org_id" not in meta:
        raise WarehouseError("the warehouse is empty. Run `sfsync pull` first.")
    return meta


def _refresh(warehouse: Warehouse, config: Config, progress: Progress) -> None:
    from sfsync.normalise.lists import load_lists
    from sfsync.normalise.table import refresh_all
    from sfsync.rules.settings import phone_country

    lists = load_lists(config.mappings)
    country = phone_country(config.rules)
    refresh_all(warehouse, lists.calling_from(country) if country else lists, progress)


def _several(names: Sequence[str]) -> list[str]:
    """One name alone is meant as a list of one, not as its letters."""
    return [names] if isinstance(names, str) else list(names)


def _named(rules: Sequence[Any], codes: Sequence[str]) -> list[Any]:
    from sfsync.errors import nearest

    codes = _several(codes)
    known = {rule.code: rule for rule in rules}
    unknown = [code for code in codes if code.upper() not in known]
    if unknown:
        raise ConfigError([f'no rule "{code}".{nearest(code, list(known))}' for code in unknown])
    return [known[code.upper()] for code in codes]
