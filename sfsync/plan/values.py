"""Field values as plans, journals and requests hold them (wire form), and when two of them are the same to Salesforce.

Wire form: text, int, Decimal, bool or None. Dates are text like 2026-01-31, datetimes text like 2026-01-31T09:30:00Z,
empty text is None (Salesforce keeps no empty text). In JSON a Decimal is a number written with all its digits and read
back as a Decimal, so 1500.00 stays 1500.00 and never passes through a binary float.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from json.encoder import encode_basestring
from typing import Any

Wire = str | int | Decimal | bool | None

NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
IDS = frozenset({"id", "reference"})
MAX_DIGITS = 60
"""Far beyond Salesforce's 18 digits; keeps a stray 1e999999999 from being written out."""


def to_wire(value: object) -> Wire:
    """`value` in wire form. Raises ValueError for what has none: naive datetimes, NaN, lists."""
    match value:
        case None | "":
            return None
        case bool() | str():
            return value
        case int():
            if abs(value) >= 10**MAX_DIGITS:
                raise ValueError(f"a number of more than {MAX_DIGITS} digits is not a Salesforce value")
            return value
        case Decimal():
            return _decimal(value)
        case float():
            return _decimal(Decimal(repr(value)))
        case datetime():
            return _instant(value)
        case date():
            return value.isoformat()
        case time():
            return value.isoformat(timespec="milliseconds") + "Z"
        case _:
            raise ValueError(f"a {type(value).__name__} is not a field's value")


def same(a: object, b: object, type: str | None = None, scale: int | None = None) -> bool:
    """Whether Salesforce would hold the same after either was written to a field of this describe type."""
    return canonical(a, type, scale) == canonical(b, type, scale)


def canonical(value: object, type: str | None = None, scale: int | None = None) -> object:
    """The form in which equal values of one describe type are equal Python values. Unfit text stays as it is."""
    wire = to_wire(value)
    if type == "boolean":
        return wire is not None and wire is not False and str(wire).casefold() != "false"  # a checkbox is never null
    if wire is None:
        return None
    if type in NUMBERS:
        return _number(wire, scale)
    if type == "datetime":
        return _moment(wire)
    if type in IDS and isinstance(wire, str):
        return wire[:15]
    if type == "multipicklist" and isinstance(wire, str):
        return frozenset(wire.split(";"))
    if type == "textarea" and isinstance(wire, str):
        return re.sub(r"\r\n?", "\n", wire)
    return wire


def dumps(value: object) -> str:
    """One line of JSON, keys in the order given. Decimals keep their digits; what does not print is escaped."""
    if isinstance(value, str):
        if value.isprintable():
            return encode_basestring(value)
        # Line separators and writing-direction marks would let a line look like something else in a review.
        return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in json.dumps(value, ensure_ascii=False))
    if value is None or isinstance(value, (bool, int)):
        return json.dumps(value)
    if isinstance(value, Decimal):
        return format(_decimal(value), "f")
    if isinstance(value, Mapping):
        return "{" + ", ".join([f"{dumps(str(k))}: {dumps(v)}" for k, v in value.items()]) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join([dumps(v) for v in value]) + "]"
    return dumps(to_wire(value))


def loads(text: str) -> Any:
    """JSON with Decimals. Raises ValueError for anything else, also for a key given twice."""
    try:
        return json.loads(text, parse_float=_parsed, parse_constant=_refuse, object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _decimal(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise ValueError(f"{value} is not a number Salesforce can hold")
    exponent = value.as_tuple().exponent
    if value.adjusted() >= MAX_DIGITS or (isinstance(exponent, int) and exponent < -MAX_DIGITS):
        raise ValueError(f"a number of more than {MAX_DIGITS} digits is not a Salesforce value")
    return value


def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _number(wire: Wire, scale: int | None) -> object:
    with suppress(ArithmeticError, ValueError):
        number = _decimal(Decimal(str(wire)))
        return number if scale is None else number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    return wire


def _moment(wire: Wire) -> object:
    """Whole seconds, which is what Salesforce keeps."""
    with suppress(ValueError):
        moment = datetime.fromisoformat(str(wire))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC).replace(microsecond=0)
    return wire


def _parsed(text: str) -> Decimal:
    return _decimal(Decimal(text))


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a number Salesforce can hold")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(k for i, (k, _) in enumerate(pairs) if k in dict(pairs[:i]))
        raise ValueError(f'"{twice}" is given twice')
    return found
