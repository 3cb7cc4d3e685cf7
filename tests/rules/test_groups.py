"""Pairs of alike records become groups: every record once, no chains."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from sfsync.rules.groups import grouped, groups

PAIRS = st.sets(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")).filter(lambda p: p[0] < p[1]))


def apart(a, b, pairs):
    """Steps from a to b, 1 to 3; 3 stands for more."""
    if (a, b) in pairs:
        return 1
    near = {x: {q for p in pairs if x in p for q in p} for x in (a, b)}
    return 2 if near[a] & near[b] else 3


def test_records_that_are_all_near_are_one_group():
    assert groups([("b", "c"), ("a", "b"), ("x", "y")]) == [["a", "b", "c"], ["x", "y"]]


def test_a_circle_of_four_is_one_group():
    assert groups([("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")]) == [["a", "b", "c", "d"]]


def test_a_chain_is_cut_at_the_record_with_most_neighbours():
    assert groups([("a", "b"), ("b", "c"), ("c", "d"), ("c", "e"), ("d", "f")]) == [["b", "c", "d", "e"]]
    assert groups([("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "f")]) == [["a", "b", "c"], ["d", "e", "f"]]


@given(PAIRS)
def test_groups_are_disjoint_close_and_leave_out_no_lone_pair(pairs):
    found = groups(pairs)
    members = [record for group in found for record in group]
    assert len(members) == len(set(members))
    assert found == sorted(sorted(group) for group in found)
    for group in found:
        assert all(apart(a, b, pairs) <= 2 for a, b in combinations(group, 2))
    for a, b in pairs:
        assert a in members or b in members


@given(PAIRS)
def test_the_order_of_the_pairs_does_not_matter(pairs):
    assert groups(sorted(pairs)) == groups(sorted(pairs, reverse=True))


def test_a_group_is_told_by_its_first_pair_with_count_and_names():
    rows = [{"id": "a", "other": f"b{i}", "kind": "k", "name": i} for i in (3, 1, 2, 4, 5, 6)]
    assert grouped(rows, "other") == [
        {"id": "a", "other": "b1", "kind": "k", "name": 1, "records": 7, "others": "b1, b2, b3, b4, b5 and 1 more"}
    ]
    assert grouped([], "other") == []
