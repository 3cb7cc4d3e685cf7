"""Pairs → clusters, by guarded union. Pure.

Connected components would chain: A like B, B like C, and two people end in one record. So the best pairs are joined
first, and two groups are joined only if no pair across them is vetoed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Edge = tuple[str, str, float]
"""(left Id, right Id, score)"""
Veto = Callable[[str, str], str | None]


@dataclass(frozen=True)
class Refusal:
    """A union that was not made, and the pair that forbids it."""

    left: str
    right: str
    reason: str


@dataclass(frozen=True)
class Group:
    ids: tuple[str, ...]
    """Sorted."""
    contested: bool
    """A neighbour was kept out by a veto, so one of these may belong to the neighbour instead."""


def guarded_union(edges: Iterable[Edge], veto: Veto) -> tuple[list[Group], list[Refusal]]:
    """Groups of two and more by their smallest Id, and the unions refused in the order met.

    Edges are taken by falling score, then by Ids, so the result does not depend on the order given.
    """
    members: dict[str, list[str]] = {}
    contested: set[str] = set()
    refusals: list[Refusal] = []
    for left, right, _ in sorted(edges, key=lambda e: (-e[2], e[0], e[1])):
        a, b = members.setdefault(left, [left]), members.setdefault(right, [right])
        if a is b:
            continue
        refusal = _contradiction(a, b, veto)
        if refusal:
            refusals.append(refusal)
            contested.update((left, right))
            continue
        small, large = sorted((a, b), key=len)
        large.extend(small)
        for id in small:
            members[id] = large
    groups = sorted({tuple(sorted(group)) for group in members.values() if len(group) > 1})
    return [Group(ids, not contested.isdisjoint(ids)) for ids in groups], refusals


def is_star(ids: Sequence[str], master: str, strong: set[tuple[str, str]]) -> bool:
    """Whether every record is strongly matched with the master itself, not with a neighbour of a neighbour."""
    return all((min(id, master), max(id, master)) in strong for id in ids if id != master)


def _contradiction(a: Sequence[str], b: Sequence[str], veto: Veto) -> Refusal | None:
    for left in sorted(a):
        for right in sorted(b):
            reason = veto(left, right)
            if reason:
                return Refusal(min(left, right), max(left, right), reason)
    return None
