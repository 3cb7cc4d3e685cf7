"""Pairs of alike records → groups of records that are one thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
SHOWN = 5
"""How many of a group's other records a message names."""


def grouped(rows: Iterable[Row], other: str) -> list[dict[str, Any]]:
    """One row for each group of the pairs (`id`, `other`), sorted by the group's smallest Id, which is its `id`.

    The row is the group's first pair with two columns set: `records`, their number, and `others`, the Ids of the rest
    (the first SHOWN of them). A pair's `id` is the smaller one.
    """
    pairs = sorted(rows, key=lambda row: (row["id"], row[other]))
    first: dict[str, Row] = {}
    for row in pairs:
        first.setdefault(row["id"], row)
    found = groups((row["id"], row[other]) for row in pairs)
    return [{**first[ids[0]], "records": len(ids), "others": _others(ids[1:])} for ids in found]


def groups(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Connected components of the pairs, each sorted, sorted by their first Id.

    A component in which two records are more than two steps apart is a chain, not one thing: it is cut into stars,
    the record with the most neighbours first (of two, the smaller Id). What is left over alone is no group.
    """
    near: dict[str, set[str]] = {}
    for a, b in pairs:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    found: list[list[str]] = []
    seen: set[str] = set()
    for start in sorted(near):
        if start not in seen:
            component = _reachable(start, near)
            seen |= component
            found += [sorted(component)] if _close(component, near) else _stars(component, near)
    return sorted(found)


def _reachable(start: str, near: Mapping[str, set[str]]) -> set[str]:
    reached, waiting = {start}, [start]
    while waiting:
        fresh = near[waiting.pop()] - reached
        reached |= fresh
        waiting += fresh
    return reached


def _close(component: set[str], near: Mapping[str, set[str]]) -> bool:
    """Whether nobody is more than two steps from anybody."""
    if any(len(near[record]) == len(component) - 1 for record in component):
        return True
    return all(component == near[r].union({r}, *(near[n] for n in near[r])) for r in component)


def _stars(component: set[str], near: Mapping[str, set[str]]) -> list[list[str]]:
    left = set(component)
    found = []
    while left:
        centre = min(left, key=lambda record: (-len(near[record] & left), record))
        star = (near[centre] & left) | {centre}
        if len(star) > 1:
            found.append(sorted(star))
        left -= star
    return found


def _others(ids: Sequence[str]) -> str:
    more = len(ids) - SHOWN
    return ", ".join(ids[:SHOWN]) + (f" and {more} more" if more > 0 else "")
