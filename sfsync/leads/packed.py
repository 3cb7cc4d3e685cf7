"""Scored leads by the million: some hundred bytes each, in the order they should be worked."""

from __future__ import annotations

import struct
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, overload

from sfsync.leads.points import Point, Scored

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLACE = struct.Struct(">cQHQ")  # tier, deadline, how far the score is from the highest, creation: the work order
_REST = struct.Struct(">3H10I")  # score, fit, engagement; numbers of the owner and of nine points
_MOST = 2**16 - 1
_SHIFT = 2**62
"""Makes moments before 1970 positive, too."""


@dataclass(frozen=True)
class Lead:
    """An active lead with its score."""

    id: str
    created: datetime
    deadline: datetime
    """Until when somebody should have been in touch."""
    owner: str | None
    scored: Scored


class Packed(Sequence[Lead]):
    """Fill with `add`, then `sort`; Leads are made when they are looked at."""

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self._numbers: dict[Hashable, int] = {}
        self._values: list[Any] = []

    def add(self, id: str, created: datetime, sla: timedelta, owner: str | None, scored: Scored) -> None:
        """sla: from creation to the deadline."""
        moment = (created - _EPOCH) // _MICROSECOND + _SHIFT
        place = _PLACE.pack(scored.tier.encode(), moment + sla // _MICROSECOND, _MOST - scored.score, moment)
        numbers = map(self._number, scored.points)
        sums = (scored.score, scored.fit, scored.engagement)
        self._rows.append(place + id.encode() + b"\0" + _REST.pack(*sums, self._number(owner), *numbers))

    def sort(self) -> None:
        """By tier, response deadline, score (the highest first), creation, Id."""
        self._rows.sort()

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> Lead: ...
    @overload
    def __getitem__(self, at: slice) -> list[Lead]: ...
    def __getitem__(self, at: int | slice) -> Lead | list[Lead]:
        if isinstance(at, slice):
            return [self._lead(row) for row in self._rows[at]]
        return self._lead(self._rows[at])

    def __iter__(self) -> Iterator[Lead]:
        return map(self._lead, self._rows)

    def ids(self) -> Iterator[str]:
        """The Ids alone, in order."""
        return map(_id, self._rows)

    def _number(self, value: Hashable) -> int:
        """Few different owners and points come again and again: each is kept once and goes by its number."""
        found = self._numbers.get(value)
        if found is None:
            found = self._numbers[value] = len(self._values)
            self._values.append(value)
        return found

    def _lead(self, row: bytes) -> Lead:
        tier, *moments = _PLACE.unpack_from(row)
        score, fit, engagement, owner, *numbers = _REST.unpack_from(row, len(row) - _REST.size)
        points: tuple[Point, ...] = tuple(self._values[n] for n in numbers)
        deadline, created = (_EPOCH + (moment - _SHIFT) * _MICROSECOND for moment in moments[::2])
        scored = Scored(fit, engagement, score, tier.decode(), points)
        return Lead(_id(row), created, deadline, self._values[owner], scored)


def _id(row: bytes) -> str:
    return row[_PLACE.size : -_REST.size - 1].decode()
