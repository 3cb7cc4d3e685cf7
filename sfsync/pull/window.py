"""What to ask for: the window of each sObject and the way to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sfsync.mapping import ObjectMapping
from sfsync.salesforce.soql import literal, select
from sfsync.warehouse import schema

REST_ROWS = 2000
"""Up to one page of REST: above it Salesforce advises the Bulk API. Source: Bulk API 2.0 guide, "How Requests"."""

FIRST = "first pull"
MARKS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")


@dataclass(frozen=True)
class Cursor:
    """Where the last pull of an sObject stopped."""

    until: datetime
    watermark: str | None
    start: datetime | None
    rows: int = 0
    formulas_at: datetime | None = None
    deletions_at: datetime | None = None
    """Every deletion before it is in the mirror: by the org's log of deletions, or because all Ids were compared."""


@dataclass(frozen=True)
class Window:
    """One sObject's read: which rows, which fields."""

    mapping: ObjectMapping
    fields: tuple[str, ...]
    described: Sequence[Mapping[str, Any]]
    watermark: str | None
    since: datetime | None
    """Rows changed at or after this; None reads every row."""
    full: bool
    why: str
    """Why it is read in full; "" for an increment."""
    all_rows: bool
    """Deleted rows too: only objects that have them."""
    refresh: tuple[str, ...] = ()
    """Fields to read for every row besides: new or retyped ones, and formulas and other unstamped ones whose turn it
    is. None moves a stamp."""
    formulas: bool = False
    """Whether all formula fields and unstamped ones are among `refresh`."""
    known_rows: int = 0
    """In the mirror so far."""
    deletions_since: datetime | None = None
    """From when on the org's log of deletions is to be read; None for an object that has none."""

    @property
    def sobject(self) -> str:
        return self.mapping.sobject

    @property
    def where(self) -> str | None:
        if self.since is None or self.watermark is None:
            return None
        return f"{self.watermark} >= {literal(self.since)}"

    @property
    def soql(self) -> str:
        return select(self.sobject, list(self.fields), self.where)

    @property
    def refresh_soql(self) -> str:
        return select(self.sobject, ["Id", *self.refresh])

    @property
    def count_soql(self) -> str:
        return f"SELECT COUNT() FROM {self.sobject}" + (f" WHERE {self.where}" if self.where else "")


def window(
    mapping: ObjectMapping,
    describe: Mapping[str, Any],
    cursor: Cursor | None,
    known: Mapping[str, str],
    *,
    overlap: timedelta,
    start: datetime | None,
    formulas_every: timedelta,
    now: datetime,
    full: bool,
    again: datetime | None = None,
) -> Window:
    """Decide the window of one sObject.

    The lower bound is the last cursor minus the overlap. There is no upper bound: rows that change while we read only
    come along early, and the next cursor is the org's clock from before the read.

    now: by the org's clock, as the cursor's moments are. known: the columns of the mirror so far. Old rows of a field
    it lacks keep their stamp, so that field is read for every row, as formulas and the mapping's unstamped fields are
    once in formulas_every. again: an earlier lower bound, to read something again.
    """
    described = mapping.keep(describe)
    names = {f["name"] for f in described}
    mark = mapping.watermark or next((m for m in MARKS if m in names), None)
    if mapping.whole:
        mark = None
    added = _unlike(described, known) if known else []
    if cursor is None:
        why = FIRST
    elif full:
        why = "asked for"
    elif mark is None:
        why = "read whole each time"
    elif cursor.watermark != mark:
        why = "another watermark"
    elif cursor.start != start and cursor.start is not None:
        why = "another start"
    else:
        why = ""
    since = start if why or cursor is None else min(cursor.until - overlap, again or cursor.until)
    due = cursor is not None and (cursor.formulas_at is None or now - cursor.formulas_at >= formulas_every)
    formulas = [f["name"] for f in described if mapping.drifts(f)] if due else []
    return Window(
        mapping=mapping,
        fields=tuple(f["name"] for f in described),
        described=described,
        watermark=mark,
        since=since if mark else None,
        full=bool(why),
        why=why,
        all_rows="IsDeleted" in names,
        refresh=() if why else tuple(dict.fromkeys([*added, *formulas])),
        formulas=bool(formulas) and not why,
        known_rows=cursor.rows if cursor else 0,
        deletions_since=cursor.deletions_at if cursor and mark and _logged(mapping, describe) else None,
    )


def _logged(mapping: ObjectMapping, describe: Mapping[str, Any]) -> bool:
    """Whether the org logs deletions of its own of this object: rows that follow a parent go when that goes."""
    return bool(describe.get("replicateable")) and not mapping.follows


def _unlike(described: Sequence[Mapping[str, Any]], known: Mapping[str, str]) -> list[str]:
    """Fields the mirror has no column for, or one of a narrower type: what old rows hold in them is not the org's."""
    kinds = {f["name"]: schema.sql_type(f) for f in described}
    return sorted(n for n, kind in kinds.items() if n not in known or schema.widened(known[n], kind) != known[n])


def route(window: Window, asked: str, rows: int | None) -> Literal["rest", "bulk"]:
    """REST for little, Bulk for much or an unknown number; objects the Bulk API refuses always by REST."""
    if window.mapping.api == "rest":
        return "rest"
    if asked in ("rest", "bulk"):
        return "rest" if asked == "rest" else "bulk"
    return "rest" if rows is not None and rows <= REST_ROWS else "bulk"
