"""Win rate, sales cycle and velocity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sfsync.errors import InputError, nearest
from sfsync.insight.deals import Deals, State
from sfsync.insight.fiscal import Period
from sfsync.insight.money import Tally, total
from sfsync.insight.source import Source
from sfsync.insight.table import Table, average, counted, make, median, money, percent, tenth

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
    rows = [] if by is None else work.by(period, by)
    rows.append({"line": "all", **work.outcome(period)})
    trailing = Period(source.as_of - timedelta(days=window_days - 1), source.as_of, f"last {window_days} days")
    last = work.outcome(trailing)
    per_day, open_deals = work.velocity(last)
    facts = {f"trailing_{k}": v for k, v in last.items()}
    return make(
        f"Win rate, {period.label}",
        ("line", "won", "lost", "won_amount", "lost_amount", "win_rate_percent", "win_rate_value_percent",
         "cycle_median_days", "cycle_mean_days", "cycles", "negative_cycles"),
        rows,
        facts={**facts, "open_deals": open_deals, "velocity_per_day": per_day},
        notes=[
            work.state.note,
            *work.deals.rates.notes(work.left_out),
            counted(rows[-1]["negative_cycles"], "won deal was closed before it began: not in the cycle",
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


class _Work:
    def __init__(self, source: Source, reasons: tuple[str, list[str]], cycle_from: str):
        self.source = source
        self.deals = Deals(source)
        self.state: State = self.deals.at(source.as_of)
        self.kept, self.excluded = reasons
        self.begin = _begin(self.deals, cycle_from)
        self.cycle_from = cycle_from
        self.left_out = 0
        self._last: tuple[int, int, Decimal, Decimal | None] = (0, 0, Decimal(0), None)

    def outcome(self, period: Period, extra: str = "TRUE", **values: Any) -> dict[str, Any]:
        where = f"d.is_closed IS TRUE AND {_INSIDE} AND {self.kept} AND ({extra})"
        given = {"start": period.start, "end": period.end, "excluded": self.excluded, **values}
        found = self.deals.sums(self.state, {"won": "d.is_won"}, where, join=_JOIN, **given)
        won, lost = (total(t for r, t in found if bool(r.won) is side) for side in (True, False))
        self.left_out = won.n_no_rate + lost.n_no_rate
        cycles, negative = self._cycles(where, given)
        mean = average(cycles)
        self._last = (won.n, lost.n, won.amount, mean)
        return {
            **_rates(won, lost),
            "cycle_median_days": tenth(median(cycles)),
            "cycle_mean_days": tenth(mean),
            "cycles": len(cycles),
            "negative_cycles": negative,
        }

    def by(self, period: Period, name: str) -> list[dict[str, Any]]:
        if name not in DIMENSIONS:
            raise InputError(f'win rate by "{name}" is not offered.{nearest(name, list(DIMENSIONS))}')
        field = DIMENSIONS[name]
        self.source.need("Opportunity", field)
        found = self.source.rows(
            f"SELECT DISTINCT f.{field} AS value FROM live.Opportunity f WHERE f.IsClosed IS TRUE "
            "AND f.CloseDate BETWEEN CAST(:start AS DATE) AND CAST(:end AS DATE)",
            start=period.start,
            end=period.end,
        )
        rows = []
        for value in sorted((r.value for r in found), key=lambda v: (v is None, v or "")):
            extra = f"f.{field} IS NULL" if value is None else f"f.{field} = :value"
            outcome = self.outcome(period, extra, **({} if value is None else {"value": value}))
            label = "(none)" if value is None else self.source.users.get(value, value)
            rows.append({"line": label, **outcome})
        return rows

    def velocity(self, trailing: Mapping[str, Any]) -> tuple[Decimal | None, int]:
        won, lost, amount, mean = self._last
        scope = "d.is_closed IS FALSE AND COALESCE(d.category, 'Pipeline') <> 'Omitted'"
        open_deals = total(t for _, t in self.deals.sums(self.state, {}, scope)).n
        if not won or mean is None:
            return None, open_deals
        return velocity(open_deals, amount / won, Decimal(won) / (won + lost), mean), open_deals

    def _cycles(self, where: str, given: Mapping[str, Any]) -> tuple[list[int], int]:
        sql = (
            f"SELECT days_between(b.day, d.close_date) AS days, COUNT(*) AS n FROM ({self.state.sql}) d {_JOIN} "
            f"JOIN ({self.begin}) b ON b.id = d.id WHERE d.is_won IS TRUE AND {where} AND b.day IS NOT NULL "
            f"AND {self.source.owned('d.owner')} GROUP BY 1"
        )
        stage = {} if self.cycle_from in ("created", "lead") else {"stage": self.cycle_from}
        rows = self.deals.select(sql, **given, **stage)
        cycles = [days for r in rows for days in [int(r.days)] * int(r.n) if days >= 0]
        return cycles, sum(int(r.n) for r in rows if r.days < 0)


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
