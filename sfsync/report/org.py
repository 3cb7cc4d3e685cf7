"""The first page: what this org is, how fresh the mirror is, how healthy, what changed, what matters most."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sfsync.moments import iso
from sfsync.report.content import Block, Chart, Column, Facts, Section, Table, Text
from sfsync.report.making import Making
from sfsync.report.rules import Checked, top
from sfsync.rules.rule import SEVERITIES


def section(making: Making, checked: Checked) -> Section:
    blocks: list[Block] = []
    for what, make in (
        ("Health", lambda: _health(making, checked)),
        ("What matters most", lambda: [top(making, checked)] if checked.open else []),
        ("Changes", lambda: _changes(making, checked)),
        ("The org", lambda: [_org(making)]),
        ("Freshness", lambda: _fresh(making, checked)),
    ):
        blocks += making.block(what, make)
    return Section("summary", "Summary", blocks)


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
        "Fiscal year": year,
        "Objects kept": len(making.status["objects"]),
        "Records": sum(int(o["live"]) for o in making.status["objects"]),
    }
    return Facts("The org", facts)


def _fresh(making: Making, checked: Checked) -> Iterable[Block]:
    yield Text(f"{_pulled(making)} {_verified(making)} {_checked_said(making, checked)}")
    proof = making.stored.last_run("verify")
    proven = {o.get("sobject"): o for o in proof[2].get("objects", [])} if proof else {}
    rows = [
        (
            o["sobject"],
            o["live"],
            (o["rows"] or 0) - o["live"],
            datetime.fromisoformat(o["until"]),
            "all" if o["start"] is None else f"changed since {o['start']}",
            o["late"] or 0,
            _proof(proven.get(o["sobject"])),
        )
        for o in making.status["objects"]
    ]
    columns = (
        Column("sobject", "object"),
        Column("live", "records", "number"),
        Column("deleted", "deleted, kept", "number"),
        Column("until", "complete until (UTC)", "moment"),
        Column("start", "history"),
        Column("late", "late rows", "number"),
        Column("verified", "last verify"),
    )
    yield Table("objects", "How fresh and complete the mirror is", columns, rows)


def _pulled(making: Making) -> str:
    found = making.stored.last_run("pull")
    if found is None:
        return "No pull is recorded."
    started, code, _ = found
    ended = {0: "complete", 4: "stopped at the quota floor"}.get(code or 0, "not complete")
    return f"The last pull began {iso(started)} and was {ended}."


def _verified(making: Making) -> str:
    found = making.stored.last_run("verify")
    if found is None:
        return "The mirror was never compared with the org: run `sfsync verify`."
    started, code, _ = found
    said = {0: "found it equal to the org", 3: "found differences"}.get(code or 0, "could not be finished")
    return f"The last verify, {iso(started)}, {said}."


def _checked_said(making: Making, checked: Checked) -> str:
    if checked.checked_at is None:
        return "The rules were never evaluated: run `sfsync check`."
    said = f"The rules were evaluated {iso(checked.checked_at)}."
    pulled = making.stored.last_run("pull")
    if pulled is not None and pulled[0] > checked.checked_at:
        said += " The mirror was pulled again since: run `sfsync check` for findings of today."
    return said


def _proof(found: dict[str, Any] | None) -> str:
    if found is None:
        return "not verified"
    if found.get("ok"):
        return "equal"
    counts = ((name, int(found.get(name) or 0)) for name in ("missing", "extra", "different", "unlisted"))
    return ", ".join(f"{n:,} {name}" for name, n in counts if n) or "could not be compared"


def _health(making: Making, checked: Checked) -> Iterable[Block]:
    found = checked.score
    yield Text(found.formula, "note")
    said = f"{found.judged} rules count; {found.left_out} of those switched on were not evaluated or had no records."
    yield Text(said, "note")
    trend = _score_trend(making, checked)
    if trend is not None:
        yield trend


def _score_trend(making: Making, checked: Checked) -> Chart | None:
    """The score as each report said it, this one included, the last of a day; None before the third day."""
    values = {f"{day:%Y-%m-%d}": float(value) for day, value in making.stored.scores()}
    if checked.score.value is not None:
        values[f"{making.source.clock.now:%Y-%m-%d}"] = float(checked.score.value)
    if len(values) < 3:
        return None
    first, last = next(iter(values.items())), list(values.items())[-1]
    said = f"Score {first[1]:.0f} on {first[0]}, {last[1]:.0f} on {last[0]}, as the reports of these days said."
    return Chart("score-trend", "Score over time", "lines", list(values), {"score": list(values.values())}, "", said)


def _changes(making: Making, checked: Checked) -> Iterable[Block]:
    before = making.stored.previous_report()
    if before is None:
        yield Text("This is the first report of this mirror; the next one says what changed since.", "note")
        return
    found = making.stored.changes(before.checked_at)
    by_severity = {s: [sum(int(r[i] or 0) for r in found if r[1] == s) for i in range(2, 6)] for s in SEVERITIES}
    columns = (
        Column("severity", "severity", "severity"),
        Column("before", "open then", "number"),
        Column("new", "new", "number"),
        Column("resolved", "resolved", "number"),
        Column("now", "open now", "number"),
    )
    title = f"Changed since the report of {before.made_at:%Y-%m-%d %H:%M} UTC"
    notes = []
    if before.score is not None and checked.score.value is not None:
        notes.append(f"The score was {before.score}, it is {checked.score.value}.")
    yield Table("changes", title, columns, [(s, *by_severity[s]) for s in SEVERITIES], tuple(notes))
    moved = [r for r in found if r[3] or r[4]]
    moved.sort(key=lambda r: (SEVERITIES.index(r[1]), -int(r[3]) - int(r[4]), r[0]))
    if moved:
        by_rule = (Column("rule", "rule", "rule"), *columns)
        rows = [(r[0], r[1], *(int(v or 0) for v in r[2:])) for r in moved]
        yield Table("changes-by-rule", "Rules with new or resolved findings", by_rule, rows)
