"""Run rules over the warehouse and keep the life of their findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa

from sfsync.config import RulesConfig
from sfsync.rules.catalog import Catalog
from sfsync.rules.evaluate import Evaluation, evaluate
from sfsync.rules.findings import record
from sfsync.rules.replay import Replayed, staged
from sfsync.rules.result import CheckResult, Count, Findings, RuleRun, Stored
from sfsync.rules.rule import Rule
from sfsync.rules.settings import activate
from sfsync.rules.sql import Clock
from sfsync.rules.stage import Stage
from sfsync.rules.waivers import Waivers, read_waivers
from sfsync.warehouse import Warehouse


def check(
    warehouse: Warehouse,
    rules: Sequence[Rule],
    *,
    as_of: date,
    now: datetime,
    run_id: str,
    config: RulesConfig | None = None,
    time_zone: str = "UTC",
    only: Sequence[str] = (),
    replay: bool = False,
) -> CheckResult:
    """Evaluate the rules, then write sfsync.findings and sfsync.rule_runs in one transaction; a replay writes nothing.

    Rules read `sfsync.norm_*`: bring those up to date first (`sfsync.normalise.table.refresh`), otherwise rules that
    need them are not evaluated. A rule whose SQL fails does not stop the others. Findings of rules that were not asked
    for stay untouched; those of rules switched off, and those no longer found, are resolved. Waivers that hold on the
    day `as_of` mark what they cover.

    as_of: today in the org's time zone. now: aware, the run's moment. time_zone: the org's, IANA name.
    only: codes to evaluate, even if the config switches them off; all rules that are on when empty.
    replay: `as_of` is another day than today. Its findings are no news about the org: those that stand today keep
    their first_seen in the result, the others are new, and none is resolved.
    Raises ConfigError when `only` or config names a rule, parameter or profile there is none of.
    """
    active, off = activate(sorted(rules, key=lambda rule: rule.code), config or RulesConfig(), only)
    clock = Clock(as_of, now, time_zone)
    with warehouse.draft() as draft:
        catalog, stage = Catalog(warehouse, draft.con), Stage(draft)
        evaluations = [evaluate(catalog, stage, rule, clock) for rule in active]
        stage.forget(e.rule.code for e in evaluations if e.failed)
        if replay:
            waivers = Waivers(read_waivers(draft.con), as_of)
            found = Replayed(staged(draft.con, stage.table), now, waivers)
            return _replayed(found, evaluations, off, as_of)

        def keep(con: sa.Connection) -> tuple[Stored, list[Count], int]:
            stored = Stored(warehouse, run_id, now, Waivers(read_waivers(con), as_of))
            resolved = record(con, stage.table, evaluations, off, run_id=run_id, now=now, today=as_of)
            return stored, stored.counts(con=con), resolved

        stored, counts, resolved = draft.finish(keep)
    return CheckResult(Findings(stored, counts), _rule_runs(evaluations, counts), off, resolved)


def _replayed(found: Replayed, evaluations: Sequence[Evaluation], off: list[str], as_of: date) -> CheckResult:
    counts = found.counts()
    return CheckResult(Findings(found, counts), _rule_runs(evaluations, counts), off, replay_of=as_of)


def _rule_runs(evaluations: Sequence[Evaluation], counts: Sequence[Count]) -> list[RuleRun]:
    waived = Counter[str]()
    for count in counts:
        waived[count.rule] += count.findings if count.waived else 0
    return [_rule_run(e, waived[e.rule.code]) for e in evaluations]


def _rule_run(e: Evaluation, waived: int) -> RuleRun:
    return RuleRun(e.rule.code, e.status, e.in_scope, e.findings, e.reason, e.failed, waived, e.records)
