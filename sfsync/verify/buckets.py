"""Find the time ranges in which the two sides differ, with few counts.

The mirror knows how its rows spread over CreatedDate, so it proposes ranges of about a thousand rows. The org counts
some slices of them, then half of each slice that differs, and so on: a difference among a million rows is found with
about twenty COUNT()s. A slice that lacks one row and has one too many looks equal: only comparing all Ids finds these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sfsync.errors import OrgError
from sfsync.salesforce.org import Org
from sfsync.salesforce.soql import literal, path
from sfsync.verify.counts import leave_out
from sfsync.verify.scope import Scope, soql
from sfsync.warehouse import Warehouse
from sfsync.warehouse.page import Page

LEAF_ROWS = 1000
SLICES = 16
"""Counted first, in one call. The finer, the less likely that differences of both kinds hide each other."""
MOST_LEAVES = 64
"""Beyond so many differing ranges reading all Ids is cheaper."""


@dataclass(frozen=True)
class Range:
    """CreatedDate in [lo, hi); None is open. `rows`: live, untouched rows of the mirror."""

    lo: datetime | None
    hi: datetime | None
    rows: int

    def soql(self) -> list[str]:
        low = [f"CreatedDate >= {literal(self.lo)}"] if self.lo else []
        return [*low, *([f"CreatedDate < {literal(self.hi)}"] if self.hi else [])]

    def sql(self, alias: str) -> str:
        low = [f"{alias}.CreatedDate >= TIMESTAMP WITH TIME ZONE '{self.lo.isoformat()}'"] if self.lo else []
        high = [f"{alias}.CreatedDate < TIMESTAMP WITH TIME ZONE '{self.hi.isoformat()}'"] if self.hi else []
        return f"({' AND '.join([*low, *high]) or 'TRUE'})"


@dataclass(frozen=True)
class _Node:
    first: int
    last: int
    org: int


def leaves(warehouse: Warehouse, scope: Scope, changed: Sequence[Page], size: int = LEAF_ROWS) -> list[Range]:
    """The mirror's live untouched rows in ranges of about `size`, in order; the outermost are open."""
    with warehouse.write() if changed else warehouse.read() as con:
        kept = leave_out(con, scope, changed)
        rows = con.exec_driver_sql(
            f"WITH days AS (SELECT m.CreatedDate AS made, count(*) AS n FROM salesforce.{scope.sobject} m "
            f"WHERE {scope.alive('m')} AND m.CreatedDate IS NOT NULL AND {kept} GROUP BY 1), "
            "sums AS (SELECT made, n, sum(n) OVER (ORDER BY made) - n AS earlier FROM days) "
            f"SELECT min(made) AS lo, CAST(sum(n) AS BIGINT) FROM sums GROUP BY floor(earlier / {size}.0) ORDER BY lo"
        ).all()
    cuts = [None, *(row[0] for row in rows[1:]), None]
    return [Range(cuts[i], cuts[i + 1], int(row[1])) for i, row in enumerate(rows)]


def differing(org: Org, scope: Scope, ranges: Sequence[Range], total: int) -> list[Range] | None:
    """The ranges whose live rows the org counts differently; `total` is what it counts in all.

    None when there are so many that comparing every Id is cheaper. Raises OrgError when the org refuses a count.
    """
    nodes = _slices(org, scope, ranges, total) if ranges else []
    found: list[Range] = []
    while nodes:
        nodes = [n for n in nodes if n.org != sum(r.rows for r in ranges[n.first : n.last])]
        found += [ranges[n.first] for n in nodes if n.last - n.first == 1]
        nodes = [n for n in nodes if n.last - n.first > 1]
        if len(nodes) + len(found) > MOST_LEAVES:
            return None
        nodes = _split(org, scope, ranges, nodes)
    return found


def _slices(org: Org, scope: Scope, ranges: Sequence[Range], total: int) -> list[_Node]:
    """All ranges in a few nodes of equal length; the last one's count is what the others leave of the total."""
    size = -(-len(ranges) // SLICES)
    starts = list(range(0, len(ranges), size))
    asked = [_path(scope, ranges[a].lo, ranges[b].lo) for a, b in pairwise(starts)]
    sums = _count(org, scope, asked)
    sums.append(total - sum(sums))
    return [_Node(first, min(first + size, len(ranges)), n) for first, n in zip(starts, sums, strict=True)]


def _split(org: Org, scope: Scope, ranges: Sequence[Range], nodes: Sequence[_Node]) -> list[_Node]:
    """Halve each node; only the left halves cost a count."""
    asked = [_path(scope, ranges[n.first].lo, ranges[(n.first + n.last) // 2].lo) for n in nodes]
    halves = []
    for node, left in zip(nodes, _count(org, scope, asked), strict=True):
        middle = (node.first + node.last) // 2
        halves += [_Node(node.first, middle, left), _Node(middle, node.last, node.org - left)]
    return halves


def _count(org: Org, scope: Scope, asked: Sequence[str]) -> list[int]:
    counts = []
    for reply in org.batch_get(asked) if asked else []:
        if problem := reply.error:
            raise OrgError(f"{scope.sobject}: a count was refused ({problem.code}).", code=problem.code)
        counts.append(int(reply.body["totalSize"]))
    return counts


def _path(scope: Scope, lo: datetime | None, hi: datetime | None) -> str:
    flag = ["IsDeleted = FALSE"] if scope.has_deleted else []
    conditions = scope.untouched(*flag, *Range(lo, hi, 0).soql())
    return path(soql("COUNT()", scope.sobject, conditions), all_rows=scope.has_deleted)
