"""Whose turn it is in a pool. Deterministic: the same roster, load and state deal the same."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from sfsync.leads.model import Pool
from sfsync.model import Outcome
from sfsync.warehouse import Warehouse, tables

KEY = "lead_rotation"
"""Where the state of the pools is kept in sfsync.meta."""
State = Mapping[str, Mapping[str, Any]]
"""Pool → {"last": Id} of a rotation, {"counters": {Id: number}} of a weighted pool."""


@dataclass
class Dealer:
    """Deals leads to the members of one pool."""

    pool: Pool
    load: dict[str, int]
    """User → open leads; shared by all dealers, and it grows with every lead that is given out."""
    available: frozenset[str]
    """Active users who are not absent."""
    cap: int = 100
    state: dict[str, Any] = field(default_factory=dict)
    """As in `State`; moves on with every deal."""

    def eligible(self) -> list[str]:
        return [m for m in self.pool.members if m in self.available and self.load.get(m, 0) < self.cap]

    def deal(self) -> str | None:
        """The next member, None when nobody can take a lead. The caller adds it to `load`."""
        eligible = self.eligible()
        if not eligible:
            return None
        if self.pool.method == "capacity":
            return min(eligible, key=lambda m: (self.load.get(m, 0), self.pool.members.index(m)))
        return self._weighted(eligible) if self.pool.method == "weighted" else self._rotation(eligible)

    def _rotation(self, eligible: list[str]) -> str:
        roster = self.pool.members
        last = self.state.get("last")
        start = roster.index(last) + 1 if last in roster else 0
        chosen = next(m for m in (*roster[start:], *roster[:start]) if m in eligible)
        self.state["last"] = chosen
        return chosen

    def _weighted(self, eligible: list[str]) -> str:
        """Smooth weighted round robin."""
        counters: dict[str, int] = dict(self.state.get("counters", {}))
        weights = {m: self.pool.weights.get(m, 1) for m in eligible}
        for member, weight in weights.items():
            counters[member] = counters.get(member, 0) + weight
        chosen = max(eligible, key=lambda m: (counters[m], -self.pool.members.index(m)))
        counters[chosen] -= sum(weights.values())
        self.state["counters"] = counters
        return chosen


def read_state(con: sa.Connection, warehouse: Warehouse) -> State:
    """Where each pool stands; empty before the first distribution."""
    found = warehouse.meta(con).get(KEY)
    return json.loads(found) if found else {}


def advance(con: sa.Connection, warehouse: Warehouse, outcomes: Iterable[Outcome]) -> int:
    """Move the pools on by the assignments that were carried out. Call it after a push; returns how many there were.

    Each assignment carries the state of its pool after it; the last one applied counts. What was refused or failed
    moves nothing.
    """
    state = {name: dict(values) for name, values in read_state(con, warehouse).items()}
    turns: dict[str, tuple[int, Mapping[str, Any]]] = {}
    count = 0
    for outcome in outcomes:
        if outcome.status not in ("applied", "already"):
            continue
        for reason in outcome.change.because:
            if "pool" in reason and "turn" in reason:
                count += 1
                if reason["turn"] > turns.get(reason["pool"], (0, {}))[0]:
                    turns[reason["pool"]] = (reason["turn"], reason["state"])
    if turns:
        state |= {pool: dict(after) for pool, (_, after) in turns.items()}
        con.execute(sa.delete(tables.meta).where(tables.meta.c.key == KEY))
        con.execute(sa.insert(tables.meta).values(key=KEY, value=json.dumps(state, sort_keys=True)))
    return count
