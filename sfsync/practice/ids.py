"""Record Ids: 15 characters that count in base 62, and the three that make them safe to compare without case."""

from __future__ import annotations

import re

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[A-Za-z0-5]{3})?\Z")
INSTANCE = "5e00000"
"""What stands between the key prefix and the number in every Id made here."""
_NUMBER_WIDTH = 5

SQL_MACROS = (
    f"CREATE OR REPLACE MACRO practice_digit(n, place) AS substr('{_DIGITS}', 1 + CAST((n // place) % 62 AS INT), 1)",
    f"CREATE OR REPLACE MACRO practice_check(five) AS substr('{_CHECK}', 1 + "
    + " + ".join(f"CASE WHEN substr(five, {i + 1}, 1) BETWEEN 'A' AND 'Z' THEN {1 << i} ELSE 0 END" for i in range(5))
    + ", 1)",
    "CREATE OR REPLACE MACRO practice_id15(prefix, n) AS prefix || '"
    + INSTANCE
    + "' || "
    + " || ".join(f"practice_digit(n, {62**place})" for place in reversed(range(_NUMBER_WIDTH))),
    "CREATE OR REPLACE MACRO practice_id18(id15) AS id15 || practice_check(substr(id15, 1, 5))"
    " || practice_check(substr(id15, 6, 5)) || practice_check(substr(id15, 11, 5))",
    "CREATE OR REPLACE MACRO practice_id(prefix, n) AS practice_id18(practice_id15(prefix, n))",
)
"""Macros of the org's database: `practice_id('00Q', n)` is the Id which `make_id("00Q", n)` gives."""


def make_id(prefix: str, number: int) -> str:
    """The 18-character Id of the `number`th record of a key prefix. Ids sort as their numbers do."""
    text = ""
    for _ in range(_NUMBER_WIDTH):
        number, digit = divmod(number, 62)
        text = _DIGITS[digit] + text
    if number:
        raise ValueError(f"no more Ids for prefix {prefix}")
    return to18(prefix + INSTANCE + text)


def number_of(record_id: str) -> int | None:
    """What `make_id` was given, or None for an Id made elsewhere."""
    if record_id[3:10] != INSTANCE:
        return None
    number = 0
    for digit in record_id[10:15]:
        number = number * 62 + _DIGITS.index(digit)
    return number


def to18(record_id: str) -> str:
    """Append the checksum to a 15-character Id."""
    return record_id[:15] + "".join(
        _CHECK[sum(1 << i for i, c in enumerate(record_id[part : part + 5]) if "A" <= c <= "Z")] for part in (0, 5, 10)
    )


def normal(record_id: object) -> str | None:
    """The 18-character form of an Id, or None when it is none: wrong length, wrong character, wrong checksum."""
    if not isinstance(record_id, str) or not _SHAPE.match(record_id):
        return None
    if len(record_id) == 15:
        return to18(record_id)
    return record_id if to18(record_id) == record_id else None
