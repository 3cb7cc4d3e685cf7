"""Values of a request, checked against their field and turned into what is stored. Refusals are Salesforce's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any, TypeVar

from sfsync.practice.errors import ApiError
from sfsync.practice.ids import normal
from sfsync.practice.schema import Field

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]\Z")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)Z?\Z")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)\Z")
_YEARS = range(1700, 4001)
_Day = TypeVar("_Day", bound=date)


def stored(field: Field, value: Any) -> Any:
    """The value as the table keeps it; None for null and for empty text. Numbers, dates and booleans may come as text.

    Raises ApiError: JSON_PARSER_ERROR for the wrong kind of value, else what the field's own rule is called.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        if field.type == "boolean":
            raise ApiError(
                400, "INVALID_TYPE_ON_FIELD_IN_RECORD", f"{field.label}: value not of required type: ", [field.name]
            )
        return None
    reader = _READERS.get(field.type) or _text
    return reader(field, value)


def _wrong_kind(field: Field, value: Any, kind: str = "") -> ApiError:
    token = {bool: "VALUE_TRUE" if value else "VALUE_FALSE", int: "VALUE_NUMBER_INT", str: "VALUE_STRING"}
    name = token.get(type(value), "START_OBJECT" if isinstance(value, dict) else "VALUE_NUMBER_FLOAT")
    shown = str(value)[:100]
    return ApiError(
        *(400, "JSON_PARSER_ERROR"),
        f"Cannot deserialize instance of {kind or field.type} from {name} value {shown} "
        "or request may be missing a required field at [line:1, column:2]",
    )


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_kind(field, value, "string")
    if _CONTROL.search(value):
        message = f"{field.label}: text data outside of the supported character set"
        raise ApiError(400, "TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET", message, [field.name])
    if field.length and len(value) > field.length:
        message = f"{field.label}: data value too large: {value} (max length={field.length})"
        raise ApiError(400, "STRING_TOO_LONG", message, [field.name])
    return value


def _picklist(field: Field, value: Any) -> str:
    text = _text(field, value)
    if field.restricted and text not in {v.value for v in field.values if v.active}:
        raise _not_listed(field, text)
    return text


def _multipicklist(field: Field, value: Any) -> str:
    text = _text(field, value)
    known = {v.value for v in field.values if v.active}
    chosen = [part for part in text.split(";") if part]
    unknown = [part for part in chosen if part not in known]
    if field.restricted and unknown:
        raise _not_listed(field, unknown[0])
    return ";".join(chosen)


def _not_listed(field: Field, text: str) -> ApiError:
    message = f"{field.label}: bad value for restricted picklist field: {text}"
    return ApiError(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [field.name])


def _email(field: Field, value: Any) -> str:
    text = _text(field, value)
    if not _EMAIL.match(text):
        raise ApiError(400, "INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", [field.name])
    return text


def _id(field: Field, value: Any) -> str:
    found = normal(value)
    if found is None:
        message = f"{field.label}: id value of incorrect type: {str(value)[:100]}"
        raise ApiError(400, "MALFORMED_ID", message, [field.name])
    return found


def _boolean(field: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    raise _wrong_kind(field, value)


def _number(field: Field, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise _wrong_kind(field, value)
    try:
        number = Decimal(repr(value) if isinstance(value, float) else str(value).strip())
    except InvalidOperation:
        raise _wrong_kind(field, value) from None
    if not number.is_finite():
        raise _wrong_kind(field, value)
    return number


def _decimal(field: Field, value: Any) -> Decimal:
    number = _number(field, value)
    if abs(number) >= Decimal(10) ** (field.precision - field.scale):
        raise _out_of_range(field, number)
    # More decimals than the field has are cut without a word.
    return number.quantize(Decimal(1).scaleb(-field.scale), rounding=ROUND_DOWN)


def _integer(field: Field, value: Any) -> int:
    number = _number(field, value)
    if number != number.to_integral_value():
        raise _wrong_kind(field, value)
    if abs(number) >= Decimal(10) ** field.precision:
        raise _out_of_range(field, number)
    return int(number)


def _out_of_range(field: Field, number: Decimal) -> ApiError:
    message = f"{field.label}: value outside of valid range on numeric field: {number}"
    return ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", message, [field.name])


def _date(field: Field, value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    matched = _DATE.match(value) if isinstance(value, str) else None
    try:
        if matched is None:
            raise ValueError(value)
        found = date.fromisoformat(matched[1])
    except ValueError:
        raise _wrong_kind(field, value) from None
    return _in_years(field, found)


def _datetime(field: Field, value: Any) -> datetime:
    try:
        if isinstance(value, datetime) and value.tzinfo:
            found = value
        elif isinstance(value, str) and _DATETIME.match(value):
            found = datetime.fromisoformat(value)
        else:
            raise ValueError(value)
        return _in_years(field, found.astimezone(UTC).replace(microsecond=0, tzinfo=None))
    except (ValueError, OverflowError):
        raise _wrong_kind(field, value) from None


def _time(field: Field, value: Any) -> time:
    try:
        return time.fromisoformat(value).replace(tzinfo=None)
    except (TypeError, ValueError):
        raise _wrong_kind(field, value) from None


def _in_years(field: Field, found: _Day) -> _Day:
    if found.year not in _YEARS:
        raise ApiError(400, "FIELD_INTEGRITY_EXCEPTION", f"{field.label}: invalid date: {found}", [field.name])
    return found


_READERS: dict[str, Callable[[Field, Any], Any]] = {
    **{"picklist": _picklist, "multipicklist": _multipicklist, "email": _email, "id": _id, "reference": _id},
    **{"boolean": _boolean, "currency": _decimal, "percent": _decimal, "double": _decimal, "int": _integer},
    **{"long": _integer, "date": _date, "datetime": _datetime, "time": _time},
}
