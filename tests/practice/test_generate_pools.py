"""The generator's words and its seating plan, without an org."""

from __future__ import annotations

from itertools import pairwise

import phonenumbers
import pytest

from sfsync.practice.generate import firms
from sfsync.practice.generate import names as names_of
from sfsync.practice.generate.catalogue import extra_leads
from sfsync.practice.generate.layout import MAX_LEADS, plan
from sfsync.practice.generate.places import COUNTRIES, Country


@pytest.mark.parametrize("leads", [1, 10, 299, 300, 5000, 100_000, MAX_LEADS])
def test_everybody_at_a_company_has_a_slot_of_their_own(leads: int) -> None:
    layout = plan(leads, extra_leads(leads))
    assert layout.base + extra_leads(leads) == leads
    groups = [layout.converted, layout.contacts, layout.known]
    for before, after in pairwise(groups):
        assert before.slot + before.slots <= after.slot
    assert layout.known.slot + layout.known.slots <= names_of.COMMON
    assert layout.prospects.slots <= 20


@pytest.mark.parametrize("country", [c.code for c in COUNTRIES])
def test_name_pools_are_big_and_spelled_in_ascii(country: str) -> None:
    given, last = names_of.given_names(country), names_of.surnames(country)
    assert min(len(given), len(last)) >= names_of.COMMON
    for pool in (given, last):
        assert len({w.ascii for w in pool}) == len(pool)
        assert all(w.ascii.isascii() and w.ascii.isalnum() and w.ascii.islower() for w in pool)


def test_shares_of_the_countries_add_up_to_a_hundred() -> None:
    assert sum(c.share for c in COUNTRIES) == 100


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda c: c.code)
def test_every_way_to_write_a_number_is_valid_in_its_country(country: Country) -> None:
    for pattern in (*country.landline, *country.mobile):
        for *_, area in country.towns:
            for digits in range(2_000_000, 10_000_000, 1_234_567):
                number = pattern.replace("Z", area).translate(str.maketrans("abcdefg", str(digits)))
                assert phonenumbers.is_valid_number(phonenumbers.parse(number, country.code)), number


def test_brands_are_enough_for_the_largest_org_and_no_trade_means_two() -> None:
    layout = plan(MAX_LEADS, extra_leads(MAX_LEADS))
    share = {"Latin": 94.5, "JP": 3.2, "CN": 3.2}
    for pool, (heads, middles, tails) in firms.brand_parts().items():
        brands = {h.text + m.text + t.text for h in heads for m in middles for t in tails}
        assert len(brands) == len(heads) * len(middles) * len(tails)
        assert len(brands) * 20 >= layout.companies * share[pool] / 100
    for country in COUNTRIES:
        assert len({w.ascii for w in firms.trades(country.code)}) == 20
