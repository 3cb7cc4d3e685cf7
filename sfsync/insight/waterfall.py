"""What happened to the pipeline between two days: start + every bar = end, to the cent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sfsync.errors import InputError, SfsyncError
from sfsync.insight.deals import Deals, state_notes
from sfsync.insight.fiscal import Period
from sfsync.insight.source import Source
from sfsync.insight.table import Table, make, money

ENTRIES = ("new", "reopened", "pulled_in", "moved_in")
CHANGES = ("increased", "decreased")
EXITS = ("pushed", "moved_out", "won", "lost", "removed")
BARS = (*ENTRIES, *CHANGES, *EXITS)


class Was(NamedTuple):
    """One opportunity at one moment."""

    amount: Decimal
    """In the currency of all totals, rounded to cents: what is printed must add up."""
    close_date: date | None
    is_closed: bool = False
    is_won: bool = False
    category: str | None = None
    owner: str | None = None


@dataclass(frozen=True)
class Scope:
    """Which open deals the waterfall is about."""

    window: Period | None = None
    """Of close dates; None for all."""
    exclude_omitted: bool = True
    owners: Sequence[str] = ()

    def holds(self, was: Was | None) -> bool:
        return (
            was is not None
            and not was.is_closed
            and not (self.exclude_omitted and was.category == "Omitted")
            and (not self.owners or was.owner in self.owners)
            and (self.window is None or was.close_date in self.window)
        )

    def later(self, was: Was) -> bool:
        """The close date lies after the window."""
        return self.window is not None and was.close_date is not None and was.close_date > self.window.end


Bars = list[tuple[str, Decimal]]


def split(before: Was | None, after: Was | None, scope: Scope, just_before_close: Was | None = None) -> Bars:
    """The bars of one opportunity, in the order they apply.

    before, after: None when it does not exist, or is deleted, at that moment. just_before_close: how it stood right
    before its last close, when that close lies between the two moments; None when it did not close in between.
    """
    if before is not None and scope.holds(before):
        return _stays_or_leaves(before, after, scope)
    if after is None:
        return []
    if scope.holds(after):
        return [(_entry(before, scope), after.amount)]
    if after.is_closed and scope.holds(just_before_close):
        return [(_entry(before, scope), after.amount), ("won" if after.is_won else "lost", -after.amount)]
    return []


def _stays_or_leaves(before: Was, after: Was | None, scope: Scope) -> Bars:
    if after is None:
        return [("removed", -before.amount)]
    change = after.amount - before.amount
    bars: Bars = [("increased" if change > 0 else "decreased", change)] if change else []
    if after.is_closed:
        return [*bars, ("won" if after.is_won else "lost", -after.amount)]
    if scope.holds(after):
        return bars
    return [*bars, ("pushed" if scope.later(after) else "moved_out", -after.amount)]


def _entry(before: Was | None, scope: Scope) -> str:
    if before is None:
        return "new"
    if before.is_closed:
        return "reopened"
    return "pulled_in" if scope.later(before) else "moved_in"


@dataclass(frozen=True)
class Deal:
    """One opportunity that takes part, with its bars."""

    id: str
    name: str | None
    before: Was | None
    after: Was | None
    bars: Bars
    in_before: bool
    in_after: bool


def waterfall(
    source: Source, start: date, end: date, *, window: Period | None = None, exclude_omitted: bool = True
) -> Table:
    """The open pipeline at the end of day `start`, its changes by kind, and the pipeline at the end of day `end`.

    Rows: start, the bars new, reopened, pulled_in, moved_in, increased, decreased, pushed, moved_out, won, lost,
    removed (amounts signed), end. window: only deals with a close date in it; a deal that closed is judged by the close
    date it had just before. Facts: bookings (won amount with a close date after `start` and up to `end`), and how many
    deals entered and left. Raises InputError when a moment cannot be told.
    """
    found = _Pairs(source, start, end, Scope(window, exclude_omitted, source.settings.owners))
    added = _Sums()
    for deal in found.deals():
        added.add(deal)
    rows = added.rows()
    check(rows)
    amount, count = found.bookings()
    return make(
        f"Pipeline from {start} to {end}",
        ("bar", "n", "amount"),
        rows,
        facts={
            "entries": added.entries,
            "exits": added.exits,
            "bookings": amount,
            "n_bookings": count,
        },
        notes=[
            *state_notes([found.before, found.after]),
            found.data.first_hand_note,
            *found.data.rates.notes(found.left_out),
        ],
        parameters={
            **source.common,
            "start": start,
            "end": end,
            "window": window.label if window else None,
            "exclude_omitted": exclude_omitted,
        },
    )


def waterfall_deals(
    source: Source, start: date, end: date, *, window: Period | None = None, exclude_omitted: bool = True
) -> Table:
    """The deals behind the bars: one row for each bar of each deal, by bar and size."""
    found = _Pairs(source, start, end, Scope(window, exclude_omitted, source.settings.owners))
    rows = [
        {"bar": bar, "id": d.id, "name": d.name, "amount": amount, **_dates(d)}
        for d in found.deals()
        for bar, amount in d.bars
    ]
    rows.sort(key=lambda r: (BARS.index(str(r["bar"])), -abs(r["amount"]), r["id"]))
    columns = ("bar", "id", "name", "amount", "close_date_before", "close_date_after")
    return make("Deals behind the waterfall", columns, rows, parameters={**source.common, "start": start, "end": end})


def check(rows: Sequence[Any]) -> None:
    """Start + bars = end, in money. Raises SfsyncError: a waterfall that does not add up is never shown."""
    by_bar = {row["bar"]: row["amount"] for row in rows}
    difference = by_bar["start"] + sum(by_bar[bar] for bar in BARS) - by_bar["end"]
    if difference:
        raise SfsyncError(f"the waterfall does not add up: {difference} is left over. Please report this as a bug.")


class _Sums:
    """What the deals add up to, bar by bar."""

    def __init__(self) -> None:
        self.sums = dict.fromkeys(("start", *BARS, "end"), Decimal("0.00"))
        self.counts = dict.fromkeys(self.sums, 0)
        self.entries = self.exits = 0
        """Deals, not bars."""

    def add(self, deal: Deal) -> None:
        if deal.in_before and deal.before:
            self._count("start", deal.before.amount)
        for bar, amount in deal.bars:
            self._count(bar, amount)
        if deal.in_after and deal.after:
            self._count("end", deal.after.amount)
        self.entries += any(bar in ENTRIES for bar, _ in deal.bars)
        self.exits += any(bar in EXITS for bar, _ in deal.bars)

    def rows(self) -> list[dict[str, Any]]:
        return [{"bar": bar, "n": self.counts[bar], "amount": money(self.sums[bar])} for bar in self.sums]

    def _count(self, bar: str, amount: Decimal) -> None:
        self.sums[bar] += amount
        self.counts[bar] += 1


def _dates(deal: Deal) -> dict[str, Any]:
    return {
        "close_date_before": deal.before.close_date if deal.before else None,
        "close_date_after": deal.after.close_date if deal.after else None,
    }


_CELLS = ("id", "amount", "close_date", "is_closed", "is_won", "category", "owner", "currency", "rate", "target_rate")

_WIDE = len(_CELLS)


class _Pairs:
    """Every opportunity that may take part, at both moments."""

    def __init__(self, source: Source, start: date, end: date, scope: Scope):
        if start >= end:
            raise InputError(f"the waterfall from {start} to {end} has no length: the first day must be the earlier.")
        self.source, self.scope = source, scope
        self.data = Deals(source)
        self.before, self.after = self.data.at(start), self.data.at(end)
        self.left_out = 0

    def deals(self) -> Iterator[Deal]:
        """Those that take part, one by one; `left_out` is right when the last was taken."""
        self.left_out = 0
        for row in self.data.stream(self._sql(), first=self.before.day, last=self.after.day):
            id, name, *cells = row
            was, becomes, (c_id, *closed_as) = cells[:_WIDE], cells[_WIDE : 2 * _WIDE], cells[2 * _WIDE :]
            before, after = self._was(*was), self._was(*becomes)
            if (was[0] and before is None) or (becomes[0] and after is None):
                self.left_out += 1
                continue
            close = Was(Decimal(0), closed_as[0], category=closed_as[1], owner=closed_as[2]) if c_id else None
            in_before, in_after = self.scope.holds(before), self.scope.holds(after)
            bars = split(before, after, self.scope, close)
            if bars or in_before or in_after:
                yield Deal(id, name, before, after, bars, in_before, in_after)

    def bookings(self) -> tuple[Decimal, int]:
        found = self.data.sums(
            self.after,
            {},
            "d.is_won IS TRUE AND d.close_date > CAST(:first AS DATE) AND d.close_date <= CAST(:last AS DATE)",
            first=self.before.day,
            last=self.after.day,
        )
        return money(sum((t.amount for _, t in found), Decimal(0))), sum(t.n for _, t in found)

    def _sql(self) -> str:
        """Deals open at one of the moments, or closed in between; c is how they stood just before that close."""
        listed = ", ".join(f"{side}.{name} AS {side}_{name}" for side in "ba" for name in _CELLS)
        close = ", ".join(f"c.{name} AS c_{name}" for name in ("id", "close_date", "category", "owner"))
        return (
            f"SELECT COALESCE(a.id, b.id) AS id, COALESCE(a.name, b.name) AS name, {listed}, {close} "
            f"FROM ({self.before.sql}) b FULL JOIN ({self.after.sql}) a ON a.id = b.id "
            f"LEFT JOIN ({self._just_before_close()}) c ON c.id = a.id "
            "WHERE b.is_closed IS FALSE OR a.is_closed IS FALSE OR c.id IS NOT NULL"
        )

    def _was(
        self,
        id: str | None,
        amount: Decimal | None,
        close_date: date | None,
        is_closed: bool,
        is_won: bool,
        category: str | None,
        owner: str | None,
        currency: str | None,
        dated: Decimal | None,
        target_dated: Decimal | None,
    ) -> Was | None:
        """The cells of _CELLS; None where there was no opportunity, or no rate for it."""
        rate = self.data.rates.rate(currency, dated, target_dated) if id else None
        if rate is None:
            return None
        return Was(money(Decimal(amount or 0) / rate), close_date, bool(is_closed), bool(is_won), category, owner)

    def _just_before_close(self) -> str:
        """A SELECT of id, close_date, category and owner, as they were just before the last close in between."""
        if self.source.has("salesforce.OpportunityHistory", "OpportunityId", "StageName", "CloseDate"):
            return self._closes()
        if self.data.first_hand is not None:
            return self._last_open_snapshot()
        text = "CAST(NULL AS text)"
        return f"SELECT {text} AS id, CAST(NULL AS date) AS close_date, {text} AS category, {text} AS owner WHERE 1 = 0"

    def _closes(self) -> str:
        return (
            "SELECT c.id, c.close_date, c.category, o.OwnerId AS owner FROM "
            "(SELECT x.*, ROW_NUMBER() OVER (PARTITION BY x.id ORDER BY x.at DESC, x.row_id DESC) AS place FROM "
            "(SELECT h.OpportunityId AS id, h.Id AS row_id, h.CreatedDate AS at, h.StageName AS to_stage, "
            "LAG(h.StageName) OVER w AS stage, LAG(h.CloseDate) OVER w AS close_date, "
            "LAG(h.ForecastCategory) OVER w AS category FROM salesforce.OpportunityHistory h WHERE h.OpportunityId IN "
            "(SELECT k.OpportunityId FROM salesforce.OpportunityHistory k WHERE k.StageName IN (cfg('closed_stages')) "
            "AND local_date(k.CreatedDate) > CAST(:first AS DATE) "
            "AND local_date(k.CreatedDate) <= CAST(:last AS DATE)) "
            "WINDOW w AS (PARTITION BY h.OpportunityId ORDER BY h.CreatedDate, h.Id)) x "
            "WHERE x.to_stage IN (cfg('closed_stages')) AND (x.stage IS NULL OR x.stage NOT IN (cfg('closed_stages'))) "
            "AND local_date(x.at) > CAST(:first AS DATE) AND local_date(x.at) <= CAST(:last AS DATE)) c "
            "JOIN salesforce.Opportunity o ON o.Id = c.id WHERE c.place = 1 AND c.stage IS NOT NULL"
        )

    def _last_open_snapshot(self) -> str:
        return (
            "SELECT s.id, s.closedate AS close_date, s.forecastcategory AS category, s.ownerid AS owner FROM "
            "(SELECT n.*, ROW_NUMBER() OVER (PARTITION BY n.id ORDER BY n.day DESC) AS place "
            "FROM sfsync.opportunity_snapshot n WHERE n.isclosed IS FALSE AND n.stagename IS NOT NULL "
            "AND n.day > CAST(:first AS DATE) AND n.day < CAST(:last AS DATE)) s WHERE s.place = 1"
        )
