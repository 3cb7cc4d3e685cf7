from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.leads.model import Scoring
from sfsync.leads.points import Known, score, smoothed

MODEL = Scoring(target_industries=("Software",), target_countries=("US",))


def test_a_hot_lead_is_tier_a() -> None:
    known = Known(
        email="corporate", employees=300, industry="Software", country="US", title="VP Sales", lead_source="Web",
        source_rate=Decimal("0.15"), best_rate=Decimal("0.25"), touched_days=14, touches=2, rating="Warm",
    )  # fmt: skip
    found = score(known, MODEL)
    assert [p.points for p in found.points] == [15, 20, 20, 20, 16, 24, 15, 10, 5]
    assert (found.fit, found.engagement, found.score, found.tier) == (91, 54, 76, "A")


def test_an_almost_unknown_lead_is_tier_d() -> None:
    found = score(Known(email="free", country="US"), MODEL)
    assert (found.fit, found.engagement, found.score, found.tier) == (25, 0, 15, "D")


@pytest.mark.parametrize(("converted", "leads", "expected"), [(15, 50, "27.1"), (1, 1, "23.8"), (0, 0, "20.0")])
def test_one_lucky_lead_does_not_win(converted: int, leads: int, expected: str) -> None:
    assert f"{100 * smoothed(converted, leads, Decimal('0.2'), 20):.1f}" == expected


@pytest.mark.parametrize(
    ("title", "points"),
    [
        ("CEO", 20), ("Co-Owner", 20), ("President", 20), ("Vice President, EMEA", 16), ("Vice-President", 16),
        ("Head of Sales", 16), ("Sales Manager", 10), ("Engineer", 4), (None, 0), ("  ", 0),
        ("Assistant to the CEO", 4), ("Intern", 4), ("President and Vice President", 20),
        ("Headhunter", 4), ("Director", 16),
    ],
)  # fmt: skip
def test_points_of_titles(title: str | None, points: int) -> None:
    found = {p.what: p.points for p in score(Known(title=title), MODEL).points}
    assert found["Title"] == points


@pytest.mark.parametrize(
    ("employees", "points"), [(None, 0), (0, 0), (1, 3), (9, 3), (10, 8), (49, 8), (50, 15), (250, 20), (1000, 25)]
)
def test_points_of_company_size(employees: int | None, points: int) -> None:
    assert score(Known(employees=employees), MODEL).points[1].points == points


KNOWN = st.builds(
    Known,
    email=st.sampled_from(["corporate", "free", "disposable", "invalid", "none"]),
    employees=st.none() | st.integers(0, 10**6),
    industry=st.sampled_from([None, "Software", "Mining"]),
    country=st.sampled_from([None, "US", "FR"]),
    title=st.none() | st.text(max_size=20) | st.sampled_from(["CEO", "vp", "assistant"]),
    lead_source=st.just("Web"),
    source_rate=st.decimals(0, 1, places=3),
    best_rate=st.just(Decimal(1)),
    touched_days=st.none() | st.integers(0, 4000),
    touches=st.integers(0, 500),
    rating=st.sampled_from([None, "Hot", "Warm", "Cold"]),
)


@given(KNOWN)
def test_scores_stay_between_0_and_100_and_equal_their_points(known: Known) -> None:
    found = score(known, MODEL)
    assert 0 <= found.score <= 100
    assert found.fit == sum(p.points for p in found.points if p.axis == "fit")
    assert found.engagement == sum(p.points for p in found.points if p.axis == "engagement")
    assert all(p.why for p in found.points)
