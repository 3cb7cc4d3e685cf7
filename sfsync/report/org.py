"""The first page: how fresh the mirror is, how healthy the org, what matters most, what changed, what org this is."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sfsync.insight.money import Rates
from sfsync.report.checked import OWNED, Checked
from sfsync.report.content import Block, Column, Facts, Section, Table, Text
from sfsync.report.making import Making, over_time
from sfsync.report.rules import RULE, SEVERITY, top
from sfsync.rules.rule import SEVERITIES

_PULLED = {0: "was complete", 4: "stopped at the quota floor"}
_VERIFIED = {0: "found it equal to the org", 3: "found differences"}


def section(making: Making, checked: Checked) -> Section:
    blocks: list[Block] = []
    for what, make in (
        ("Freshness", lambda: [_fresh(making, checked)]),
        ("Health", lambda: _health(checked)),
        ("What matters most", lambda: [top(checked)] if checked.open else []),
        ("Changes", lambda: _changes(making, checked)),
        ("The score", lambda: _score(making, checked)),
        ("The org", lambda: [_org(making)]),
        ("Objects", lambda: [_objects(making)]),
    ):
        blocks += making.block(what, make)
    return Section("summary", "Summary", blocks)


def _fresh(making: Making, checked: Checked) -> Text:
    """How far the mirror can be trusted, in three sentences; a problem when it is not whole or not equal to the org."""
    pulled, verified = making.stored.last_run("pull"), making.stored.last_run("verify")
    if pulled is None:
        said = ["No pull is recorded."]
    else:
        said = [f"The mirror was last pulled {_at(pulled[0])}; the pull {_PULLED.get(pulled[1] or 0, 'broke off')}."]
    if verified is None:
        said.append("It was never compared with the org: run `sfsync verify`.")
    else:
        ended = _VERIFIED.get(verified[1] or 0, "could not be finished")
        said.append(f"`sfsync verify` of {_at(verified[0])} {ended}.")
    if checked.checked_at is None:
        said.append("The rules were never evaluated: run `sfsync check`.")
    else:
        said.append(f"The rules were evaluated {_at(checked.checked_at)}.")
        if pulled is not None and pulled[0] > checked.checked_at:
            said.append("The mirror was pulled again since: run `sfsync check` for findings of today.")
    whole = all(run is None or not run[1] for run in (pulled, verified))
    return Text(" ".join(said), "plain" if whole else "problem")


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _health(checked: Checked) -> Iterable[Block]:
    if checked.score.value is None:
        yield Text(f"There is no health score. {checked.score.missing}", "problem")


def _score(making: Making, checked: Checked) -> Iterable[Block]:
    found = checked.score
    counted = f"{found.judged} rules count; {found.left_out} of those switched on were not evaluated or had no records."
    yield Text(f"{found.formula} {counted}", "formula")
    trend = over_time("score-trend", "Score over time", "score", _scores(making, checked))
    if trend is not None:
        yield trend


def _scores(making: Making, checked: Checked) -> list[tuple[str, float]]:
    """(day, score) as each report said it, this one included, the last of a day."""
    values = {f"{day:%Y-%m-%d}": float(value) for day, value in making.stored.scores()}
    if checked.score.value is not None:
        values[f"{making.source.clock.now:%Y-%m-%d}"] = float(checked.score.value)
    return list(values.items())


def _changes(making: Making, checked: Checked) -> Iterable[Block]:
    before = making.stored.previous_report()
    if before is None:
        yield Text("This is the first report of this mirror; the next one says what changed since.", "note")
        return
    found = making.stored.changes(before.checked_at)
    by_severity = {s: [sum(int(r[i] or 0) for r in found if r[1] == s) for i in range(2, 6)] for s in SEVERITIES}
    columns = (
        SEVERITY,
        Column("before", "open then", "number"),
        Column("new", "new", "number"),
        Column("resolved", "resolved", "number"),
        Column("now", "open now", "number"),
    )
    notes = []
    if before.score is not None and checked.score.value is not None:
        notes.append(f"The score was {before.score}, it is {checked.score.value}.")
    title = f"Changed since the report of {_at(before.made_at)}"
    yield Table("changes", title, columns, [(s, *by_severity[s]) for s in SEVERITIES], tuple(notes))
    moved = [r for r in found if r[3] or r[4]]
    moved.sort(key=lambda r: (SEVERITIES.index(r[1]), -int(r[3]) - int(r[4]), r[0]))
    if moved:
        rows = [(r[0], r[1], *(int(v or 0) for v in r[2:])) for r in moved]
        yield Table("changes-by-rule", "Rules with new or resolved findings", (RULE, *columns), rows)


def _org(making: Making) -> Facts:
    org, source = making.status["org"], making.source
    fiscal = source.fiscal
    year = "the org's own calendar" if fiscal.custom else f"begins in {calendar.month_name[fiscal.start_month]}"
    if not fiscal.custom and fiscal.start_month != 1:
        year += f", named by the year it {'begins' if fiscal.named_by_start else 'ends'} in"
    facts: dict[str, Any] = {
        "Org": org["org_name"],
        "Org Id": org["org_id"],
        "Address": org["instance_url"],
        "Kind": "sandbox" if org["is_sandbox"] == "true" else "production",
        "Time zone": source.clock.time_zone,
        "Currency of all amounts": Rates(source).currency or "the org's only one",
        "Fiscal year": year,
        "Records": sum(int(o["live"]) for o in making.status["objects"]),
    }
    return Facts("The org", facts)


def _objects(making: Making) -> Table:
    """What the mirror keeps of each object: those the business is about first."""
    proof = making.stored.last_run("verify")
    proven = {o.get("sobject"): o for o in proof[2].get("objects", [])} if proof else {}
    rows = [
        (
            o["sobject"],
            o["live"],
            (o["rows"] or 0) - o["live"],
            datetime.fromisoformat(o["until"]),
            "all" if o["start"] is None else f"changed since {o['start'][:10]}",
            o["late"] or 0,
            _proof(proven.get(o["sobject"])),
        )
        for o in sorted(making.status["objects"], key=lambda o: (o["sobject"] not in OWNED, o["sobject"]))
    ]
    columns = (
        Column("sobject", "object"),
        Column("live", "records", "number"),
        Column("deleted", "deleted, kept", "number"),
        Column("until", "complete until (UTC)", "moment"),
        Column("start", "records read"),
        Column("late", "seen late", "number"),
        Column("verified", "last verify"),
    )
    return Table("objects", "How fresh and complete the mirror is", columns, rows)


def _proof(found: dict[str, Any] | None) -> str:
    if found is None:
        return "not verified"
    if found.get("ok"):
        return "equal"
    counts = ((name, int(found.get(name) or 0)) for name in ("missing", "extra", "different", "unlisted"))
    return ", ".join(f"{n:,} {name}" for name, n in counts if n) or "could not be compared"
