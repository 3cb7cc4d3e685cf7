"""Dedupe against a brute-force solution that knows no blocks, no SQL and no union-find."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfsync.dedupe.names import compare_given, compare_surname, split_suffix
from sfsync.normalise.company import norm_company
from sfsync.normalise.email import norm_email
from sfsync.normalise.person import norm_person
from tests.dedupe.small_org import lead_id, leads, run

worlds = st.lists(
    st.fixed_dictionaries(
        {
            "FirstName": st.sampled_from([None, "John", "Jon", "J.", "Mary", "Smith"]),
            "LastName": st.sampled_from(["Smith", "Smyth", "Jones", "Smith Jr", "John"]),
            "Email": st.sampled_from([None, "a@acme.example", "A@acme.example", "b@acme.example", "info@acme.example"]),
            "Company": st.sampled_from([None, "Acme", "Acme Inc", "Globex"]),
            "Phone": st.sampled_from([None, "+14155552671", "(415) 555-2671", "+14155552672", "12"]),
            "Country": st.sampled_from([None, "US"]),
            "IsConverted": st.sampled_from([False, False, False, True]),
        }
    ),
    max_size=7,
)


class Person:
    def __init__(self, id: str, row: dict[str, Any]):
        self.id = id
        email = norm_email(row["Email"])
        self.email = None if email is None or email.startswith("info@") else email
        self.given = norm_person(row["FirstName"], None)
        self.surname, self.suffix = split_suffix(norm_person(None, row["LastName"]), None)
        self.person = norm_person(row["FirstName"], row["LastName"])
        digits = "".join(c for c in row["Phone"] or "" if c.isdigit())
        self.phone = digits[-8:] if len(digits) >= 8 else None
        self.company = norm_company(row["Company"])


def swapped(a: Person, b: Person) -> bool:
    return bool(a.given) and a.given != a.surname and (a.given, a.surname) == (b.surname, b.given)


def one_name(a: Person, b: Person) -> bool:
    return swapped(a, b) or compare_surname(a.surname, b.surname) != "contradict"


def contradict(a: Person, b: Person) -> bool:
    return a.suffix != b.suffix or (not swapped(a, b) and compare_given(a.given, b.given) == "contradict")


def matched(a: Person, b: Person, everybody: list[Person]) -> bool:
    at_address = [p for p in everybody if p.email == a.email]
    by_email = (
        a.email is not None and a.email == b.email and all(one_name(x, y) for x, y in combinations(at_address, 2))
    )
    close = {"equal", "nickname", "prefix", "close"}
    alike = swapped(a, b) or {compare_given(a.given, b.given), compare_surname(a.surname, b.surname)} <= close
    same_phone = a.phone is not None and a.phone == b.phone
    by_rest = same_phone and (a.person == b.person or (a.company is not None and a.company == b.company and alike))
    return (by_email or by_rest) and not contradict(a, b)


def brute_force(everybody: list[Person], scores: dict[tuple[str, str], float]) -> set[frozenset[str]]:
    people = {p.id: p for p in everybody}
    groups = {frozenset({p.id}) for p in everybody}
    for a, b in sorted(scores, key=lambda pair: (-scores[pair], pair)):
        left = next(g for g in groups if a in g)
        right = next(g for g in groups if b in g)
        if left is not right and not any(contradict(people[x], people[y]) for x in left for y in right):
            groups = (groups - {left, right}) | {left | right}
    return {g for g in groups if len(g) > 1}


@given(worlds)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_dedupe_agrees_with_brute_force(world: list[dict[str, Any]]) -> None:
    everybody = [Person(lead_id(i), row) for i, row in enumerate(world, start=1) if not row["IsConverted"]]
    with leads(*world) as warehouse:
        result = run(warehouse)
    expected = {(a.id, b.id) for a, b in combinations(everybody, 2) if matched(a, b, everybody)}
    scores = {(m.left.id, m.right.id): m.score for m in result.matches}
    assert set(scores) == expected
    assert {frozenset(r.id for r in c.refs) for c in result.clusters} == brute_force(everybody, scores)
    assert result.counts["records"] == len(everybody)
