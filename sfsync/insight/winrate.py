"""Win rate, sales cycle and velocity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sfsync.errors import InputError, nearest
from sfsync.insight.deals import Deals, State
from sfsync.insight.fiscal import Period
from sfsync.insight.money import Tally, total
from sfsync.insight.source import Source
from sfsync.insight.table import Spread, Table, counted, make, money, percent, tenth

WINDOW_DAYS = 365
DIMENSIONS: Mapping[str, str] = {
    "owner": "OwnerId",
    "source": "LeadSource",
    "type": "Type",
    "record-type": "RecordTypeId",
}


def win_rate(
    source: Source,
    period: Period,
    *,
    by: str | None = None,
    loss_reason_field: str | None = None,
    excluded_reasons: Sequence[str] = (),
    cycle_from: str = "created",
    window_days: int = WINDOW_DAYS,
) -> Table:
    """Won against lost of the deals closed in the period; a row per value of `by` when given, the last for all.

    by: owner, source, type or record-type. excluded_reasons: lost deals with such a value in `loss_reason_field` (as
    Duplicate) count nowhere. cycle_from: where a won deal's cycle begins: created, lead (creation of the lead it came
    from) or the name of a stage (first entry into it). Cycles below zero are left out and counted. Facts: velocity per
    day = open deals in scope x average won amount x win rate / average cycle, of the last `window_days` days.
    """
    work = _Work(source, _reasons(source, loss_reason_field, excluded_reasons), cycle_from)
    found = work.outcomes(period, by)
    every = merged(found.values())
    order = sorted(found, key=lambda v: (v is None, v or "")) if by else []
    rows = [{"line": "(none)" if v is None else source.users.get(v, v), **found[v].shown()} for v in order]
    rows.append({"line": "all", **every.shown()})
    trailing = Period(source.as_of - timedelta(days=window_days - 1), source.as_of, f"last {window_days} days")
    last = merged(work.outcomes(trailing).values())
    open_deals = work.open_deals()
    per_day = last.velocity(open_deals)
    facts = {f"trailing_{k}": v for k, v in last.shown().items()}
    return make(
        f"Win rate, {period.label}",
        ("line", "won", "lost", "won_amount", "lost_amount", "win_rate_percent", "win_rate_value_percent",
         "cycle_median_days", "cycle_mean_days", "cycles", "negative_cycles"),
        rows,
        facts={**facts, "open_deals": open_deals, "velocity_per_day": per_day},
        notes=[
            work.state.note,
            *work.deals.rates.notes(every.won.n_no_rate + every.lost.n_no_rate),
            counted(every.negative, "won deal was closed before it began: not in the cycle",
                    "won deals were closed before they began: not in the cycle"),
        ],
        parameters={**source.common, "period": period.label, "from": period.start, "to": period.end, "by": by,
                    "cycle_from": cycle_from, "window_days": window_days, "excluded_reasons": list(excluded_reasons)},
    )  # fmt: skip


def velocity(open_deals: int, average_won: Decimal, win_rate: Decimal, cycle_days: Decimal) -> Decimal | None:
    """Money per day; None without a win or a cycle. win_rate: 0..1."""
    if not win_rate or not cycle_days:
        return None
    return money(open_deals * average_won * win_rate / cycle_days)


@dataclass
class Outcome:
    """What became of some closed deals."""

    won: Tally = field(default_factory=Tally)
    lost: Tally = field(default_factory=Tally)
    cycles: Spread = field(default_factory=Spread)
    """Days from the beginning to the close of won deals."""
    negative: int = 0
    """Won deals that closed before they began."""

    def add(self, other: Outcome) -> None:
        self.won.add(other.won)
        self.lost.add(other.lost)
        self.cycles.merge(other.cycles)
        self.negative += other.negative

    def shown(self) -> dict[str, Any]:
        return {
            **_rates(self.won, self.lost),
            "cycle_median_days": tenth(self.cycles.median),
            "cycle_mean_days": tenth(self.cycles.mean),
            "cycles": self.cycles.n,
            "negative_cycles": self.negative,
        }

    def velocity(self, open_deals: int) -> Decimal | None:
        won, mean = self.won.n, self.cycles.mean
        if not won or mean is None:
            return None
        return velocity(open_deals, self.won.amount / won, Decimal(won) / (won + self.lost.n), mean)


def merged(outcomes: Iterable[Outcome]) -> Outcome:
    every = Outcome()
    for outcome in outcomes:
        every.add(outcome)
    return every


class _Work:
    def __init__(self, source: Source, reasons: tuple[str, list[str]], cycle_from: str):
        self.source = source
        self.deals = Deals(source)
        self.state: State = self.deals.at(source.as_of)
        self.kept, self.excluded = reasons
        self.begin = _begin(self.deals, cycle_from)
        self.cycle_from = cycle_from

    def outcomes(self, period: Period, by: str | None = None) -> dict[Any, Outcome]:
        """Value of `by` → outcome; everything under None without it."""
        value = self._value(by)
        where = f"d.is_closed IS TRUE AND {_INSIDE} AND {self.kept}"
        given = {"start": period.start, "end": period.end, "excluded": self.excluded}
        found: dict[Any, Outcome] = {}
        for row, tally in self.deals.sums(self.state, {"value": value, "won": "d.is_won"}, where, join=_JOIN, **given):
            outcome = found.setdefault(row.value, Outcome())
            (outcome.won if row.won else outcome.lost).add(tally)
        for row in self._cycles(value, where, given):
            outcome = found.setdefault(row.value, Outcome())
            if row.days >= 0:
                outcome.cycles.add(int(row.days), int(row.n))
            else:
                outcome.negative += int(row.n)
        return found

    def open_deals(self) -> int:
        scope = "d.is_closed IS FALSE AND COALESCE(d.category, 'Pipeline') <> 'Omitted'"
        return total(t for _, t in self.deals.sums(self.state, {}, scope)).n

    def _value(self, by: str | None) -> str:
        if by is None:
            return "CAST(NULL AS text)"
        if by not in DIMENSIONS:
            raise InputError(f'win rate by "{by}" is not offered.{nearest(by, list(DIMENSIONS))}')
        self.source.need("Opportunity", DIMENSIONS[by])
        return f"f.{DIMENSIONS[by]}"

    def _cycles(self, value: str, where: str, given: Mapping[str, Any]) -> list[Any]:
        sql = (
            f"SELECT {value} AS value, days_between(b.day, d.close_date) AS days, COUNT(*) AS n "
            f"FROM ({self.state.sql}) d {_JOIN} JOIN ({self.begin}) b ON b.id = d.id "
            f"WHERE d.is_won IS TRUE AND {where} AND b.day IS NOT NULL AND {self.source.owned('d.owner')} GROUP BY 1, 2"
        )
        stage = {} if self.cycle_from in ("created", "lead") else {"stage": self.cycle_from}
        return self.deals.select(sql, **given, **stage)


_INSIDE = "d.close_date BETWEEN CAST(:start AS DATE) AND CAST(:end AS DATE)"
_JOIN = "JOIN salesforce.Opportunity f ON f.Id = d.id"


def _rates(won: Tally, lost: Tally) -> dict[str, Any]:
    return {
        "won": won.n,
        "lost": lost.n,
        "won_amount": money(won.amount),
        "lost_amount": money(lost.amount),
        "win_rate_percent": percent(won.n, won.n + lost.n),
        "win_rate_value_percent": percent(won.amount, won.amount + lost.amount),
    }


def _reasons(source: Source, name: str | None, excluded: Sequence[str]) -> tuple[str, list[str]]:
    if not excluded:
        return "TRUE", []
    if name is None:
        raise InputError("to leave out lost deals by reason, say which field holds it: --loss-reason-field NAME.")
    source.need("Opportunity", name)
    return f"(d.is_won IS TRUE OR f.{name} IS NULL OR f.{name} NOT IN (cfg('excluded')))", list(excluded)


def _begin(deals: Deals, cycle_from: str) -> str:
    """A SELECT of id and day: when the cycle of each opportunity begins."""
    source = deals.source
    if cycle_from == "created":
        return "SELECT o.Id AS id, local_date(o.CreatedDate) AS day FROM salesforce.Opportunity o"
    if cycle_from == "lead":
        source.need("Lead", "ConvertedOpportunityId", "CreatedDate")
        return (
            "SELECT l.ConvertedOpportunityId AS id, MIN(local_date(l.CreatedDate)) AS day FROM live.Lead l "
            "WHERE l.ConvertedOpportunityId IS NOT NULL GROUP BY l.ConvertedOpportunityId"
        )
    if cycle_from not in deals.by_name:
        known = ["created", "lead", *deals.by_name]
        raise InputError(f'a cycle cannot begin with "{cycle_from}".{nearest(cycle_from, known)}')
    source.need("OpportunityHistory", "OpportunityId", "StageName", "CreatedDate")
    return (
        "SELECT h.OpportunityId AS id, MIN(local_date(h.CreatedDate)) AS day FROM live.OpportunityHistory h "
        "WHERE h.StageName = :stage GROUP BY h.OpportunityId"
    )
