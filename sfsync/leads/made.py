"""Long lists whose items are made when they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar, overload

Record = TypeVar("Record")
Item = TypeVar("Item")


class Made(Sequence[Item], Generic[Record, Item]):
    """An item for each record, made anew each time: a million of them take no more memory than the records."""

    def __init__(self, records: Sequence[Record], make: Callable[[int, Record], Item], limit: int | None = None):
        """make: from the place, from 0, and the record. limit: only the first so many."""
        self._records, self._make = records, make
        self._count = len(records) if limit is None else min(limit, len(records))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Item]:
        return (self._make(place, self._records[place]) for place in range(self._count))

    @overload
    def __getitem__(self, at: int) -> Item: ...
    @overload
    def __getitem__(self, at: slice) -> list[Item]: ...
    def __getitem__(self, at: int | slice) -> Item | list[Item]:
        places = range(self._count)[at]
        if isinstance(places, int):
            return self._make(places, self._records[places])
        return [self._make(place, self._records[place]) for place in places]
