"""Leads counted by state, with the hours some of them took, per line of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sfsync.insight.table import Spread, tenth

HOUR = 3600


@dataclass
class Tally:
    states: Counter[str] = field(default_factory=Counter)
    seconds: Spread = field(default_factory=Spread)

    def add(self, state: str, hours: Any = None) -> None:
        """hours: None where they are not known, or do not count."""
        self.states[state] += 1
        if hours is not None:
            self.seconds.add(max(round(hours * HOUR), 0))

    def merge(self, other: Tally) -> Tally:
        self.states += other.states
        self.seconds.merge(other.seconds)
        return self

    def row(self, states: Sequence[str]) -> Mapping[str, Any]:
        """leads, median_hours and p90_hours, and how many are in each state."""
        return {
            "leads": self.states.total(),
            "median_hours": _hours(self.seconds.median),
            "p90_hours": _hours(self.seconds.percentile(90)),
            **{state: self.states[state] for state in states},
        }


class Tallies(dict[str | None, Tally]):
    """A Tally per value of something."""

    def __missing__(self, value: str | None) -> Tally:
        return self.setdefault(value, Tally())

    def whole(self) -> Tally:
        every = Tally()
        for tally in self.values():
            every.merge(tally)
        return every


def _hours(seconds: Decimal | None) -> Decimal | None:
    return None if seconds is None else tenth(seconds / HOUR)
