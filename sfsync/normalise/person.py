"""Names of people, comparable across spelling."""

from __future__ import annotations

from sfsync.normalise.fold import fold, strip_accents, words


def norm_person(first: str | None, last: str | None) -> str | None:
    """`('José ', 'García-López')` → `jose garcia lopez`. None when neither has a letter or digit."""
    found = words(strip_accents(fold(f"{first or ''} {last or ''}")))
    return " ".join(found) or None
