"""SOQL text from Python values. Pure: nothing here talks to an org."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import quote

from sfsync.errors import InputError
from sfsync.model import Value

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_FIELD = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)*(?:\([A-Za-z_.\d]*\))?(?: [A-Za-z]\w*)?", re.ASCII)
_ORDER = re.compile(r"[A-Za-z][\w.]*(?: (?:ASC|DESC))?(?: NULLS (?:FIRST|LAST))?", re.ASCII | re.IGNORECASE)
_FIRST, _LAST = date(1700, 1, 1), date(4000, 12, 31)


class SoqlError(InputError, ValueError):
    """A value or name that cannot be said in SOQL."""


def literal(value: Value) -> str:
    """One value as SOQL writes it: text quoted and escaped, datetimes in UTC with "Z", None as null.

    Raises SoqlError for what would change its meaning on the way: naive datetimes, floats, NaN, lists, and dates
    outside 1700-4000 (the range of the SOQL and SOSL Reference).
    """
    match value:
        case None:
            return "null"
        case str():
            return f"'{_escape(value)}'"
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value)
        case Decimal():
            if not value.is_finite():
                raise SoqlError(f"{value} is not a number SOQL knows. Leave the condition out, or compare with null.")
            return format(value, "f")
        case datetime():
            return _datetime(value)
        case date():
            return _in_range(value).isoformat()
        case float():
            raise SoqlError(
                f"{value!r} is a binary float and may not be the number you mean. Give a Decimal or an int."
            )
        case _:
            raise SoqlError(f"A {type(value).__name__} cannot be written in SOQL. For several values use in_list().")


def in_list(values: Iterable[Value]) -> str:
    """`('a','b')` for IN and NOT IN: each value once, in the order given. Raises SoqlError when there is none."""
    texts = list(dict.fromkeys(literal(v) for v in _many(values)))
    if not texts:
        raise SoqlError("IN needs at least one value: SOQL has no empty list. Skip the query, its answer is no rows.")
    return f"({','.join(texts)})"


def like(text: str, *, before: str = "", after: str = "%") -> str:
    """A literal for LIKE that finds `text` as it stands: its own % and _ are escaped, `before` and `after` are not."""
    escaped = _escape(text).replace("%", "\\%").replace("_", "\\_")
    return f"'{before}{escaped}{after}'"


def select(
    sobject: str,
    fields: Sequence[str],
    where: str | None = None,
    order_by: str | Sequence[str] | None = None,
    limit: int | None = None,
) -> str:
    """A SELECT statement. `where` is SOQL already (write values with `literal`); names are checked for their form."""
    parts = [f"SELECT {', '.join(_fields(fields))} FROM {name(sobject)}"]
    if where:
        parts.append(f"WHERE {where}")
    if order_by:
        parts.append(f"ORDER BY {', '.join(_orders(order_by))}")
    if limit is not None:
        if isinstance(limit, bool) or limit < 1:
            raise SoqlError(f"LIMIT {limit!r}: give a whole number from 1.")
        parts.append(f"LIMIT {limit}")
    return " ".join(parts)


def name(text: str) -> str:
    """`text` if it has the form of an sObject's or field's API name, else SoqlError."""
    if not _NAME.fullmatch(text):
        raise SoqlError(f'"{text}" is not an API name: letters, digits and underscores, a letter first.')
    return text


def path(soql: str, *, all_rows: bool = False) -> str:
    """`query?q=…` or `queryAll?q=…`, percent-encoded, as REST and composite/batch take it."""
    return f"{'queryAll' if all_rows else 'query'}?q={quote(soql, safe='')}"


def from_object(soql: str) -> str:
    """The sObject of the outermost FROM, "" when there is none."""
    found = re.search(r"\bFROM\s+([A-Za-z]\w*)", _outer(soql), re.IGNORECASE)
    return found[1] if found else ""


def has_keyword(soql: str, *keywords: str) -> bool:
    """Whether one of the keywords stands in the outermost statement, outside quotes and parentheses."""
    either = "|".join(r"\s+".join(k.split()) for k in keywords)
    return bool(re.search(rf"\b(?:{either})\b", _outer(soql), re.IGNORECASE))


def _outer(soql: str) -> str:
    text = re.sub(r"'(?:[^'\\]|\\.)*'", "''", soql, flags=re.DOTALL)
    while (flat := re.sub(r"\([^()]*\)", " ", text)) != text:
        text = flat
    return text


def _escape(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise SoqlError(
            "The text holds half a character (a lone surrogate) and cannot be sent. Repair it first."
        ) from None
    return "".join(_ESCAPES.get(c) or (f"\\u{ord(c):04x}" if c < " " or c == "\x7f" else c) for c in text)


def _datetime(value: datetime) -> str:
    if value.tzinfo is None or value.utcoffset() is None:
        raise SoqlError(f"{value.isoformat()} has no time zone. Give an aware datetime: SOQL compares instants.")
    _in_range(value.date())  # first: near year 1 the conversion itself overflows
    utc = value.astimezone(UTC)
    _in_range(utc.date())
    timespec = "milliseconds" if utc.microsecond else "seconds"
    return utc.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def _in_range(value: date) -> date:
    if not _FIRST <= value <= _LAST:
        raise SoqlError(f"{value.isoformat()} is outside the dates SOQL knows (1700-01-01 to 4000-12-31).")
    return value


def _many(values: Iterable[Value]) -> Iterable[Value]:
    if isinstance(values, str):
        raise SoqlError("in_list() takes a list of values, not one text.")
    return values


def _fields(fields: Sequence[str]) -> Sequence[str]:
    if isinstance(fields, str) or not fields:
        raise SoqlError("select() needs a list of at least one field.")
    for field in fields:
        if not _FIELD.fullmatch(field):
            raise SoqlError(f'"{field}" is not a field SOQL can select.')
    return fields


def _orders(order_by: str | Sequence[str]) -> Sequence[str]:
    orders = [part.strip() for part in order_by.split(",")] if isinstance(order_by, str) else order_by
    for order in orders:
        if not _ORDER.fullmatch(order):
            raise SoqlError(f'"{order}" is not an order SOQL knows: field, ASC or DESC, NULLS FIRST or LAST.')
    return orders
