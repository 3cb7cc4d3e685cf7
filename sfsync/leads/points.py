"""The points of one lead, each with its reason. Unknown values score nothing; they are never guessed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from sfsync.insight.table import whole
from sfsync.leads.model import Scoring

Axis = Literal["fit", "engagement"]


@dataclass(frozen=True)
class Point:
    """Why a lead has some of its points; those of nought are kept too, for what is missing."""

    axis: Axis
    what: str
    points: int
    why: str

    def __str__(self) -> str:
        return f"{self.what} {self.points}: {self.why}"


@dataclass(frozen=True)
class Known:
    """What is known of a lead."""

    email: Literal["corporate", "free", "disposable", "invalid", "none"] = "none"
    employees: int | None = None
    industry: str | None = None
    country: str | None = None
    """ISO code."""
    title: str | None = None
    lead_source: str | None = None
    source_rate: Decimal | None = None
    best_rate: Decimal | None = None
    touched_days: int | None = None
    """Days since the last touch."""
    touches: int = 0
    """In the last 30 days."""
    rating: str | None = None


@dataclass(frozen=True)
class Scored:
    fit: int
    engagement: int
    score: int
    tier: str
    points: tuple[Point, ...]


def score(known: Known, model: Scoring) -> Scored:
    """Fit and engagement of 0 to 100, the score and its tier: A, B, C or D."""
    return scorer(model)(known)


def scorer(model: Scoring) -> Callable[[Known], Scored]:
    """`score` for many leads of one model: titles and days that come again are judged once."""
    title = lru_cache(maxsize=100_000)(lambda text: _title(text, model))
    recency = lru_cache(maxsize=10_000)(lambda days: _recency(days, model))
    employees = lru_cache(maxsize=10_000)(lambda count: _employees(count, model))

    def judge(known: Known) -> Scored:
        fit = (
            _email(known, model),
            employees(known.employees),
            _industry(known, model),
            _country(known, model),
            title(known.title),
        )
        engagement = (
            _source(known, model),
            recency(known.touched_days),
            _touches(known, model),
            _rating(known, model),
        )
        fit_sum = min(sum([p.points for p in fit]), 100)
        engagement_sum = min(sum([p.points for p in engagement]), 100)
        total = whole(model.fit_weight * fit_sum + model.engagement_weight * engagement_sum)
        return Scored(fit_sum, engagement_sum, total, _tier(total, model), (*fit, *engagement))

    return judge


def _tier(score: int, model: Scoring) -> str:
    limits = (("A", model.tier_a), ("B", model.tier_b), ("C", model.tier_c))
    return next((tier for tier, least in limits if score >= least), "D")


def _email(known: Known, model: Scoring) -> Point:
    points = {"corporate": model.email_corporate, "free": model.email_free}.get(known.email, 0)
    why = {"corporate": "corporate domain", "free": "free-mail domain", "none": "empty"}.get(known.email, known.email)
    return Point("fit", "Email", points, why)


def _employees(employees: int | None, model: Scoring) -> Point:
    if employees is None or employees < 1:
        return Point("fit", "NumberOfEmployees", 0, "empty" if employees is None else "none")
    steps = sorted(((int(least), points) for least, points in model.employees.items()), reverse=True)
    points = next((points for least, points in steps if employees >= least), 0)
    return Point("fit", "NumberOfEmployees", points, f"{employees:,}")


def _industry(known: Known, model: Scoring) -> Point:
    if not known.industry:
        return Point("fit", "Industry", 0, "empty")
    if known.industry.casefold() in {i.casefold() for i in model.target_industries}:
        return Point("fit", "Industry", model.industry_target, f"{known.industry} is a target")
    return Point("fit", "Industry", model.industry_other, f"{known.industry} is no target")


def _country(known: Known, model: Scoring) -> Point:
    if not known.country:
        return Point("fit", "Country", 0, "empty or not recognised")
    target = known.country in model.target_countries
    return Point(
        "fit", "Country", model.country_target if target else 0, f"{known.country} is {'a' if target else 'no'} target"
    )


def _title(title: str | None, model: Scoring) -> Point:
    words = re.findall(r"[^\W_]+", (title or "").casefold())
    if not words:
        return Point("fit", "Title", 0, "empty")
    text = f" {' '.join(words)} "
    found, left = [], text
    for words_, points in sorted(model.title_words.items(), key=lambda item: (-len(item[0]), item[0])):
        if f" {words_} " in left:  # what a longer entry took is gone: the president in "vice president"
            left = left.replace(f" {words_} ", " | ")
            found.append((points, words_))
    points, word = max(found, default=(0, ""))
    junior = next((w for w in model.junior_words if f" {w} " in text), None)
    if junior or not word:
        return Point("fit", "Title", min(model.title_other, points or model.title_other), junior or "another title")
    return Point("fit", "Title", points, word)


def _source(known: Known, model: Scoring) -> Point:
    if not known.lead_source:
        return Point("engagement", "LeadSource", 0, "empty")
    if not known.best_rate or known.source_rate is None:
        return Point("engagement", "LeadSource", 0, "no past conversions to judge by")
    points = whole(model.source_points * known.source_rate / known.best_rate)
    rates = (
        f"{100 * known.source_rate:.1f} % of {known.lead_source} leads convert, at best {100 * known.best_rate:.1f} %"
    )
    return Point("engagement", "LeadSource", points, rates)


def _recency(days: int | None, model: Scoring) -> Point:
    if days is None:
        return Point("engagement", "last touch", 0, "never touched")
    decay = Decimal("0.5") ** (Decimal(max(days, 0)) / model.half_life_days)
    return Point("engagement", "last touch", whole(model.recency_points * decay), f"{days} days ago")


def _touches(known: Known, model: Scoring) -> Point:
    points = min(model.touch_points * known.touches, model.touch_limit)
    return Point("engagement", "touches", points, f"{known.touches} in the last 30 days")


def _rating(known: Known, model: Scoring) -> Point:
    points = model.ratings.get(known.rating or "", 0)
    return Point("engagement", "Rating", points, known.rating or "empty")


def smoothed(converted: int, leads: int, overall: Decimal, prior: int) -> Decimal:
    """A source's conversion rate 0..1, drawn to the overall rate while it has few leads."""
    return (converted + prior * overall) / (leads + prior)
