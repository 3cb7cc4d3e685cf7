"""Moments and days: everything inside is aware UTC, a day is a day in the org's time zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta


def utc_now() -> datetime:
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """`2026-01-31T12:00:00Z`, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_day(moment: datetime, zone: str) -> date:
    """The date of a moment in an IANA time zone; in UTC when this machine does not know the zone."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return moment.astimezone(ZoneInfo(zone)).date()
    except (ZoneInfoNotFoundError, ValueError):
        return moment.astimezone(UTC).date()


_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def parse_duration(text: str) -> timedelta | None:
    """`90s`, `10m`, `2h`, `7d` → timedelta; None for anything else."""
    match = re.fullmatch(r"\s*(\d{1,6})\s*([smhd])\s*", text)
    return int(match[1]) * _UNITS[match[2]] if match else None
