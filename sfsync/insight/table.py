"""Table: what an analysis came to, with the arithmetic all of them share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

CENT = Decimal("0.01")
TENTH = Decimal("0.1")
Number = Decimal | int


@dataclass(frozen=True)
class Table:
    """Rows with the parameters they were computed with, and what a reader must know to trust them.

    Money is a Decimal of two places, a column named `…_percent` a Decimal of one place, `…_days` and `…_hours` are
    numbers of days and hours; dates are dates. None means "n/a": nothing to divide by, or not evaluated.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]
    """Every row has every column."""
    notes: tuple[str, ...] = ()
    """Sentences, as "3 opportunities in another currency left out"."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Single values that belong to no row."""

    def as_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "columns": list(self.columns),
            "rows": [plain(dict(row)) for row in self.rows],
            "notes": list(self.notes),
            "parameters": plain(dict(self.parameters)),
            "facts": plain(dict(self.facts)),
        }

    def row(self, **wanted: Any) -> Mapping[str, Any]:
        """The one row with these values. Raises LookupError when there is none, or more than one."""
        found = [r for r in self.rows if all(r[k] == v for k, v in wanted.items())]
        if len(found) != 1:
            raise LookupError(f"{len(found)} rows of {self.title} have {wanted}")
        return found[0]


def make(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    *,
    notes: Iterable[str | None] = (),
    parameters: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Table:
    """A Table; columns a row does not give are None, notes that are empty or said twice are dropped."""
    full = [{name: row.get(name) for name in columns} for row in rows]
    kept = tuple(dict.fromkeys(note for note in notes if note))
    return Table(title, tuple(columns), full, kept, dict(parameters or {}), dict(facts or {}))


def plain(value: Any) -> Any:
    """The value as JSON can hold it: money and rates as numbers, whole ones exact whatever their size, days and
    moments in ISO form."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


# -- arithmetic. Rounding is for output only, half up.


def rounded(value: Number, unit: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return Decimal(value).quantize(unit, ROUND_HALF_UP)


def money(value: Number) -> Decimal:
    return rounded(value, CENT)


def whole(value: Number) -> int:
    return int(rounded(value, Decimal(1)))


def percent(part: Number, of: Number) -> Decimal | None:
    """One place, half up; None when there is nothing to divide by."""
    return rounded(100 * Decimal(part) / Decimal(of), TENTH) if of else None


class Spread:
    """Numbers with how often each came: what a list of them would say, in the memory of the different ones."""

    def __init__(self, pairs: Iterable[tuple[Number, int]] = ()):
        self._counts: dict[Number, int] = {}
        for value, count in pairs:
            self.add(value, count)

    def add(self, value: Number, count: int = 1) -> None:
        self._counts[value] = self._counts.get(value, 0) + count

    def merge(self, other: Spread) -> Spread:
        for value, count in other._counts.items():
            self.add(value, count)
        return self

    @property
    def n(self) -> int:
        return sum(self._counts.values())

    @property
    def sum(self) -> Number:
        return sum(value * count for value, count in self._counts.items())

    @property
    def largest(self) -> Number | None:
        return max(self._counts, default=None)

    @property
    def mean(self) -> Decimal | None:
        return Decimal(self.sum) / self.n if self._counts else None

    @property
    def median(self) -> Decimal | None:
        """Of an even number of values the mean of the two middle ones."""
        n = self.n
        return (self._at((n + 1) // 2) + self._at((n + 2) // 2)) / 2 if n else None

    def percentile(self, percent: int) -> Decimal | None:
        """By nearest rank: the value at position ceil(percent / 100 x n)."""
        n = self.n
        return self._at(max(-(-percent * n // 100), 1)) if n else None

    def between(self, low: Number, high: Number | None) -> int:
        """How many, both ends included."""
        return sum(c for value, c in self._counts.items() if value >= low and (high is None or value <= high))

    def _at(self, place: int) -> Decimal:
        for value in sorted(self._counts):
            place -= self._counts[value]
            if place <= 0:
                return Decimal(value)
        raise IndexError(place)


def exact(value: Decimal) -> Decimal:
    """The same number without the zeros a database puts behind it: 10.0000 is 10."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def tenth(value: Number | None) -> Decimal | None:
    return None if value is None else rounded(value, TENTH)


def counted(n: int, one: str, rest: str) -> str | None:
    """`1 opportunity was left out`, `3 opportunities were left out`; None for none."""
    return None if not n else f"{n:,} {one if n == 1 else rest}"
