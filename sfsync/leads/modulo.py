"""Salesforce's formula for dealing leads out, MOD(number, n), when somebody joins or leaves: only to compare with."""

from __future__ import annotations

from sfsync.insight.leaddata import ACTIVE
from sfsync.insight.source import Source
from sfsync.insight.table import Table, counted, make, percent
from sfsync.leads.model import Assigning
from sfsync.warehouse.schema import column

COLUMNS = ("pool", "members", "then", "leads", "change_hands", "change_hands_percent")


def modulo(source: Source, rules: Assigning, field: str) -> Table:
    """Active leads of each pool's members that `MOD(VALUE(field), n)` would give to another one with n one up or down.

    field: an auto-number of Lead, of digits only; leads without such a number are left out and counted. By pool, one
    less first. sfsync itself deals a lead once: whoever joins or leaves moves none that an active user has.
    Raises InputError when the mirror lacks the field.
    """
    source.need("Lead", "OwnerId", "Status", field)
    rows, unusable = [], 0
    for name, pool in rules.pools.items():
        n = len(pool.members)
        counts = source.rows(
            _sql(field, n), terminal=source.terminal_statuses, members=list(pool.members), digits="0123456789"
        )[0]
        unusable += int(counts.unusable)
        leads = int(counts.leads)
        for then, moved in ((n - 1, int(counts.fewer)), (n + 1, int(counts.more))):
            if then:
                values = (name, n, then, leads, moved, percent(moved, leads))
                rows.append(dict(zip(COLUMNS, values, strict=True)))
    return make(
        f"MOD(VALUE({field}), n) when n changes by one",
        COLUMNS,
        rows,
        notes=[
            "sfsync deals a lead once: somebody who joins or leaves a pool moves none of them",
            counted(unusable, f"lead has no number in {field}", f"leads have no number in {field}"),
        ],
        parameters=source.common,
    )


def _sql(field: str, n: int) -> str:
    """leads, fewer and more (how many another member would get), unusable."""
    name = f"l.{column(field)}"
    text = f"TRIM(CAST({name} AS text))"
    # Longer numbers than any auto-number are left out: they would not fit.
    number = f"CASE WHEN TRANSLATE({text}, :digits, '') = '' AND LENGTH({text}) BETWEEN 1 AND 18 THEN {text} END"
    moved = "SUM(CASE WHEN x.k % {0} <> x.k % {1} THEN 1 ELSE 0 END)"
    return (
        f"SELECT COUNT(x.k) AS leads, COALESCE({moved.format(n, max(n - 1, 1))}, 0) AS fewer, "
        f"COALESCE({moved.format(n, n + 1)}, 0) AS more, COUNT(*) - COUNT(x.k) AS unusable "
        f"FROM (SELECT CAST({number} AS bigint) AS k FROM live.Lead l WHERE {ACTIVE} "
        "AND l.OwnerId IN (cfg('members'))) x"
    )
