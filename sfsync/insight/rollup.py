"""Forecast rolled up along the user hierarchy, without quotas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sfsync.insight.deals import Deals
from sfsync.insight.fiscal import Period
from sfsync.insight.forecast import CATEGORIES, CATEGORY, IN_FORECAST
from sfsync.insight.money import Tally, total
from sfsync.insight.source import Source
from sfsync.insight.table import Table, counted, make, money

NO_ROLLUP = "(no roll-up)"


@dataclass(frozen=True)
class Person:
    id: str
    name: str
    active: bool
    manager: str | None


@dataclass(frozen=True)
class Hierarchy:
    """Who rolls up to whom."""

    parents: Mapping[str, str | None]
    """Person → next active person above; None at the top."""
    loops: tuple[str, ...]
    """People whose manager was left out because following it came back to them; the smallest Id of each loop."""

    @classmethod
    def of(cls, people: Iterable[Person]) -> Hierarchy:
        """Inactive managers are transparent: their people go to the next active one above. Loops are cut."""
        by_id = {p.id: p for p in people}
        managers = {p.id: p.manager if p.manager in by_id else None for p in by_id.values()}
        loops = _cut(managers)

        def above(id: str) -> str | None:
            manager = managers[id]
            while manager is not None and not by_id[manager].active:
                manager = managers[manager]
            return manager

        return cls({id: above(id) for id in by_id}, loops)

    def line(self, id: str) -> list[str]:
        """The person and everybody above, lowest first."""
        found = [id]
        while (parent := self.parents.get(found[-1])) is not None:
            found.append(parent)
        return found


def roll_up(source: Source, period: Period) -> Table:
    """Each person's own and team's forecast by single category; each opportunity counts once on each level.

    Rows from the top down, a manager before the reports; `level` 0 is the top. People outside the hierarchy (nobody
    above, nobody below) come together under "(no roll-up)". The last row is the period's total; it equals the sum of
    level 0.
    """
    source.need("User", "Name", "IsActive", "ManagerId")
    deals = Deals(source)
    state = deals.at(source.as_of)
    where = (
        f"{IN_FORECAST} AND d.close_date BETWEEN CAST(:start AS DATE) AND CAST(:end AS DATE) "
        f"AND NOT ({CATEGORY} = 'Closed' AND d.is_won IS FALSE)"
    )
    keys = {"owner": "d.owner", "category": CATEGORY}
    found = deals.sums(state, keys, where, start=period.start, end=period.end)
    people = _people(source)
    tree = Hierarchy.of(people.values())
    lines = add_up(tree, [(row.owner, row.category, tally) for row, tally in found])
    rows = [_row(people, lines, id, level) for id, level in _top_down(tree, people, lines)]
    if NO_ROLLUP in lines:
        rows.append({"level": 0, "person": NO_ROLLUP, **_cells(lines[NO_ROLLUP].team)})
    every = [(category, tally) for (_, category), tally in _grouped(found).items()]
    rows.append({"level": None, "person": "total", **_cells(_by_category(every))})
    loops = ", ".join(people[id].name for id in tree.loops)
    return make(
        f"Roll-up, {period.label}",
        ("level", "person", "id", "active", "Closed", "Commit", "MostLikely", "BestCase", "Pipeline", "n", "own"),
        rows,
        notes=[
            state.note,
            *deals.rates.notes(total(t for _, t in found).n_no_rate),
            f"managers in a loop, cut there (FCST-010): {loops}" if loops else None,
            counted(
                len({o for o, _ in _grouped(found) if o not in people}),
                "owner is not among the users in the mirror",
                "owners are not among the users in the mirror",
            ),
        ],
        parameters={**source.common, "period": period.label, "from": period.start, "to": period.end},
    )


@dataclass
class Line:
    """What a person answers for, by category."""

    own: dict[str, Tally]
    team: dict[str, Tally]
    """Own and everybody below."""


def add_up(tree: Hierarchy, owned: Iterable[tuple[str, str, Tally]]) -> dict[str, Line]:
    """Person → line, for everybody with something at or below them."""
    leaders = {parent for parent in tree.parents.values() if parent}
    lines: dict[str, Line] = {}
    for owner, category, tally in owned:
        alone = owner not in tree.parents or (tree.parents[owner] is None and owner not in leaders)
        for i, person in enumerate([NO_ROLLUP] if alone else tree.line(owner)):
            line = lines.setdefault(person, Line({}, {}))
            line.team.setdefault(category, Tally()).add(tally)
            if i == 0 and not alone:
                line.own.setdefault(category, Tally()).add(tally)
    return lines


def _cut(managers: dict[str, str | None]) -> tuple[str, ...]:
    """Take the manager from the smallest Id of each loop."""
    cut: list[str] = []
    done: set[str] = set()
    for start in sorted(managers):
        path: dict[str, None] = {}
        at: str | None = start
        while at is not None and at not in path and at not in done:
            path[at] = None
            at = managers[at]
        if at is not None and at in path:
            ordered = list(path)
            weakest = min(ordered[ordered.index(at) :])
            managers[weakest] = None
            cut.append(weakest)
        done |= path.keys()
    return tuple(cut)


def _people(source: Source) -> dict[str, Person]:
    sql = "SELECT u.Id AS id, u.Name AS name, u.IsActive AS active, u.ManagerId AS manager FROM live.User u"
    return {r.id: Person(r.id, r.name or r.id, r.active is True, r.manager) for r in source.rows(sql)}


def _top_down(tree: Hierarchy, people: Mapping[str, Person], lines: Mapping[str, Line]) -> list[tuple[str, int]]:
    below: dict[str | None, list[str]] = {}
    for id in sorted((i for i in lines if i in people), key=lambda i: (people[i].name, i)):
        below.setdefault(tree.parents[id], []).append(id)
    found: list[tuple[str, int]] = []
    waiting = [(id, 0) for id in reversed(below.get(None, []))]
    while waiting:
        id, level = waiting.pop()
        found.append((id, level))
        waiting += [(child, level + 1) for child in reversed(below.get(id, []))]
    return found


def _row(people: Mapping[str, Person], lines: Mapping[str, Line], id: str, level: int) -> dict[str, Any]:
    line = lines[id]
    own = sum((tally.amount for tally in line.own.values()), Decimal(0))
    who = {"level": level, "person": people[id].name, "id": id, "active": people[id].active}
    return {**who, **_cells(line.team), "own": money(own)}


def _cells(found: Mapping[str, Tally]) -> dict[str, Any]:
    amounts = {"Commit" if c == "Forecast" else c: money(found[c].amount if c in found else 0) for c in CATEGORIES}
    return {**amounts, "n": sum(tally.n for tally in found.values())}


def _grouped(found: Iterable[tuple[Any, Tally]]) -> dict[tuple[str, str], Tally]:
    grouped: dict[tuple[str, str], Tally] = {}
    for row, tally in found:
        grouped.setdefault((row.owner, row.category), Tally()).add(tally)
    return grouped


def _by_category(found: Iterable[tuple[str, Tally]]) -> dict[str, Tally]:
    summed: dict[str, Tally] = {}
    for category, tally in found:
        summed.setdefault(category, Tally()).add(tally)
    return summed
