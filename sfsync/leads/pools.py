"""Whose turn it is in a pool. Deterministic: the same roster, load and state deal the same."""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from sfsync.leads.model import Pool


@dataclass(frozen=True)
class Standing:
    """How far a pool has come."""

    turn: int = 0
    """Leads it has given out."""
    after: Mapping[str, Any] = field(default_factory=dict)
    """{"last": Id} of a rotation, {"counters": {Id: number}} of a weighted pool."""


State = Mapping[str, Standing]
"""By pool."""


class Counters(Mapping[str, Any]):
    """{"counters": {Id: number}} in eight bytes a member: a pool of many hardly ever stands the same way twice."""

    __slots__ = ("_members", "_numbers")

    def __init__(self, members: tuple[str, ...], numbers: bytes):
        self._members, self._numbers = members, numbers

    def __getitem__(self, key: str) -> Mapping[str, int]:
        if key != "counters":
            raise KeyError(key)
        return dict(zip(self._members, array(_WIDE, self._numbers), strict=True))

    def __iter__(self) -> Iterator[str]:
        return iter(("counters",))

    def __len__(self) -> int:
        return 1


_WIDE = "q"


@dataclass
class Dealer:
    """Deals leads to the members of one pool."""

    pool: Pool
    load: dict[str, int]
    """User → open leads; shared by all dealers, and it grows with every lead that is given out."""
    available: frozenset[str]
    """Active users who are not absent."""
    cap: int = 100
    state: Mapping[str, Any] = field(default_factory=dict)
    """As in `Standing.after`; another one after every deal, the same object for the same state."""
    _states: dict[object, Mapping[str, Any]] = field(default_factory=dict, init=False, repr=False)
    _members: tuple[str, ...] = field(default=(), init=False, repr=False)
    """Whom the counters of the last state are of."""

    def eligible(self, without: Collection[str] = ()) -> list[str]:
        able = (m for m in self.pool.members if m in self.available and self.load.get(m, 0) < self.cap)
        return [m for m in able if m not in without]

    def deal(self, without: Collection[str] = ()) -> str | None:
        """The next member but for those, None when nobody can take a lead. The caller adds it to `load`.

        Of equals the first of the roster.
        """
        eligible = self.eligible(without)
        if not eligible:
            return None
        if self.pool.method == "capacity":
            return min(eligible, key=lambda m: self.load.get(m, 0))
        return self._weighted(eligible) if self.pool.method == "weighted" else self._rotation(eligible)

    def _rotation(self, eligible: list[str]) -> str:
        roster = self.pool.members
        last = self.state.get("last")
        start = roster.index(last) + 1 if last in roster else 0
        chosen = next(m for m in (*roster[start:], *roster[:start]) if m in eligible)
        self.state = self._states.setdefault(chosen, {"last": chosen})
        return chosen

    def _weighted(self, eligible: list[str]) -> str:
        """Smooth weighted round robin."""
        counters: dict[str, int] = dict(self.state.get("counters", {}))
        weights = {m: self.pool.weights.get(m, 1) for m in eligible}
        for member, weight in weights.items():
            counters[member] = counters.get(member, 0) + weight
        chosen = max(eligible, key=counters.__getitem__)
        counters[chosen] -= sum(weights.values())
        if len(self._members) != len(counters):
            self._members = tuple(counters)
        numbers = array(_WIDE, counters.values()).tobytes()
        self.state = self._states.setdefault(numbers, Counters(self._members, numbers))
        return chosen


def read_state(con: sa.Connection) -> State:
    """Where each pool stands after the leads it gave out; empty before the first push of a distribution.

    Turns are counted on from plan to plan, and the highest one counts: a plan pushed late, or again, sets nothing back.
    """
    rows = con.execute(
        sa.text(
            "SELECT x.pool, x.turn, x.state FROM (SELECT a.pool, a.turn, a.state, ROW_NUMBER() OVER "
            "(PARTITION BY a.pool ORDER BY a.turn DESC, a.push_id DESC, a.id) AS place "
            "FROM sfsync.assignments a WHERE a.turn IS NOT NULL) x WHERE x.place = 1"
        )
    )
    return {pool: Standing(int(turn), json.loads(state)) for pool, turn, state in rows}
