"""A second look at a rule's rows in Python: see rule.Similar. Only what is alike enough is held in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from sfsync.normalise.similar import similarity
from sfsync.rules.groups import grouped
from sfsync.rules.rule import Param, Similar, text_sql
from sfsync.warehouse.draft import Draft

BATCH = 10_000
_CHOSEN = "sfsync_chosen"
_PLACE = "sfsync_place"


def numbered(select: str) -> str:
    """The SELECT with a number for each of its rows."""
    return f"SELECT row_number() OVER () AS {_PLACE}, x.* FROM ({select}) x"


def keep_alike(draft: Draft, similar: Similar, params: Mapping[str, Param], source: str, target: str) -> None:
    """Make the table `target` of the `numbered` rows of `source` that are alike enough, and of those of other kinds.

    Where the rule names the other record, one row of each group is left, whose `records` and `others` tell of the rest.
    """
    con = draft.con
    names = [str(name).lower() for name in con.exec_driver_sql(f"SELECT * FROM {source} LIMIT 0").keys()]  # noqa: SIM118
    looked_at = _looked_at(similar, names)
    with draft.attempt():
        draft.create(_CHOSEN, "place BIGINT, records TEXT, others TEXT")
        least = float(str(params[similar.at_least]))
        _insert(con, _chosen(draft, similar, least, f"FROM {source} r WHERE {looked_at}"))
    columns = ", ".join(_column(similar, name) for name in names if name != _PLACE)
    with draft.attempt():
        draft.fill(
            target,
            f"SELECT {columns} FROM {source} r LEFT JOIN {_CHOSEN} c ON c.place = r.{_PLACE} "
            f"WHERE c.place IS NOT NULL OR NOT ({looked_at})",
        )


def _looked_at(similar: Similar, names: Sequence[str]) -> str:
    if not similar.kinds:
        return "true"
    if "kind" not in names:
        return "false"
    return f"coalesce(CAST(r.kind AS TEXT), '') IN ({', '.join(map(text_sql, similar.kinds))})"


def _chosen(draft: Draft, similar: Similar, least: float, rows: str) -> list[tuple[int, str | None, str | None]]:
    """(place, records, others) of the rows that stay."""
    other = f"r.{similar.other}" if similar.other else "NULL"
    found = draft.con.exec_driver_sql(
        f"SELECT r.{_PLACE}, r.id, {other}, r.{similar.left}, r.{similar.right} {rows}",
        execution_options={"no_parameters": True, "stream_results": True, "yield_per": BATCH},
    )
    alike = [(place, id, twin) for place, id, twin, left, right in found if similarity(left, right) >= least]
    if not similar.other:
        return [(place, None, None) for place, _, _ in alike]
    pairs: list[dict[str, Any]] = [{"place": place, "id": id, "other": twin} for place, id, twin in alike]
    return [(group["place"], str(group["records"]), group["others"]) for group in grouped(pairs, "other")]


def _insert(con: sa.Connection, chosen: Sequence[tuple[int, str | None, str | None]]) -> None:
    insert = sa.text(
        f"INSERT INTO {_CHOSEN} SELECT unnest(CAST(:place AS BIGINT[])), unnest(CAST(:records AS TEXT[])), "
        "unnest(CAST(:others AS TEXT[]))"
    )
    for start in range(0, len(chosen), BATCH):
        place, records, others = (list(column) for column in zip(*chosen[start : start + BATCH], strict=True))
        con.execute(insert, {"place": place, "records": records, "others": others})


def _column(similar: Similar, name: str) -> str:
    if similar.other and name in ("records", "others"):
        return f"coalesce(c.{name}, CAST(r.{name} AS TEXT)) AS {name}"
    return f"r.{name}"
