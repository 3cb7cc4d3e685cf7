"""How good forecasts were: the call made early in a period against what was won in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sfsync.errors import InputError, nearest
from sfsync.insight.deals import Deals, State, state_notes
from sfsync.insight.fiscal import Period
from sfsync.insight.forecast import MEASURES, measure, owner_tallies
from sfsync.insight.money import BY_RATE, total
from sfsync.insight.source import Source
from sfsync.insight.table import Spread, Table, make, money, percent, tenth

LOCK_DAY = 7
SETTLED_DAYS = 5
"""How long after a period its actual is measured."""


@dataclass(frozen=True)
class Errors:
    """Calls F against actuals A, over several periods or people. None: nothing to divide by."""

    forecast: Decimal
    actual: Decimal
    bias_percent: Decimal | None
    """sum(F - A) / sum A: offsetting errors hide here."""
    wape_percent: Decimal | None
    """sum |F - A| / sum A."""
    mape_percent: Decimal | None
    """mean of |F - A| / A over A > 0: size hides here."""

    @classmethod
    def of(cls, pairs: Sequence[tuple[Decimal, Decimal]]) -> Errors:
        forecast, actual = (
            (sum(column, Decimal(0)) for column in zip(*pairs, strict=True)) if pairs else (Decimal(0),) * 2
        )
        shares = [100 * abs(f - a) / a for f, a in pairs if a > 0]
        return cls(
            forecast,
            actual,
            percent(forecast - actual, actual),
            percent(sum(abs(f - a) for f, a in pairs), actual),
            tenth(Spread((share, 1) for share in shares).mean),
        )


def judged(forecast: Decimal, actual: Decimal) -> dict[str, Any]:
    """error, ape_percent and accuracy_percent = max(0, 1 - |F - A| / A) of one call."""
    ape = 100 * abs(forecast - actual) / actual if actual else None
    return {
        "forecast": money(forecast),
        "actual": money(actual),
        "error": money(forecast - actual),
        "ape_percent": tenth(ape),
        "accuracy_percent": None if ape is None else tenth(max(Decimal(0), 100 - ape)),
    }


def accuracy(
    source: Source,
    periods: Iterable[Period],
    *,
    measure_name: str = "Commit",
    lock_day: int = LOCK_DAY,
    by_owner: bool = False,
) -> Table:
    """One row per period (and owner): the call at `lock_day` days into it, the actual, error and accuracy; then `all`.

    The call is a cumulative measure (Closed, Commit, MostLikely, BestCase, OpenPipeline). The actual is measured five
    days after the period; `restated` is how much it changed since. `commit_won_percent`: of the deals in Commit at the
    call, the share won in the period (by count). A period that has not ended, or whose call nobody kept, is not
    evaluated and says so in `reason`. The last row's bias and WAPE belong together.
    """
    if measure_name not in MEASURES:
        raise InputError(f'there is no measure "{measure_name}".{nearest(measure_name, MEASURES)}')
    judge = _Judge(Deals(source), measure_name)
    rows: list[dict[str, Any]] = []
    pairs: list[tuple[Decimal, Decimal]] = []
    for period in periods:
        made, some = judge.period(period, lock_day, by_owner)
        rows += made
        pairs += some
    every = Errors.of(pairs)
    summary = {
        "period": "all",
        "forecast": money(every.forecast),
        "actual": money(every.actual),
        "error": money(every.forecast - every.actual),
        "bias_percent": every.bias_percent,
        "wape_percent": every.wape_percent,
        "mape_percent": every.mape_percent,
    }
    columns = ("period", *(("owner",) if by_owner else ()), "call_day", "origin", "forecast", "actual", "error")
    rates = ("ape_percent", "accuracy_percent", "bias_percent", "wape_percent", "mape_percent", "commit_won_percent")
    return make(
        f"Accuracy of {measure_name}, called on day {lock_day}",
        (*columns, *rates, "commit_won_value_percent", "restated", "reason"),
        [*rows, summary],
        notes=[judge.deals.first_hand_note, *state_notes(judge.states)],
        parameters={**source.common, "measure": measure_name, "lock_day": lock_day, "settled_days": SETTLED_DAYS},
    )


def refinement(source: Source, period: Period, *, measure_name: str = "Commit", every: int = 7) -> Table:
    """The same measure on day 0, 7, 14 … and the last of the period, against the actual: how it became better."""
    judge = _Judge(Deals(source), measure_name)
    ended, reason = judge.ended(period)
    actual = judge.actual(period, ended).get("", Decimal(0)) if ended else None
    rows: list[dict[str, Any]] = []
    for day in [*range(0, period.days - 1, every), period.days - 1]:
        at = period.start + timedelta(days=day)
        call = judge.call(period, at, with_deals=False) if at <= source.as_of else None
        row: dict[str, Any] = {"lock_day": day, "call_day": at}
        if isinstance(call, Call):
            forecast = call.by_owner.get("", Decimal(0))
            row |= {"origin": call.origin, "forecast": money(forecast)}
            row |= judged(forecast, actual) if actual is not None else {}
        rows.append(row)
    return make(
        f"How {measure_name} of {period.label} became better",
        ("lock_day", "call_day", "origin", "forecast", "actual", "error", "ape_percent", "accuracy_percent"),
        rows,
        notes=[judge.deals.first_hand_note, reason, *state_notes(judge.states)],
        parameters={**source.common, "period": period.label, "measure": measure_name},
    )


@dataclass(frozen=True)
class Call:
    """What was forecast for a period on a day: owner → amount, "" for all; and the deals that were in Commit."""

    day: date
    origin: str
    by_owner: Mapping[str, Decimal]
    commit_won_percent: Decimal | None
    commit_won_value_percent: Decimal | None


class _Judge:
    def __init__(self, deals: Deals, measure_name: str):
        self.deals = deals
        self.source = deals.source
        self.measure = measure_name
        self.states: list[State] = []

    def period(
        self, period: Period, lock_day: int, by_owner: bool
    ) -> tuple[list[dict[str, Any]], list[tuple[Decimal, Decimal]]]:
        measured, reason = self.ended(period)
        call = None if measured is None else self.call(period, period.start + timedelta(days=lock_day))
        if measured is None or not isinstance(call, Call):
            return [{"period": period.label, "reason": reason or call}], []
        actual = self.actual(period, measured)
        now = self.actual(period, self.source.as_of) if self.source.as_of > measured else actual
        owners = sorted({*call.by_owner, *actual} - {""}) if by_owner else [""]
        rows, pairs = [], []
        for owner in owners:
            pair = (call.by_owner.get(owner, Decimal(0)), actual.get(owner, Decimal(0)))
            pairs.append(pair)
            row = {"period": period.label, "call_day": call.day, "origin": call.origin, **judged(*pair)}
            row["restated"] = money(now.get(owner, Decimal(0)) - pair[1])
            if by_owner:
                row["owner"] = self.source.users.get(owner, owner)
            else:
                row |= {
                    "commit_won_percent": call.commit_won_percent,
                    "commit_won_value_percent": call.commit_won_value_percent,
                }
            rows.append(row)
        return rows, pairs

    def ended(self, period: Period) -> tuple[date | None, str | None]:
        """(the day its actual is measured, None) or (None, why not)."""
        settled = period.end + timedelta(days=SETTLED_DAYS)
        if self.source.as_of < settled:
            return None, f"{period.label} is not evaluated before {settled}"
        return settled, None

    def call(self, period: Period, day: date, *, with_deals: bool = True) -> Call | str:
        """with_deals: also what became of the deals in Commit. A text says why there is no call."""
        try:
            state = self.deals.at(day)
        except InputError as err:
            return str(err)
        self.states.append(state)
        tallies, _, _ = owner_tallies(self.deals, state, period)
        found = {owner: measure(own, self.measure) for owner, own in tallies.items()}
        found[""] = sum(found.values(), Decimal(0))
        return Call(day, state.origin, found, *(self._commit_won(state.sql, period) if with_deals else (None, None)))

    def actual(self, period: Period, day: date) -> dict[str, Decimal]:
        """owner → won with a close date in the period as known on that day; "" for all."""
        found = self.deals.sums(
            self.deals.at(day),
            {"owner": "d.owner"},
            "d.is_won IS TRUE AND d.close_date BETWEEN CAST(:start AS DATE) AND CAST(:end AS DATE)",
            start=period.start,
            end=period.end,
        )
        by_owner: dict[str, Decimal] = {"": total(t for _, t in found).amount}
        for row, tally in found:
            by_owner[row.owner or "(none)"] = by_owner.get(row.owner or "(none)", Decimal(0)) + tally.amount
        return by_owner

    def _commit_won(self, sql: str, period: Period) -> tuple[Decimal | None, Decimal | None]:
        """Of the deals in Commit at the call, those won in the period: by count, and by the amount at the call."""
        now = self.deals.at(self.source.as_of)
        inside = "BETWEEN CAST(:start AS DATE) AND CAST(:end AS DATE)"
        rows = self.deals.select(
            f"SELECT COALESCE(a.is_won AND a.close_date {inside}, FALSE) AS won, COUNT(*) AS n, "
            f"SUM(COALESCE(d.amount, 0)) AS amount, {BY_RATE} "
            f"FROM ({sql}) d LEFT JOIN ({now.sql}) a ON a.id = d.id WHERE d.is_closed IS FALSE "
            f"AND d.category = 'Forecast' AND d.close_date {inside} AND {self.source.owned('d.owner')} "
            f"GROUP BY 1, {BY_RATE}",
            start=period.start,
            end=period.end,
        )
        count, value = {True: 0, False: 0}, {True: Decimal(0), False: Decimal(0)}
        for row in rows:
            rate = self.deals.rates.rate(row.currency, row.rate, row.target_rate)
            if rate is not None:
                count[bool(row.won)] += int(row.n)
                value[bool(row.won)] += Decimal(row.amount or 0) / rate
        return percent(count[True], sum(count.values())), percent(value[True], sum(value.values()))
