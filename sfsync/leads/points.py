"""The points of one lead, each with its reason. Unknown values score nothing; they are never guessed."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple

from sfsync.insight.table import whole
from sfsync.leads.model import Scoring

HIGHEST = 100
"""Of fit and of engagement."""
Axis = Literal["fit", "engagement"]


class Point(NamedTuple):
    """Why a lead has some of its points; those of nought are kept too, for what is missing."""

    axis: Axis
    what: str
    points: int
    why: str

    def __str__(self) -> str:
        return f"{self.what} {self.points}: {self.why}"


class Known(NamedTuple):
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


class Scored(NamedTuple):
    fit: int
    engagement: int
    score: int
    tier: str
    points: tuple[Point, ...]


def score(known: Known, model: Scoring) -> Scored:
    """Fit and engagement of 0 to 100, the score and its tier: A, B, C or D."""
    return scorer(model)(known)


def scorer(model: Scoring) -> Callable[[Known], Scored]:
    """`score` for many leads of one model: values that come again are judged once, and share their Point."""
    cached = lru_cache(maxsize=100_000)
    email = cached(lambda kind: _email(kind, model))
    employees = cached(lambda count: _employees(count, model))
    industry = cached(lambda name: _industry(name, model))
    country = cached(lambda code: _country(code, model))
    title = cached(lambda text: _title(text, model))
    source = cached(lambda name, rate, best: _source(name, rate, best, model))
    recency = cached(lambda days: _recency(days, model))
    touches = cached(lambda count: _touches(count, model))
    rating = cached(lambda name: _rating(name, model))
    total = cached(lambda fit, engagement: whole(model.fit_weight * fit + model.engagement_weight * engagement))

    def judge(known: Known) -> Scored:
        points: tuple[Point, ...] = (
            email(known.email),
            employees(known.employees),
            industry(known.industry),
            country(known.country),
            title(known.title),
            source(known.lead_source, known.source_rate, known.best_rate),
            recency(known.touched_days),
            touches(known.touches),
            rating(known.rating),
        )
        a, b, c, d, e, f, g, h, i = (p.points for p in points)
        fit, engagement = min(a + b + c + d + e, HIGHEST), min(f + g + h + i, HIGHEST)
        score = total(fit, engagement)
        return Scored(fit, engagement, score, tier_of(score, model), points)

    return judge


def tier_of(score: int, model: Scoring) -> str:
    if score >= model.tier_a:
        return "A"
    return "B" if score >= model.tier_b else "C" if score >= model.tier_c else "D"


def _email(kind: str, model: Scoring) -> Point:
    points = {"corporate": model.email_corporate, "free": model.email_free}.get(kind, 0)
    why = {"corporate": "corporate domain", "free": "free-mail domain", "none": "empty"}.get(kind, kind)
    return Point("fit", "Email", points, why)


def _employees(employees: int | None, model: Scoring) -> Point:
    if employees is None or employees < 1:
        return Point("fit", "NumberOfEmployees", 0, "empty" if employees is None else "none")
    steps = sorted(((int(least), points) for least, points in model.employees.items()), reverse=True)
    points = next((points for least, points in steps if employees >= least), 0)
    return Point("fit", "NumberOfEmployees", points, f"{employees:,}")


def _industry(name: str | None, model: Scoring) -> Point:
    if not name:
        return Point("fit", "Industry", 0, "empty")
    if name.casefold() in {i.casefold() for i in model.target_industries}:
        return Point("fit", "Industry", model.industry_target, f"{name} is a target")
    return Point("fit", "Industry", model.industry_other, f"{name} is no target")


def _country(code: str | None, model: Scoring) -> Point:
    if not code:
        return Point("fit", "Country", 0, "empty or not recognised")
    target = code in model.target_countries
    return Point("fit", "Country", model.country_target if target else 0, f"{code} is {'a' if target else 'no'} target")


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


def _source(name: str | None, rate: Decimal | None, best: Decimal | None, model: Scoring) -> Point:
    if not name:
        return Point("engagement", "LeadSource", 0, "empty")
    if not best or rate is None:
        return Point("engagement", "LeadSource", 0, "no past conversions to judge by")
    points = whole(model.source_points * rate / best)
    rates = f"{100 * rate:.1f} % of {name} leads convert, at best {100 * best:.1f} %"
    return Point("engagement", "LeadSource", points, rates)


def _recency(days: int | None, model: Scoring) -> Point:
    if days is None:
        return Point("engagement", "last touch", 0, "never touched")
    decay = Decimal("0.5") ** (Decimal(max(days, 0)) / model.half_life_days)
    return Point("engagement", "last touch", whole(model.recency_points * decay), f"{days} days ago")


def _touches(count: int, model: Scoring) -> Point:
    return Point(
        "engagement", "touches", min(model.touch_points * count, model.touch_limit), f"{count} in the last 30 days"
    )


def _rating(name: str | None, model: Scoring) -> Point:
    return Point("engagement", "Rating", model.ratings.get(name or "", 0), name or "empty")


def smoothed(converted: int, leads: int, overall: Decimal, prior: int) -> Decimal:
    """A source's conversion rate 0..1, drawn to the overall rate while it has few leads."""
    return (converted + prior * overall) / (leads + prior)
