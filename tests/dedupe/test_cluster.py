from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from sfsync.dedupe.cluster import Edge, Group, Refusal, guarded_union, is_star

IDS = "abcdefg"
pairs = st.sampled_from([(a, b) for a, b in combinations(IDS, 2)])
edges = st.dictionaries(pairs, st.sampled_from([0.8, 0.9, 1.0])).map(lambda d: [(a, b, s) for (a, b), s in d.items()])


def free(a: str, b: str) -> str | None:
    return None


def naive(edges: list[Edge], vetoed: set[frozenset[str]]) -> set[frozenset[str]]:
    """Sets of singletons, joined edge by edge when no pair across is vetoed."""
    groups = {frozenset({e[i]}) for e in edges for i in (0, 1)}
    for a, b, _ in sorted(edges, key=lambda e: (-e[2], e[0], e[1])):
        left = next(g for g in groups if a in g)
        right = next(g for g in groups if b in g)
        if left != right and not any(frozenset({x, y}) in vetoed for x in left for y in right):
            groups = (groups - {left, right}) | {left | right}
    return {g for g in groups if len(g) > 1}


@given(edges, st.sets(pairs))
def test_clusters_equal_the_naive_solution(edges: list[Edge], vetoes: set[tuple[str, str]]) -> None:
    vetoed = {frozenset(p) for p in vetoes}
    groups, refusals = guarded_union(edges, lambda a, b: "no" if frozenset({a, b}) in vetoed else None)
    assert {frozenset(g.ids) for g in groups} == naive(edges, vetoed)
    assert all(frozenset({r.left, r.right}) in vetoed for r in refusals)
    assert not any(frozenset(p) in vetoed for g in groups for p in combinations(g.ids, 2))


@given(edges, st.randoms())
def test_clusters_do_not_depend_on_the_order_of_the_edges(edges: list[Edge], random: object) -> None:
    shuffled = list(edges)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert guarded_union(shuffled, free) == guarded_union(edges, free)


def test_a_veto_keeps_a_chain_apart_and_the_bridge_is_contested() -> None:
    groups, refusals = guarded_union(
        [("john", "j", 1.0), ("j", "mary", 0.9)], lambda a, b: "given names" if {a, b} == {"john", "mary"} else None
    )
    assert groups == [Group(("j", "john"), True)]
    assert refusals == [Refusal("john", "mary", "given names")]


def test_a_chain_is_no_star() -> None:
    strong = {("a", "b"), ("b", "c")}
    assert is_star(["a", "b", "c"], "b", strong)
    assert not is_star(["a", "b", "c"], "a", strong)
