"""Scores of the active leads, in the order they should be worked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from sfsync.errors import WarehouseError
from sfsync.insight.funnel import mature_after
from sfsync.insight.leaddata import ACTIVE
from sfsync.insight.source import Source
from sfsync.insight.table import Table, counted, make, percent
from sfsync.insight.touch import last_touch, touched
from sfsync.leads.model import Scoring
from sfsync.leads.points import Known, Scored, scorer, smoothed
from sfsync.normalise.fold import blank

COVERED = ("Email", "NumberOfEmployees", "Industry", "Country", "Title", "LeadSource", "Rating")
EMAIL = Literal["corporate", "free", "disposable", "invalid", "none"]


@dataclass(frozen=True)
class Lead:
    """An active lead with its score."""

    id: str
    created: datetime
    deadline: datetime
    """Until when somebody should have been in touch."""
    owner: str | None
    scored: Scored
    known: Known

    @property
    def place(self) -> tuple[Any, ...]:
        """Work order: tier, response deadline, score, creation, Id."""
        return self.scored.tier, self.deadline, -self.scored.score, self.created, self.id


@dataclass(frozen=True)
class Scores:
    leads: Sequence[Lead]
    """In work order."""
    excluded: Mapping[str, str]
    """Lead's Id → why it has no score."""
    coverage: Mapping[str, Decimal | None]
    """Field → percent of active leads that have it."""
    rates: Mapping[str, Decimal]
    """LeadSource → smoothed conversion rate, 0..1."""


def scores(source: Source, model: Scoring) -> Scores:
    """Score every active lead that no exclusion stops. Needs `sfsync.norm_Lead`; raises WarehouseError without it."""
    need_normalised(source, "Lead")
    source.need("Lead", "CreatedDate", "Status", "IsConverted")
    rates = source_rates(source, model)
    best = max(rates.values(), default=None)
    customers = _customer_domains(source, model)
    judge = scorer(model)
    leads: list[Lead] = []
    excluded: dict[str, str] = {}
    rows = source.rows(_sql(source), terminal=source.terminal_statuses, owners=list(source.settings.owners))
    for row in rows:
        reason = _excluded(row.domain, model, customers)
        if reason:
            excluded[row.id] = reason
            continue
        known = _known(row, rates, best)
        deadline = row.created + timedelta(hours=source.settings.response_sla_hours)
        leads.append(Lead(row.id, row.created, deadline, row.owner, judge(known), known))
    coverage = {
        name: percent(sum(not blank_value(getattr(r, f"f_{name.lower()}")) for r in rows), len(rows))
        for name in COVERED
    }
    return Scores(sorted(leads, key=lambda lead: lead.place), excluded, coverage, rates)


def score_table(source: Source, model: Scoring, *, limit: int | None = None) -> Table:
    """The scores as a table in work order, `reasons` naming every point; facts: leads per tier and coverage."""
    found = scores(source, model)
    shown = found.leads if limit is None else found.leads[:limit]
    rows = [
        {
            "place": place,
            "id": lead.id,
            "tier": lead.scored.tier,
            "score": lead.scored.score,
            "fit": lead.scored.fit,
            "engagement": lead.scored.engagement,
            "deadline": lead.deadline,
            "owner": source.users.get(lead.owner or "", lead.owner),
            "reasons": [str(point) for point in lead.scored.points],
        }
        for place, lead in enumerate(shown, 1)
    ]
    thin = [
        f"{name} {share} %"
        for name, share in found.coverage.items()
        if share is not None and share < model.coverage_percent
    ]
    return make(
        "Leads in work order",
        ("place", "id", "tier", "score", "fit", "engagement", "deadline", "owner", "reasons"),
        rows,
        facts={
            "tiers": {t: sum(lead.scored.tier == t for lead in found.leads) for t in "ABCD"},
            "coverage_percent": dict(found.coverage),
            "source_rate_percent": {name: percent(rate, 1) for name, rate in sorted(found.rates.items())},
            "excluded": len(found.excluded),
        },
        notes=[
            f"filled on fewer than {model.coverage_percent} % of leads, which limits the model: {', '.join(thin)}"
            if thin
            else None,
            counted(len(found.excluded), "lead is not scored", "leads are not scored"),
        ],
        parameters={**source.common, "response_sla_hours": source.settings.response_sla_hours},
    )


