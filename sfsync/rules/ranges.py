"""What a configured parameter may be: of its default's type, and in the range its name tells."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sfsync.rules.rule import Guard, Param

DAYS = 36_525
RANGES: Mapping[str, tuple[float, float]] = {
    "share": (0, 1),
    "similarity": (0, 1),
    "band": (0, 1),
    "probability": (0, 100),
    "percent": (0, 100),
    "bar": (0, 100),
    "days": (0, DAYS),
    "hours": (0, DAYS * 24),
}
"""The last word of a number's name → from, to."""
USUAL = (0.0, 1e15)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_FIELD = re.compile(r"[A-Za-z]\w*")
_ONE_OF = re.compile(r"select\s+:(\w+)\s+not\s+in\s+\(([^()]*)\)", re.IGNORECASE)


def wanted(name: str, value: Any, default: Param, guards: Sequence[Guard] = ()) -> str | None:
    """What the parameter must be instead, as "a number from 0 to 1"; None when the value will do.

    A range holds only where the default lies in it. guards: of the rule; one of the form
    `select :name not in ('a', 'b')` says which texts there are.
    """
    if default is None or isinstance(default, str):
        return _text(name, value, default, guards)
    if isinstance(default, bool):
        return None if isinstance(value, bool) else "true or false"
    if isinstance(default, (int, float)):
        return _number(name, value, float(default))
    if isinstance(default, Mapping):
        return _mapping(value, default)
    listed = isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value)
    return None if listed else "a list of texts"


def taken(value: Any) -> Any:
    """The value as rules know it: YAML reads 2026-01-31 as a day, to a rule it is a text."""
    return value.isoformat() if type(value) is date else value


def _text(name: str, value: Any, default: str | None, guards: Sequence[Guard]) -> str | None:
    if value is None and default is None:
        return None
    value = taken(value)
    if not isinstance(value, str):
        return "a text"
    if default is not None and _DAY.fullmatch(default) and not _is_day(value):
        return f"a day, as {default}"
    if name.endswith("_field") and value and not _FIELD.fullmatch(value):
        return "the API name of a field"
    choices = next((c for c in map(_choices, guards) if c and c[0] == name), None)
    if not choices or value in choices[1]:
        return None
    return f"one of {', '.join(choice or 'empty' for choice in choices[1])}"


def _choices(guard: Guard) -> tuple[str, list[str]] | None:
    match = None if guard.kind else _ONE_OF.fullmatch(guard.when.strip())
    return (match[1], re.findall(r"'([^']*)'", match[2])) if match else None


def _number(name: str, value: Any, default: float) -> str | None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or math.isnan(value):
        return "a number"
    low, high = RANGES.get(name.rpartition("_")[2], USUAL)
    if not low <= default <= high:
        low, high = -USUAL[1], USUAL[1]
    if low <= value <= high:
        return None
    return "a number of 0 or more" if value < low == 0 else f"a number from {low:g} to {high:g}"


def _mapping(value: Any, default: Mapping[str, str]) -> str | None:
    if not isinstance(value, Mapping) or not all(isinstance(v, str) for pair in value.items() for v in pair):
        return "a mapping of texts"
    numbers = bool(default) and all(map(_is_number, default.values()))
    return "a mapping to numbers of 0 or more" if numbers and not all(map(_is_number, value.values())) else None


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d{1,15}(\.\d+)?", text) is not None


def _is_day(text: str) -> bool:
    try:
        return _DAY.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False
