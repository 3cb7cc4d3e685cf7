"""Scores of the active leads, in the order they should be worked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from sfsync.errors import WarehouseError
from sfsync.insight.leaddata import ACTIVE
from sfsync.insight.sla import sla_of, told
from sfsync.insight.source import Source
from sfsync.insight.table import Table, counted, make, percent
from sfsync.insight.touch import touched, touches
from sfsync.leads.made import Made
from sfsync.leads.model import Scoring
from sfsync.leads.packed import Lead, Packed
from sfsync.leads.points import Known, scorer
from sfsync.leads.rates import source_rates
from sfsync.normalise.fold import blank

COVERED = ("Email", "NumberOfEmployees", "Industry", "Country", "Title", "LeadSource", "Rating")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
EMAIL = Literal["corporate", "free", "disposable", "invalid", "none"]


@dataclass(frozen=True)
class Only:
    """Which of the active leads `l`: a condition in brackets, and the parameters it names."""

    where: str = "(TRUE)"
    values: Mapping[str, list[str] | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scores:
    leads: Packed
    """In work order; made one by one as they are looked at."""
    tiers: Mapping[str, int]
    """A, B, C, D → how many leads."""
    excluded: Mapping[str, str]
    """Lead's Id → why it has no score."""
    coverage: Mapping[str, Decimal | None]
    """Field → percent of active leads that have it."""
    rates: Mapping[str, Decimal]
    """LeadSource → smoothed conversion rate, 0..1."""


def scores(source: Source, model: Scoring, only: Only | None = None) -> Scores:
    """Score every active lead, or only some, that no exclusion stops. Raises WarehouseError without `norm_Lead`."""
    need_normalised(source, "Lead")
    source.need("Lead", "CreatedDate", "Status", "IsConverted")
    rates = source_rates(source, model)
    customers = _customer_domains(source, model)
    judge = scorer(model)
    leads, sla = Packed(), sla_of(source.settings)
    excluded: dict[str, str] = {}
    tiers, filled = dict.fromkeys("ABCD", 0), [0] * len(COVERED)
    seen = 0
    only = only or Only()
    rows = source.stream(
        f"{_sql(source)} AND {only.where}",
        terminal=source.terminal_statuses,
        owners=list(source.settings.owners),
        **only.values,
    )
    for row in rows:
        seen += 1
        for i in range(len(COVERED)):
            filled[i] += not blank_value(row[i])
        reason = _excluded(row.domain, model, customers)
        if reason:
            excluded[row.id] = reason
            continue
        scored = judge(known(row, rates.by_source, rates.best))
        tiers[scored.tier] += 1
        leads.add(row.id, row.created, sla(row.f_leadsource), row.owner, scored)
    leads.sort()
    coverage = {name: percent(n, seen) for name, n in zip(COVERED, filled, strict=True)}
    return Scores(leads, tiers, excluded, coverage, rates.by_source)


def score_table(source: Source, model: Scoring, *, limit: int | None = None) -> Table:
    """The scores as a table in work order, `reasons` naming every point; facts: leads per tier and coverage.

    Its rows are made as they are read, so a million of them take little memory.
    """
    found = scores(source, model)
    thin = [
        f"{name} {share} %"
        for name, share in found.coverage.items()
        if share is not None and share < model.coverage_percent
    ]
    empty = make(
        "Leads in work order",
        ("place", "id", "tier", "score", "fit", "engagement", "deadline", "owner", "reasons"),
        (),
        facts={
            "tiers": found.tiers,
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
        parameters={**source.common, **told(source.settings)},
    )
    return replace(empty, rows=Made(found.leads, partial(_row, source.users), limit))


def _row(users: Mapping[str, str], place: int, lead: Lead) -> Mapping[str, Any]:
    return {
        "place": place + 1,
        "id": lead.id,
        "tier": lead.scored.tier,
        "score": lead.scored.score,
        "fit": lead.scored.fit,
        "engagement": lead.scored.engagement,
        "deadline": lead.deadline,
        "owner": users.get(lead.owner or "", lead.owner),
        "reasons": [str(point) for point in lead.scored.points],
    }


def need_normalised(source: Source, sobject: str) -> None:
    source.need(sobject, "Id", "OwnerId")
    if not source.has(f"sfsync.norm_{sobject}", "email_domain", "company", "country"):
        raise WarehouseError(
            f"the normalised values of {sobject} are missing. Run `sfsync pull` or `sfsync check` first."
        )


def blank_value(value: Any) -> bool:
    return value is None or (isinstance(value, str) and (not value or (value[0] not in _PLAIN and blank(value))))


def _sql(source: Source) -> str:
    def own(name: str, kind: str = "text") -> str:
        return source.column("Lead", "l", name, kind)

    touch = touched(source, "Lead", "l")
    return (
        # Those of COVERED first, in its order.
        f"SELECT {own('Email')} AS f_email, {own('NumberOfEmployees', 'bigint')} AS f_numberofemployees, "
        f"{own('Industry')} AS f_industry, {own('Country')} AS f_country, {own('Title')} AS f_title, "
        f"{own('LeadSource')} AS f_leadsource, {own('Rating')} AS f_rating, l.Id AS id, l.CreatedDate AS created, "
        "l.OwnerId AS owner, n.country AS country, n.email_domain AS domain, "
        "n.email_free AS free, n.email_disposable AS disposable, "
        f"days_between({touch}, as_of()) AS touched, COALESCE(t.recent, 0) AS recent FROM live.Lead l "
        f"LEFT JOIN sfsync.norm_Lead n ON n.Id = l.Id {touches(source, 'Lead', 'l')} "
        f"WHERE {ACTIVE} AND {source.owned('l.OwnerId')}"
    )


def known(row: Any, rates: Mapping[str, Decimal], best: Decimal | None) -> Known:
    """What a row of `f_` columns, normalised values, `touched` and `recent` says."""
    return Known(
        email=_email_kind(row),
        employees=_number(row.f_numberofemployees),
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


def _number(value: Any) -> int | None:
    """Also of the text in which histories keep it."""
    try:
        return None if value is None else int(Decimal(value))
    except ArithmeticError:
        return None


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
