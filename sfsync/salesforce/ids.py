"""Salesforce record Ids: 15 case-sensitive characters, or the same 15 and a 3-character checksum of their capitals."""

from __future__ import annotations

import re

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)


def to18(id: str) -> str:
    """The 18-character form of an Id of 15 or 18 characters.

    Raises ValueError naming the value when it has another length or other characters than letters and digits, or when
    the last three of 18 characters do not fit the first 15 (an Id that was cut, or folded to one case).
    """
    if not isinstance(id, str) or not _SHAPE.fullmatch(id):
        raise ValueError(f"{id!r} is not a Salesforce Id: it must have 15 or 18 letters and digits.")
    whole = id[:15] + _checksum(id[:15])
    if len(id) == 18 and id[15:].upper() != whole[15:]:
        raise ValueError(f"{id!r} is not a Salesforce Id: its last three characters should be {whole[15:]}.")
    return whole


def _checksum(id15: str) -> str:
    # One character for each five: a bit is set where the character is a capital, the first being the lowest bit.
    return "".join(
        _ALPHABET[sum(1 << i for i, c in enumerate(id15[start : start + 5]) if "A" <= c <= "Z")] for start in (0, 5, 10)
    )
