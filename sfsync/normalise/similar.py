"""How alike two texts are: Jaro-Winkler, computed here because not every database has it."""

from __future__ import annotations

PREFIX_WEIGHT = 0.1
PREFIX_LENGTH = 4
BOOST_FROM = 0.7
"""A common beginning counts only for texts that are this alike without it."""


def similarity(a: str | None, b: str | None) -> float:
    """0.0 to 1.0; symmetric; 1.0 for equal texts, 0.0 when one is None or empty. Give it normalised texts."""
    if not a or not b:
        return 0.0
    if a == b:
        return 1.0
    base = _jaro(a, b)
    if base <= BOOST_FROM:
        return base
    prefix = 0
    for x, y in zip(a[:PREFIX_LENGTH], b[:PREFIX_LENGTH], strict=False):
        if x != y:
            break
        prefix += 1
    return base + prefix * PREFIX_WEIGHT * (1 - base)


def _jaro(a: str, b: str) -> float:
    reach = max(max(len(a), len(b)) // 2 - 1, 0)
    taken = [False] * len(b)
    matched_a: list[str] = []
    for i, x in enumerate(a):
        for j in range(max(0, i - reach), min(len(b), i + reach + 1)):
            if not taken[j] and b[j] == x:
                taken[j] = True
                matched_a.append(x)
                break
    if not matched_a:
        return 0.0
    matched_b = [y for y, hit in zip(b, taken, strict=True) if hit]
    count = len(matched_a)
    moved = sum(x != y for x, y in zip(matched_a, matched_b, strict=True)) // 2
    # the two lengths in a fixed order, so that similarity(a, b) and similarity(b, a) are the same float
    short, long = sorted((len(a), len(b)))
    return (count / short + count / long + (count - moved) / count) / 3
