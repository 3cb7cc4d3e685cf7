"""Values as JSON for Salesforce: numbers exactly, datetimes in UTC."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

from sfsync.errors import InputError


def json_bytes(value: Any) -> bytes:
    """UTF-8 JSON. A Decimal is written digit by digit, never by way of a float.

    Raises InputError for floats, NaN, naive datetimes and anything JSON does not know.
    """
    try:
        return _text(value).encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(
            "A text holds half a character (a lone surrogate) and cannot be sent. Repair it first."
        ) from None


def http_date(moment: datetime) -> str:
    """An aware datetime as HTTP headers write it, whole seconds, rounded down."""
    if moment.tzinfo is None:
        raise InputError(f"{moment.isoformat()} has no time zone. Give an aware datetime.")
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def iso(moment: datetime) -> str:
    """An aware datetime as `2026-01-31T23:01:01.000Z`."""
    if moment.tzinfo is None:
        raise InputError(f"{moment.isoformat()} has no time zone. Give an aware datetime: Salesforce stores instants.")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _text(value: Any) -> str:
    match value:
        case None | bool() | str() | int():
            return json.dumps(value, ensure_ascii=False)
        case Decimal():
            if not value.is_finite():
                raise InputError(f"{value} is not a number Salesforce can store.")
            return format(value, "f")
        case datetime():
            return f'"{iso(value)}"'
        case date():
            return f'"{value.isoformat()}"'
        case Mapping():
            return "{" + ",".join(f"{json.dumps(str(k))}:{_text(v)}" for k, v in value.items()) + "}"
        case float():
            raise InputError(
                f"{value!r} is a binary float and may not be the number you mean. Give a Decimal or an int."
            )
        case Sequence() if not isinstance(value, bytes):
            return "[" + ",".join(map(_text, value)) + "]"
        case _:
            raise InputError(f"A {type(value).__name__} cannot be sent to Salesforce.")
