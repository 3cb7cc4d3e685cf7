"""Amounts in one currency. Every total says how many records it could not count, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from sfsync.errors import InputError
from sfsync.insight.source import DATED_RATE, Source
from sfsync.insight.table import counted, money


@dataclass
class Tally:
    """A growing total of opportunities."""

    n: int = 0
    """Counted ones; those without a rate are not among them."""
    amount: Decimal = Decimal(0)
    n_no_amount: int = 0
    """Of `n`, those without an amount; they count as 0."""
    n_no_rate: int = 0
    """Left out: no conversion rate is known for their currency."""
    weighted: Decimal = Decimal(0)
    """Amount times the record's probability."""
    weighted_by_stage: Decimal = Decimal(0)
    """Amount times the stage's default probability."""

    def add(self, other: Tally) -> Tally:
        self.n += other.n
        self.amount += other.amount
        self.n_no_amount += other.n_no_amount
        self.n_no_rate += other.n_no_rate
        self.weighted += other.weighted
        self.weighted_by_stage += other.weighted_by_stage
        return self

    def shown(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "amount": money(self.amount),
            "n_no_amount": self.n_no_amount,
            "n_no_rate": self.n_no_rate,
            "weighted": money(self.weighted),
            "weighted_by_stage": money(self.weighted_by_stage),
        }


def total(tallies: Any) -> Tally:
    summed = Tally()
    for tally in tallies:
        summed.add(tally)
    return summed


@dataclass
class Rates:
    """Conversion into the one currency of all totals.

    `ConversionRate` is units of a currency for one unit of the corporate currency. Source: CurrencyType and
    DatedConversionRate in the Salesforce Object Reference.
    """

    source: Source

    @cached_property
    def multi(self) -> bool:
        return self.source.has("Opportunity", "CurrencyIsoCode")

    @property
    def dated(self) -> bool:
        return self.multi and self.source.has(DATED_RATE, "IsoCode", "StartDate", "NextStartDate", "ConversionRate")

    @property
    def dated_against(self) -> str | None:
        """The currency of all totals, where its rate of the day is needed, too: the corporate one's is always 1."""
        code = self.currency if self.dated else None
        return None if code is None or self._static.get(code, (None, False))[1] else code

    @cached_property
    def _static(self) -> Mapping[str, tuple[Decimal, bool]]:
        if not self.source.has("CurrencyType", "IsoCode", "ConversionRate"):
            return {}
        corporate = self.source.column("CurrencyType", "c", "IsCorporate", "boolean")
        found = self.source.rows(
            f"SELECT c.IsoCode AS code, c.ConversionRate AS rate, {corporate} AS corporate FROM live.CurrencyType c"
        )
        return {r.code: (Decimal(r.rate), bool(r.corporate)) for r in found if r.rate}

    def _asked(self, code: str) -> str:
        """A code that amounts can be told in; raises InputError, with those there are, when they cannot."""
        table, column = ("Opportunity", "CurrencyIsoCode") if self.multi else ("Organization", "DefaultCurrencyIsoCode")
        if not self.source.has(table, column):  # nothing here says otherwise
            return code
        found = self.source.rows(f"SELECT DISTINCT t.{column} AS code FROM live.{table} t WHERE t.{column} IS NOT NULL")
        known = sorted({*self._static, *(r.code for r in found)} if self.multi else {r.code for r in found})
        if known and code not in known:
            have = f"the org has {', '.join(known)}" + ("" if self.multi else " only")
            raise InputError(f'amounts cannot be told in "{code}": {have}.')
        return code

    @cached_property
    def currency(self) -> str | None:
        """The currency of every total; None in an org with one currency. Raises InputError for one there is not."""
        if self.source.settings.currency:
            return self._asked(self.source.settings.currency)
        if not self.multi:
            return None
        corporate = next((code for code, (_, is_corporate) in self._static.items() if is_corporate), None)
        if corporate:
            return corporate
        found = self.source.rows(
            "SELECT o.CurrencyIsoCode AS code, COUNT(*) AS n FROM live.Opportunity o "
            "WHERE o.CurrencyIsoCode IS NOT NULL GROUP BY o.CurrencyIsoCode ORDER BY n DESC, code LIMIT 1"
        )
        return found[0].code if found else None

    def prepare(self) -> None:
        """Ask the mirror all that `rate` needs, before a stream of rows keeps the connection."""
        if self.multi:
            _ = self.currency, self._static

    def rate(self, currency: str | None, dated: Decimal | None, target_dated: Decimal | None) -> Decimal | None:
        """What to divide an amount by; None when it cannot be converted.

        dated, target_dated: the rates of its currency and of that of all totals valid on its close date, where there
        are any; the static ones stand in for each.
        """
        if not self.multi or currency == self.currency:
            return Decimal(1)
        if currency is None:
            return None
        own = Decimal(dated) if dated else self._static.get(currency, (None, False))[0]
        target = Decimal(target_dated) if target_dated else self._static.get(self.currency or "", (None, False))[0]
        return None if own is None or target is None else own / target

    def tally(self, row: Any) -> Tally:
        """A group of opportunities of one currency and its rates, as `SUMS` selects it."""
        rate = self.rate(row.currency, row.rate, row.target_rate)
        if rate is None:
            return Tally(n_no_rate=int(row.n))
        return Tally(
            n=int(row.n),
            amount=Decimal(row.amount or 0) / rate,
            n_no_amount=int(row.n_no_amount or 0),
            weighted=Decimal(row.weighted or 0) / 100 / rate,
            weighted_by_stage=Decimal(row.weighted_by_stage or 0) / 100 / rate,
        )

    def notes(self, left_out: int = 0) -> list[str | None]:
        where = f"in another currency than {self.currency} without a conversion rate"
        return [
            f"amounts in {self.currency}" if self.currency else None,
            counted(left_out, f"opportunity {where} left out", f"opportunities {where} left out"),
        ]


WIDE = "CAST({} AS DECIMAL(38, 6))"
"""Money about to be multiplied: in DuckDB the product of small decimals must fit into a small decimal."""
BY_RATE = "d.currency, d.rate, d.target_rate"
"""What opportunities are grouped by whose amounts are added before they are converted."""
SUMS = (
    "COUNT(*) AS n, SUM(d.amount) AS amount, SUM(CASE WHEN d.amount IS NULL THEN 1 ELSE 0 END) AS n_no_amount, "
    f"SUM({WIDE.format('d.amount')} * COALESCE(d.probability, 0)) AS weighted, "
    f"SUM({WIDE.format('d.amount')} * COALESCE(d.stage_probability, 0)) AS weighted_by_stage, "
    f"{BY_RATE}"
)
"""The sums of a group of deals d; group by BY_RATE and whatever else. Exact decimals."""
