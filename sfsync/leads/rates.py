"""How often leads of a source, or of a campaign, convert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sfsync.errors import InputError, nearest
from sfsync.insight.funnel import mature_after
from sfsync.insight.leaddata import first_campaign
from sfsync.insight.source import Source
from sfsync.leads.model import Scoring
from sfsync.leads.points import smoothed

DIMENSIONS = ("source", "campaign")


@dataclass(frozen=True)
class Rates:
    by_source: Mapping[str, Decimal]
    """LeadSource → smoothed conversion rate, 0..1; of every source that any lead has."""

    @property
    def best(self) -> Decimal | None:
        return max(self.by_source.values(), default=None)


def source_rates(source: Source, model: Scoring) -> Rates:
    """Of leads created in the last `rate_days` that are old enough to judge."""
    last = source.as_of - timedelta(days=mature_after(source) or 0)
    return rates_between(source, model, source.as_of - timedelta(days=model.rate_days), last)


def rates_between(source: Source, model: Scoring, first: date, last: date, *, known_by: date | None = None) -> Rates:
    """Of leads created on these days; known_by: a conversion after that day does not count."""
    known = "AND (l.ConvertedDate IS NULL OR l.ConvertedDate <= CAST(:known AS DATE)) " if known_by else ""
    found = source.rows(
        "SELECT NULLIF(TRIM(l.LeadSource), '') AS name, COUNT(*) AS leads, "
        f"SUM(CASE WHEN l.IsConverted IS TRUE {known}THEN 1 ELSE 0 END) AS converted "
        "FROM live.Lead l WHERE local_date(l.CreatedDate) BETWEEN CAST(:first AS DATE) AND CAST(:last AS DATE) "
        "GROUP BY 1",
        first=first,
        last=last,
        **({"known": known_by} if known_by else {}),
    )
    leads, converted = sum(int(r.leads) for r in found), sum(int(r.converted) for r in found)
    if not leads:
        return Rates({})
    overall = Decimal(converted) / leads
    named = {r.name: (int(r.converted), int(r.leads)) for r in found if r.name}
    every = source.rows("SELECT DISTINCT NULLIF(TRIM(l.LeadSource), '') AS name FROM live.Lead l")
    present = sorted(r.name for r in every if r.name)
    return Rates({name: smoothed(*named.get(name, (0, 0)), overall, model.rate_prior) for name in present})


def dimension(source: Source, by: str) -> tuple[str, str]:
    """(SQL of the value for a lead `l`, the JOIN it takes).

    A lead counts in one campaign, as in the funnel. Raises InputError for a dimension that is not offered, or whose
    tables are not mirrored.
    """
    if by not in DIMENSIONS:
        raise InputError(f'leads by "{by}" are not offered.{nearest(by, DIMENSIONS)}')
    if by == "campaign":
        return first_campaign(source)
    return f"NULLIF(TRIM({source.column('Lead', 'l', 'LeadSource', 'text')}), '')", ""