def source_rates(source: Source, model: Scoring) -> dict[str, Decimal]:
    """LeadSource → smoothed conversion rate over leads of the last year that are old enough to judge."""
    last = source.as_of - timedelta(days=mature_after(source) or 0)
    found = source.rows(
        "SELECT l.LeadSource AS name, COUNT(*) AS leads, "
        "SUM(CASE WHEN l.IsConverted IS TRUE THEN 1 ELSE 0 END) AS converted "
        "FROM live.Lead l WHERE local_date(l.CreatedDate) BETWEEN CAST(:first AS DATE) AND CAST(:last AS DATE) "
        "GROUP BY l.LeadSource",
        first=source.as_of - timedelta(days=model.rate_days),
        last=last,
    )
    leads, converted = (sum(int(getattr(r, n)) for r in found) for n in ("leads", "converted"))
    if not leads:
        return {}
    overall = Decimal(converted) / leads
    named = {r.name: (int(r.converted), int(r.leads)) for r in found if not blank(r.name)}
    present = {
        r.name for r in source.rows("SELECT DISTINCT l.LeadSource AS name FROM live.Lead l") if not blank(r.name)
    }
    return {name: smoothed(*named.get(name, (0, 0)), overall, model.rate_prior) for name in present}


def need_normalised(source: Source, sobject: str) -> None:
    source.need(sobject, "Id", "OwnerId")
    if not source.has(f"sfsync.norm_{sobject}", "email_domain", "company", "country"):
        raise WarehouseError(
            f"the normalised values of {sobject} are missing. Run `sfsync pull` or `sfsync check` first."
        )


def blank_value(value: Any) -> bool:
    return value is None or (isinstance(value, str) and blank(value))


def _sql(source: Source) -> str:
    def own(name: str, kind: str = "text") -> str:
        return source.column("Lead", "l", name, kind)

    touch = touched(source, "Lead", "l", "t")
    return (
        f"SELECT l.Id AS id, l.CreatedDate AS created, l.OwnerId AS owner, {own('Email')} AS f_email, "
        f"{own('NumberOfEmployees', 'bigint')} AS f_numberofemployees, {own('Industry')} AS f_industry, "
        f"{own('Country')} AS f_country, {own('Title')} AS f_title, {own('LeadSource')} AS f_leadsource, "
        f"{own('Rating')} AS f_rating, n.country AS country, n.email_domain AS domain, "
        "n.email_free AS free, n.email_disposable AS disposable, "
        f"days_between({touch}, as_of()) AS touched, COALESCE(t.recent, 0) AS recent FROM live.Lead l "
        f"LEFT JOIN sfsync.norm_Lead n ON n.Id = l.Id LEFT JOIN ({last_touch(source, 'WhoId')}) t ON t.id = l.Id "
        f"WHERE {ACTIVE} AND {source.owned('l.OwnerId')}"
    )


def _known(row: Any, rates: Mapping[str, Decimal], best: Decimal | None) -> Known:
    return Known(
        email=_email_kind(row),
        employees=None if row.f_numberofemployees is None else int(row.f_numberofemployees),
        industry=_text(row.f_industry),
        country=row.country,
        title=_text(row.f_title),
        lead_source=_text(row.f_leadsource),
        source_rate=rates.get(row.f_leadsource),
        best_rate=best,
        touched_days=None if row.touched is None else int(row.touched),
        touches=int(row.recent),
        rating=_text(row.f_rating),
    )


def _email_kind(row: Any) -> EMAIL:
    if blank_value(row.f_email):
        return "none"
    if not row.domain:
        return "invalid"
    if row.disposable:
        return "disposable"
    return "free" if row.free else "corporate"


def _text(value: str | None) -> str | None:
    return None if blank_value(value) else value


def _excluded(domain: str | None, model: Scoring, customers: frozenset[str]) -> str | None:
    if domain is None:
        return None
    competitor = next((d for d in model.excluded_domains if domain == d or domain.endswith(f".{d}")), None)
    if competitor:
        return f"domain of {competitor}, which is excluded"
    return "domain of a customer" if domain in customers else None


def _customer_domains(source: Source, model: Scoring) -> frozenset[str]:
    if not model.exclude_customers:
        return frozenset()
    need_normalised(source, "Account")
    rows = source.rows(
        "SELECT DISTINCT n.web_domain AS domain FROM live.Account a JOIN sfsync.norm_Account n ON n.Id = a.Id "
        "WHERE n.web_domain IS NOT NULL AND a.Type IN (cfg('types'))",
        types=list(model.customer_types),
    )
    return frozenset(r.domain for r in rows)
