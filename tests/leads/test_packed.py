"""Scored leads keep everything while they are packed, and sort as the work order says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.leads.made import Made
from sfsync.leads.model import Scoring
from sfsync.leads.packed import Lead, Packed
from sfsync.leads.points import Known, scorer
from sfsync.salesforce.ids import to18

JUDGE = scorer(Scoring(target_countries=("US",), target_industries=("Software",)))

leads = st.builds(
    lambda n, created, hours, owner, known: Lead(
        to18(f"00Q{n:012d}"), created, created + timedelta(hours=hours), owner, JUDGE(known)
    ),
    st.integers(0, 10**9),
    st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
    | st.sampled_from([datetime(2026, 3, 1, hour, 30, tzinfo=UTC) for hour in (9, 10)]),
    st.sampled_from([24, 23, 0.5]),
    st.sampled_from([None, "005A", "005B"]),
    st.builds(
        Known,
        email=st.sampled_from(["corporate", "free", "none"]),
        employees=st.none() | st.integers(0, 10**6),
        industry=st.sampled_from([None, "Software"]),
        country=st.sampled_from([None, "US"]),
        title=st.none() | st.sampled_from(["CEO", "Näherin"]),
        touched_days=st.none() | st.integers(0, 400),
        touches=st.integers(0, 9),
        lead_source=st.just("Web"),
        source_rate=st.sampled_from([None, Decimal("0.1")]),
        best_rate=st.just(Decimal("0.2")),
        rating=st.sampled_from([None, "Hot"]),
    ),
)


@given(st.lists(leads, unique_by=lambda lead: lead.id))
def test_packed_leads_are_themselves_and_in_work_order(given: list[Lead]) -> None:
    packed = Packed()
    for lead in given:
        packed.add(lead.id, lead.created, lead.deadline - lead.created, lead.owner, lead.scored)
    packed.sort()
    order = sorted(given, key=lambda x: (x.scored.tier, x.deadline, -x.scored.score, x.created, x.id))
    assert list(packed) == order
    assert list(packed.ids()) == [lead.id for lead in order]
    assert packed[:2] == order[:2]
    assert len(packed) == len(order)
    assert [packed[i] for i in range(len(packed))] == order


def test_items_are_made_when_they_are_looked_at() -> None:
    looked_at: list[int] = []

    def item(place: int, record: str) -> str:
        looked_at.append(place)
        return f"{place}{record}"

    made = Made("abcd", item, limit=3)
    assert (len(made), looked_at) == (3, [])
    assert (made[-1], made[1:], list(made)) == ("2c", ["1b", "2c"], ["0a", "1b", "2c"])
    with pytest.raises(IndexError):
        made[3]
