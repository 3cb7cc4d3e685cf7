"""dedupe: block → compare → score → cluster → survive, for one sObject after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from sfsync.dedupe.block import Block, Blocks, Capped, blocks
from sfsync.dedupe.cluster import Group, Refusal, guarded_union, is_star
from sfsync.dedupe.compare import Candidate, Context, compare, identified, same_surname, veto
from sfsync.dedupe.score import MERGE, score
from sfsync.dedupe.store import replace, verdicts
from sfsync.dedupe.survive import ORDER, master
from sfsync.errors import ConfigError, nearest
from sfsync.model import Cluster, Match, Ref
from sfsync.warehouse import Warehouse

SUPPORTED = ("Lead",)
MAX_MERGE = 5
"""Larger groups are never merged without a look."""


@dataclass(frozen=True)
class DedupeResult:
    clusters: tuple[Cluster, ...]
    """By sObject, then cluster Id."""
    matches: tuple[Match, ...]
    """By sObject, then Ids: pairs that share an identifier and are not vetoed."""
    counts: dict[str, int]
    """records (in scope), candidates, pairs (compared), matches, vetoed, clusters, merge, review, refused (unions),
    capped (keys)."""
    refused: tuple[tuple[str, Refusal], ...] = ()
    """(sObject, the union not made and why)."""
    capped: tuple[tuple[str, Capped], ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "clusters": [_cluster_json(c) for c in self.clusters],
            "counts": dict(self.counts),
            "refused_unions": [
                {"sobject": s, "left": r.left, "right": r.right, "reason": r.reason} for s, r in self.refused
            ],
            "capped": [{"sobject": s, "kind": c.kind, "size": c.size, "first_id": c.first_id} for s, c in self.capped],
            "survivor_order": list(ORDER),
        }


@dataclass
class _Scored:
    sobject: str
    matches: list[Match] = field(default_factory=list)
    pairs: int = 0
    vetoed: int = 0


def dedupe(
    warehouse: Warehouse,
    *,
    run_id: str,
    sobjects: Sequence[str] = ("Lead",),
) -> DedupeResult:
    """Find the records that are one real thing and keep them in sfsync.matches and sfsync.clusters.

    Reads live.<sObject> and sfsync.norm_<sObject>, which must be up to date, and the decisions people made. The last
    run's rows of the same sObjects are replaced, in one transaction each. Same input, same output. Nothing is merged.

    Raises ConfigError for an sObject this version
    has no model for, WarehouseError when the mirror or its normalised values are missing.
    """
    for sobject in sobjects:
        if sobject not in SUPPORTED:
            raise ConfigError(
                f'dedupe cannot compare "{sobject}" records; it knows {", ".join(SUPPORTED)}.'
                f"{nearest(sobject, SUPPORTED)}"
            )
    return _total([_one(warehouse, sobject, run_id) for sobject in sobjects])


def match_all(sobject: str, found: Blocks, context: Context) -> tuple[list[Match], int, int]:
    """(matches by Ids, pairs compared, pairs vetoed)."""
    scored = _Scored(sobject)
    seen: set[tuple[str, str]] = set()
    for block in found.blocks:
        for pair in combinations(block.ids, 2):
            if pair not in seen:
                seen.add(pair)
                _pair(found.candidates[pair[0]], found.candidates[pair[1]], context, scored)
    return sorted(scored.matches, key=lambda m: (m.left, m.right)), scored.pairs, scored.vetoed


def shared_emails(found: Sequence[Block], candidates: dict[str, Candidate]) -> frozenset[str]:
    """The addresses in use under contradicting surnames: a family's, a secretary's, a made-up one."""
    shared = set()
    for block in found:
        if block.kind == "email":
            people = [candidates[id] for id in block.ids]
            email = people[0].email
            if email and not all(same_surname(a, b) for a, b in combinations(people, 2)):
                shared.add(email)
    return frozenset(shared)


def clusters_of(
    sobject: str, found: Blocks, matches: Sequence[Match], context: Context
) -> tuple[list[Cluster], list[Refusal]]:
    people = found.candidates
    edges = [(m.left.id, m.right.id, m.score) for m in matches]
    groups, refusals = guarded_union(edges, lambda a, b: veto(people[a], people[b], context))
    inside: dict[str, list[Match]] = {}
    group_of = {id: group.ids[0] for group in groups for id in group.ids}
    for match in matches:
        if group_of.get(match.left.id) == group_of.get(match.right.id) and match.left.id in group_of:
            inside.setdefault(group_of[match.left.id], []).append(match)
    return [_cluster(sobject, group, people, inside[group.ids[0]]) for group in groups], refusals


def _one(warehouse: Warehouse, sobject: str, run_id: str) -> DedupeResult:
    with warehouse.read() as con:
        decided = verdicts(con, warehouse, sobject)
        same = [pair for pair, verdict in decided.items() if verdict == "same"]
        found = blocks(con, warehouse, sobject, same=same)
    context = Context(shared_emails(found.blocks, found.candidates), decided)
    matches, pairs, vetoed = match_all(sobject, found, context)
    clusters, refusals = clusters_of(sobject, found, matches, context)
    with warehouse.write() as con:
        replace(con, warehouse, sobject, matches, clusters, run_id)
    counts = {
        "records": found.in_scope,
        "candidates": len(found.candidates),
        "pairs": pairs,
        "matches": len(matches),
        "vetoed": vetoed,
        "clusters": len(clusters),
        "merge": sum(c.decision == "merge" for c in clusters),
        "review": sum(c.decision == "review" for c in clusters),
        "refused": len(refusals),
        "capped": len(found.capped),
    }
    return DedupeResult(
        tuple(clusters),
        tuple(matches),
        counts,
        tuple((sobject, r) for r in refusals),
        tuple((sobject, c) for c in found.capped),
    )


def _pair(a: Candidate, b: Candidate, context: Context, scored: _Scored) -> None:
    scored.pairs += 1
    levels = compare(a, b, context)
    if not identified(a, b, levels):
        return
    if veto(a, b, context):
        scored.vetoed += 1
        return
    scored.matches.append(Match(Ref(scored.sobject, a.id), Ref(scored.sobject, b.id), score(levels), levels))


def _cluster(sobject: str, group: Group, people: dict[str, Candidate], matches: Sequence[Match]) -> Cluster:
    chosen = master(people[id] for id in group.ids).id
    strong = {(m.left.id, m.right.id) for m in matches if m.score >= MERGE}
    safe = len(group.ids) <= MAX_MERGE and not group.contested and is_star(group.ids, chosen, strong)
    refs = tuple(Ref(sobject, id) for id in group.ids)
    return Cluster(group.ids[0], refs, Ref(sobject, chosen), "merge" if safe else "review", tuple(matches))


def _total(results: Sequence[DedupeResult]) -> DedupeResult:
    counts: dict[str, int] = {}
    for result in results:
        for name, n in result.counts.items():
            counts[name] = counts.get(name, 0) + n
    return DedupeResult(
        tuple(c for r in results for c in r.clusters),
        tuple(m for r in results for m in r.matches),
        counts,
        tuple(x for r in results for x in r.refused),
        tuple(x for r in results for x in r.capped),
    )


def _cluster_json(cluster: Cluster) -> dict[str, Any]:
    return {
        "cluster": cluster.id,
        "decision": cluster.decision,
        "score": cluster.score,
        "records": [{"sobject": r.sobject, "id": r.id, "master": r == cluster.master} for r in cluster.refs],
        "evidence": [
            {"left": m.left.id, "right": m.right.id, "score": m.score, "levels": dict(m.levels)}
            for m in cluster.matches
        ],
    }
