"""One cell, twice: as the org's JSON has it and as the mirror holds it. Equal is decided by the described type."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from sfsync.salesforce.replies import when


def typed(value: Any, sql_type: str) -> Any:
    """A value of the org's JSON as its column would hold it; "" and null are one. Raises ValueError if it cannot."""
    if value is None or value == "":
        return None
    if sql_type == "BOOLEAN":
        return value if isinstance(value, bool) else str(value).casefold() == "true"
    if sql_type == "BIGINT":
        return int(Decimal(str(value)))
    if sql_type == "DATE":
        return date.fromisoformat(str(value))
    if sql_type == "TIME":
        return time.fromisoformat(str(value).rstrip("Z"))
    if sql_type.startswith("TIMESTAMP"):
        return when(str(value))
    if exact := re.fullmatch(r"DECIMAL\(\d+,(\d+)\)", sql_type):
        return _decimal(str(value), int(exact[1]))
    return _text(value)


def equal(org: Any, mirror: Any) -> bool:
    """Whether two typed values are one. Numbers compare as numbers, moments as instants, text to the letter."""
    if isinstance(org, bool) or isinstance(mirror, bool):
        return org is mirror
    if isinstance(org, (Decimal, int)) and isinstance(mirror, (Decimal, int)):
        return Decimal(org) == Decimal(mirror)
    if isinstance(org, datetime) != isinstance(mirror, datetime):
        return False
    if isinstance(mirror, time) and isinstance(org, time):
        return org.replace(tzinfo=None) == mirror.replace(tzinfo=None)
    return bool(org == mirror)


def _decimal(text: str, scale: int) -> Decimal:
    try:
        number = Decimal(text)
        if -number.as_tuple().exponent <= scale:  # type: ignore[operator]
            return number
        return number.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP)
    except InvalidOperation:
        raise ValueError("not a number") from None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
