"""Values as SOQL writes them: text with its escapes, moments, and date literals such as LAST_N_DAYS:7."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sfsync.practice.soql.model import Options

LONGEST_TEXT = 4_000
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


class BadLiteral(ValueError):
    """Not a value of its kind. The message is the reason to show."""


def unquote(literal: str) -> str:
    """The text a quoted SOQL string stands for. Raises BadLiteral for an unknown escape."""
    return _unescape(literal, pattern=False)


def unquote_pattern(literal: str) -> str:
    r"""A LIKE pattern for SQL with ESCAPE '\' from a quoted SOQL string: `\%` and `\_` stay escaped.

    Raises BadLiteral for an unknown escape.
    """
    return _unescape(literal, pattern=True)


def _unescape(literal: str, *, pattern: bool) -> str:
    body = literal[1:-1]
    if "\n" in body or "\r" in body:
        raise BadLiteral("line breaks not allowed in string literals")

    def one(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code == "\\":
            return "\\\\" if pattern else "\\"
        if pattern and code in "%_":
            return match[0]
        if code not in _ESCAPES:
            raise BadLiteral(
                f"Invalid string literal '{body}'. Illegal character sequence '{match[0]}' in string literal."
            )
        return _ESCAPES[code]

    text = _join_surrogates(_ESCAPE.sub(one, body))
    if len(text) > LONGEST_TEXT:
        raise BadLiteral(f"string literal of {len(text)} characters: the most is {LONGEST_TEXT}")
    return text


def _join_surrogates(text: str) -> str:
    r"""Two \uXXXX escapes can make one character beyond the basic plane. Raises BadLiteral for half of one."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as err:
        raise BadLiteral("Invalid string literal: half of a surrogate pair") from err


def parse_date(text: str) -> date:
    try:
        return _in_range(date.fromisoformat(text))
    except ValueError as err:
        raise BadLiteral(f"Invalid date: {text}") from err


def parse_datetime(text: str) -> datetime:
    """The moment in UTC, naive as DuckDB's TIMESTAMP. `text` carries its zone."""
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
        _in_range(moment.date())
    except (ValueError, OverflowError) as err:
        raise BadLiteral(f"Invalid dateTime: {text}") from err
    return moment.replace(tzinfo=None)


def parse_time(text: str) -> time:
    try:
        return time.fromisoformat(text.upper().removesuffix("Z"))
    except ValueError as err:
        raise BadLiteral(f"Invalid time: {text}") from err


def _in_range(day: date) -> date:
    if not 1700 <= day.year <= 4000:
        raise ValueError(f"{day} is outside 1700-01-01 to 4000-12-31")
    return day


def to_utc(day: date, timezone: str) -> datetime:
    """The midnight a day begins with in a time zone, in UTC, naive."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone))
    return midnight.astimezone(UTC).replace(tzinfo=None)


_UNIT = "DAY|WEEK|MONTH|QUARTER|YEAR|FISCAL_QUARTER|FISCAL_YEAR"
_NAMED = re.compile(rf"(THIS|LAST|NEXT)_({_UNIT.removeprefix('DAY|')})")
_COUNTED = re.compile(rf"(LAST|NEXT)_N_({_UNIT})S")
_AGO = re.compile(rf"N_({_UNIT})S_AGO")
_DAYS = {"TODAY": (0, 1), "YESTERDAY": (-1, 0), "TOMORROW": (1, 2), "LAST_90_DAYS": (-90, 1), "NEXT_90_DAYS": (1, 91)}
_PLACES = {"THIS": (0, 1), "LAST": (-1, 0), "NEXT": (1, 2)}


def date_range(literal: str, options: Options) -> tuple[date, date] | None:
    """The days [first, last) a date literal covers in the user's time zone; None when it is not one.

    `LAST_N_DAYS:n` covers today and n days before it; the other LAST_N units leave out the current unit. Weeks begin
    on Sunday. Raises BadLiteral when it leads out of the calendar.
    """
    name, _, count = literal.upper().partition(":")
    found = _span(name, int(count)) if count else _fixed_span(name)
    if found is None:
        return None
    unit, first, last = found
    today = options.now.astimezone(ZoneInfo(options.timezone)).date()
    try:
        return _shift(today, unit, first, options), _shift(today, unit, last, options)
    except (ValueError, OverflowError) as err:
        raise BadLiteral(f"Invalid date literal: {literal}") from err


def _fixed_span(name: str) -> tuple[str, int, int] | None:
    if name in _DAYS:
        return ("DAY", *_DAYS[name])
    match = _NAMED.fullmatch(name)
    return (match[2], *_PLACES[match[1]]) if match else None


def _span(name: str, count: int) -> tuple[str, int, int] | None:
    if match := _AGO.fullmatch(name):
        return match[1], -count, 1 - count
    match = _COUNTED.fullmatch(name)
    if not match:
        return None
    if match[1] == "NEXT":
        return match[2], 1, 1 + count
    return match[2], -count, 1 if match[2] == "DAY" else 0


def _shift(today: date, unit: str, count: int, options: Options) -> date:
    """The first day of the unit which lies `count` units after today's."""
    if unit == "DAY":
        return today + timedelta(days=count)
    if unit == "WEEK":
        return today - timedelta(days=(today.weekday() + 1) % 7) + timedelta(weeks=count)
    length = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit.removeprefix("FISCAL_")]
    offset = options.fiscal_start_month - 1 if unit.startswith("FISCAL_") else 0
    month = today.year * 12 + today.month - 1 - offset
    month = (month // length + count) * length + offset
    return date(month // 12, month % 12 + 1, 1)
