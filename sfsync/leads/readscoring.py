"""The `scoring:` of a lead model, checked: points of axes of 0 to 100, weights that share 1, words as in titles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any

from sfsync.leads.model import Scoring
from sfsync.leads.modelvalues import Values, Where

HERE: Where = ("scoring",)
DEFAULT = Scoring()
KEYS = tuple(f.name for f in fields(Scoring))
POINTS = (0, 100)
DAYS = (1, 36_525)
OTHERS = {"half_life_days": DAYS, "rate_days": DAYS, "rate_prior": (1, 1_000_000)}
"""Whole numbers that are no points or percent → from, to."""
WEIGHTS = ("fit_weight", "engagement_weight")
TIERS = ("tier_a", "tier_b", "tier_c")


def read_scoring(values: Values, data: Mapping[Any, Any]) -> Scoring:
    """What is given and right, over the defaults. A weight given alone leaves the rest of 1 to the other."""
    values.known(data, KEYS, HERE)
    read = {name: _value(values, name, data) for name in KEYS if name in data}
    given = {name: value for name, value in read.items() if value is not None}
    if all(name in given for name in WEIGHTS):
        if sum(given[name] for name in WEIGHTS) != 1:
            shown = " and ".join(str(given[name]) for name in WEIGHTS)
            values.file.problem(f"{' and '.join(WEIGHTS)} must be 1 together, not {shown}.", *HERE, WEIGHTS[0])
    else:
        given |= {other: 1 - given[name] for name, other in (WEIGHTS, WEIGHTS[::-1]) if name in given}
    least = [given.get(name, getattr(DEFAULT, name)) for name in TIERS]
    if least != sorted(least, reverse=True):
        shown = ", ".join(map(str, least))
        first = next((name for name in TIERS if name in given), TIERS[0])
        values.file.problem(f"{', '.join(TIERS)} must go down, not {shown}.", *HERE, first)
    return Scoring(**given)


def _value(values: Values, name: str, data: Mapping[Any, Any]) -> Any:
    """None when it is wrong."""
    value, default, where = data[name], getattr(DEFAULT, name), (*HERE, name)
    if isinstance(default, bool):
        return values.flag(value, where)
    if isinstance(default, int):
        return values.whole(value, where, *OTHERS.get(name, POINTS))
    if isinstance(default, Decimal):
        return _weight(values, value, where)
    if isinstance(default, Mapping):
        return _points(values, value, where)
    if value is None:
        values.wrong("a list", value, where)
        return None
    if name == "target_countries":
        return values.countries(data, name, HERE)
    if name == "excluded_domains":
        return values.domains(data, name, HERE)
    texts = values.texts(data, name, HERE)
    return tuple(_words(values, text, where) for text in texts) if name == "junior_words" else texts


def _weight(values: Values, value: Any, where: Where) -> Decimal | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return Decimal(str(value))
    values.wrong("a number from 0 to 1", value, where)
    return None


def _points(values: Values, value: Any, where: Where) -> dict[str, int] | None:
    if not isinstance(value, dict):
        values.wrong("a mapping to points", value, where)
        return None
    found: dict[str, int] = {}
    for key, points in value.items():
        place = (*where, str(key))
        name, number = _key(values, key, where), values.whole(points, place, *POINTS)
        if name in found:
            values.file.problem(f'{where[-1]}: "{name}" is given twice, however it is written.', *place)
        elif name and number is not None:
            found[name] = number
    return found


def _key(values: Values, key: Any, where: Where) -> str | None:
    """As scores look it up: a number of employees, the words of a title, a rating."""
    place = (*where, str(key))
    if where[-1] == "employees":
        number = int(key) if isinstance(key, str) and re.fullmatch(r"[0-9]{1,12}", key) else key
        if isinstance(number, int) and not isinstance(number, bool) and number >= 1:
            return str(number)
        values.file.problem(f"the keys of employees must be whole numbers of at least 1, not {key!r}.", *place)
        return None
    if not isinstance(key, str) or not key.strip():
        values.file.problem(f"the keys of {where[-1]} must be texts, not {key!r}.", *place)
        return None
    return _words(values, key, place) if where[-1] == "title_words" else key.strip()


def _words(values: Values, text: str, where: Where) -> str:
    found = re.findall(r"[^\W_]+", text.casefold())
    if not found:
        values.wrong("words", text, where)
    return " ".join(found)
