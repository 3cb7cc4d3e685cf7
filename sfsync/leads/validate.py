"""Does the score tell the leads that convert from the others? Past leads, scored with what was known of them then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sfsync.insight.funnel import mature_after
from sfsync.insight.source import Source
from sfsync.insight.table import CENT, TENTH, Table, counted, make, percent, rounded
from sfsync.insight.touch import contact, done_on
from sfsync.leads.model import Scoring
from sfsync.leads.points import scorer
from sfsync.leads.rates import dimension, rates_between
from sfsync.leads.score import known, need_normalised

HISTORIC = ("NumberOfEmployees", "Industry", "Title", "LeadSource", "Rating")
"""Fields whose former values LeadHistory and our own history can give back."""
COLUMNS = ("line", "leads", "converted", "conversion_percent", "lift", "share_of_conversions_percent")
TENTHS = 10


@dataclass
class Tally:
    """Leads and how many of them converted, per value of something."""

    leads: dict[Any, int] = field(default_factory=dict)
    converted: dict[Any, int] = field(default_factory=dict)

    def add(self, value: Any, converted: bool) -> None:
        self.leads[value] = self.leads.get(value, 0) + 1
        self.converted[value] = self.converted.get(value, 0) + converted

    def of(self, values: Iterable[Any]) -> tuple[int, int]:
        chosen = list(values)
        return sum(self.leads.get(v, 0) for v in chosen), sum(self.converted.get(v, 0) for v in chosen)


@dataclass
class Judged:
    tiers: Tally = field(default_factory=Tally)
    points: Tally = field(default_factory=Tally)
    """By score."""
    groups: Tally = field(default_factory=Tally)
    """By source or campaign."""
    sums: dict[Any, int] = field(default_factory=dict)
    """Sum of the scores of a group."""


@dataclass(frozen=True)
class Cohort:
    """Leads of the past, each judged as of the end of its `after`th day."""

    first: date
    last: date
    after: int


def validate(
    source: Source, model: Scoring, *, by: str = "source", after: int = 7, min_conversions: int = 50
) -> list[Table]:
    """Conversion by tier, by tenths of the score, and by source or campaign, of leads that could be judged.

    Leads of the last `rate_days` that are old enough, not converted within `after` days of their creation; each is
    scored with the touches, source rates and (where history tells) field values of that day. `lift` is the rate
    against that of all; with fewer than `min_conversions` conversions no rate is shown. Facts of the first table:
    `helps` (tier A converts at least twice as often as all; None: not evaluated, too few), `auc` (the chance that a
    converted lead has the higher score than another one; 0.5 is a guess).
    Raises WarehouseError and InputError as `scores` does.
    """
    need_normalised(source, "Lead")
    source.need("Lead", "CreatedDate", "IsConverted", "ConvertedDate")
    cohort = _cohort(source, model, after)
    found = _judge(source, model, cohort, by) if cohort else Judged()
    whole = found.points.of(found.points.leads)
    leads, converted = whole
    enough = min_conversions <= converted < leads
    helps = _helps(found.tiers, whole, min_conversions) if enough else None
    early = _converted_early(source, cohort) if cohort else 0
    parameters = {
        **source.common,
        **({"from": cohort.first, "to": cohort.last} if cohort else {}),
        "after_days": after,
        "min_conversions": min_conversions,
    }
    by_tier = make(
        "Conversion by tier",
        COLUMNS,
        [*(_row(t, found.tiers.of([t]), whole, enough) for t in "ABCD"), _row("all", whole, whole, enough)],
        facts={"helps": helps, "auc": _auc(found.points) if enough else None},
        notes=[
            None if enough else _too_few(leads, converted, min_conversions),
            _few_of_a(found.tiers.leads.get("A", 0)) if enough and helps is None else None,
            "the model does not help: tier A converts less than twice as often as all" if helps is False else None,
            counted(early, *(f"{n} converted within {after} days and not judged" for n in ("lead was", "leads were"))),
            _of_today(source) if leads else None,
        ],
        parameters=parameters,
    )
    tenths = _tenths(found.points, enough)
    return [
        by_tier,
        make("Conversion by tenths of the score", COLUMNS, tenths, parameters=parameters),
        make(f"Conversion by {by}", (*COLUMNS, "mean_score"), _groups(found, whole, enough), parameters=parameters),
    ]


def _judge(source: Source, model: Scoring, cohort: Cohort, by: str) -> Judged:
    before = cohort.first - timedelta(days=1)  # all that was known when the first of them came in
    mature = before - timedelta(days=mature_after(source) or 0)
    rates = rates_between(source, model, before - timedelta(days=model.rate_days), mature, known_by=before)
    judge, found = scorer(model), Judged()
    for row in source.stream(_sql(source, by), **_values(cohort)):
        scored, converted = judge(known(row, rates.by_source, rates.best)), row.converted == 1
        found.tiers.add(scored.tier, converted)
        found.points.add(scored.score, converted)
        found.groups.add(row.grouped, converted)
        found.sums[row.grouped] = found.sums.get(row.grouped, 0) + scored.score
    return found


def _cohort(source: Source, model: Scoring, after: int) -> Cohort | None:
    mature = mature_after(source)
    if mature is None:
        return None
    last = source.as_of - timedelta(days=max(mature, after + 1))
    first = source.as_of - timedelta(days=model.rate_days)
    return Cohort(first, last, after) if first <= last else None


def _row(line: str, part: tuple[int, int], whole: tuple[int, int], enough: bool) -> dict[str, Any]:
    (leads, converted), (all_leads, all_converted) = part, whole
    row: dict[str, Any] = {"line": line, "leads": leads, "converted": converted}
    if enough and leads:
        row["conversion_percent"] = percent(converted, leads)
        row["lift"] = rounded(Decimal(converted * all_leads) / (leads * all_converted), CENT)
        row["share_of_conversions_percent"] = percent(converted, all_converted)
    return row


def _tenths(points: Tally, enough: bool) -> list[dict[str, Any]]:
    """From the highest scores down, bands of at least a tenth of the leads; leads of one score stay together."""
    whole = points.of(points.leads)
    rows: list[dict[str, Any]] = []
    band: list[int] = []
    for score in sorted(points.leads, reverse=True):
        band.append(score)
        left = points.of(s for s in points.leads if s < score)[0]
        if points.of(band)[0] * TENTHS >= whole[0] or not left:
            line = f"{band[-1]}-{band[0]}" if len(band) > 1 else str(score)
            rows.append(_row(line, points.of(band), whole, enough))
            band = []
    return rows


def _groups(found: Judged, whole: tuple[int, int], enough: bool) -> list[dict[str, Any]]:
    groups = found.groups
    rows = []
    for name in sorted(groups.leads, key=lambda n: (-groups.leads[n], str(n))):
        mean = rounded(Decimal(found.sums[name]) / groups.leads[name], TENTH)
        rows.append({**_row(name or "(none)", groups.of([name]), whole, enough), "mean_score": mean})
    return rows


def _helps(tiers: Tally, whole: tuple[int, int], min_conversions: int) -> bool | None:
    """Whether tier A converts at least twice as often as all.

    None when it is so small that it would have less than a tenth of `min_conversions` at the common rate.
    """
    (best, won), (leads, converted) = tiers.of("A"), whole
    if best * converted * TENTHS < min_conversions * leads:
        return None
    return won * leads >= 2 * converted * best


def _few_of_a(leads: int) -> str:
    of = counted(leads, "past lead is", "past leads are") or "no past lead is"
    return f"whether the model helps is not evaluated: {of} of tier A, too few to judge"


def _auc(points: Tally) -> Decimal:
    """How often a converted lead scores higher than one that is not, ties half."""
    below = 0
    wins = Decimal(0)
    for score in sorted(points.leads):
        won = points.converted[score]
        lost = points.leads[score] - won
        wins += won * (below + Decimal(lost) / 2)
        below += lost
    leads, converted = points.of(points.leads)
    return rounded(wins / (converted * (leads - converted)), CENT)


def _too_few(leads: int, converted: int, least: int) -> str:
    if not leads:
        return "not evaluated: no past lead is old enough to judge"
    if converted == leads:
        return "not evaluated: every lead converted"
    return f"not evaluated: {converted:,} of {leads:,} leads converted; a judgement needs {least:,}"


def _of_today(source: Source) -> str | None:
    """What could not be put back to what it was."""
    names = ", ".join(("Email", "Country", *(() if source.has("LeadHistory", "LeadId", "Field") else HISTORIC)))
    return f"values of today, since no history tells older ones, which may flatter the model: {names}"


# -- SQL


_DAY = "days_between(local_date(l.CreatedDate), {})"
_INSIDE = "local_date(l.CreatedDate) BETWEEN CAST(:first AS DATE) AND CAST(:last AS DATE)"
_EARLY = f"(l.IsConverted IS TRUE AND l.ConvertedDate IS NOT NULL AND {_DAY.format('l.ConvertedDate')} <= :after)"


def _values(cohort: Cohort) -> Mapping[str, Any]:
    return {"first": cohort.first, "last": cohort.last, "after": cohort.after, "historic": list(HISTORIC)}


def _converted_early(source: Source, cohort: Cohort) -> int:
    rows = source.rows(f"SELECT COUNT(*) AS n FROM live.Lead l WHERE {_INSIDE} AND {_EARLY}", **_values(cohort))
    return int(rows[0].n)


def _sql(source: Source, by: str) -> str:
    def own(name: str, kind: str = "text") -> str:
        return source.column("Lead", "l", name, kind)

    def then(name: str, kind: str = "text") -> str:
        value = f"CASE WHEN h.has_{name} = 1 THEN h.{name} ELSE CAST({own(name, kind)} AS text) END"
        return f"{value} AS f_{name.lower()}"

    group, join = dimension(source, by)
    return (
        f"SELECT {own('Email')} AS f_email, {', '.join(then(n) for n in HISTORIC)}, n.country AS country, "
        "n.email_domain AS domain, n.email_free AS free, n.email_disposable AS disposable, "
        f":after - t.day AS touched, COALESCE(t.recent, 0) AS recent, {group} AS grouped, "
        "CASE WHEN l.IsConverted IS TRUE AND (l.ConvertedDate IS NULL OR l.ConvertedDate <= as_of()) THEN 1 ELSE 0 END "
        "AS converted FROM live.Lead l LEFT JOIN sfsync.norm_Lead n ON n.Id = l.Id "
        f"LEFT JOIN ({_touches(source)}) t ON t.id = l.Id LEFT JOIN ({_history(source)}) h ON h.id = l.Id {join} "
        f"WHERE {_INSIDE} AND NOT {_EARLY}"
    )


def _touches(source: Source) -> str:
    """id, day (of the last touch, counted from creation), recent: up to the day a lead is judged.

    Salesforce moves the tasks of a converted lead to the contact it became.
    """
    if not source.has("Task", "WhoId", "IsClosed"):
        return "SELECT CAST(NULL AS text) AS id, 0 AS day, 0 AS recent WHERE 1 = 0"
    day = _DAY.format(done_on(source, "t"))
    became = source.column("Lead", "l", "ConvertedContactId", "text")
    ways = " UNION ALL ".join(
        f"SELECT l.Id AS id, {day} AS day FROM live.Lead l JOIN live.Task t ON t.WhoId = {link} "
        f"WHERE {contact(source, 't')} AND {_INSIDE}"
        for link in ("l.Id", became)
    )
    return (
        f"SELECT c.id, MAX(c.day) AS day, SUM(CASE WHEN :after - c.day < 30 THEN 1 ELSE 0 END) AS recent "
        f"FROM ({ways}) c WHERE c.day BETWEEN 0 AND :after GROUP BY c.id"
    )


def _history(source: Source) -> str:
    """id, and for each field whether it changed later (has_…) and what it was: the old value of the first change."""
    parts = []
    if source.has("LeadHistory", "LeadId", "Field", "OldValue", "CreatedDate"):
        parts.append(
            "SELECT h.LeadId AS id, h.Field AS field, h.OldValue AS old, h.CreatedDate AS at FROM live.LeadHistory h "
            "WHERE h.Field IN (cfg('historic'))"
        )
    if source.has("sfsync.history"):
        parts.append(
            "SELECT h.id AS id, h.field AS field, h.old AS old, h.changed_at AS at FROM sfsync.history h "
            "WHERE h.sobject = 'Lead' AND h.field IN (cfg('historic'))"
        )
    if not parts:
        nothing = ", ".join(f"0 AS has_{n}, CAST(NULL AS text) AS {n}" for n in HISTORIC)
        return f"SELECT CAST(NULL AS text) AS id, {nothing} WHERE 1 = 0"
    picked = ", ".join(
        f"MAX(CASE WHEN c.field = '{n}' THEN 1 ELSE 0 END) AS has_{n}, "
        f"MAX(CASE WHEN c.field = '{n}' THEN c.old END) AS {n}"
        for n in HISTORIC
    )
    later = (
        "SELECT x.id, x.field, x.old, ROW_NUMBER() OVER (PARTITION BY x.id, x.field ORDER BY x.at, x.old) AS place "
        f"FROM ({' UNION ALL '.join(parts)}) x JOIN live.Lead l ON l.Id = x.id "
        f"WHERE {_INSIDE} AND {_DAY.format('local_date(x.at)')} > :after"
    )
    return f"SELECT c.id, {picked} FROM ({later}) c WHERE c.place = 1 GROUP BY c.id"
