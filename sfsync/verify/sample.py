"""Compare every cell of some rows: chosen by the hash of their Id, so that the same seed looks at the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from sfsync.salesforce.org import Org
from sfsync.salesforce.replies import when
from sfsync.verify import cells
from sfsync.verify.gone import chunks
from sfsync.verify.result import Difference
from sfsync.verify.scope import Scope
from sfsync.warehouse import Warehouse
from sfsync.warehouse.schema import column

AT_ONCE = 2000


@dataclass
class Sampled:
    rows: int = 0
    """Compared in full."""
    changed: int = 0
    """Left out: changed in the org since the mirror was brought up."""
    absent: list[str] = field(default_factory=list)
    """Rows that the org did not give."""
    different: list[Difference] = field(default_factory=list)
    formulas: list[Difference] = field(default_factory=list)
    """Cells of formulas and of the mapping's unstamped fields: true as of their last refresh."""


def sample(org: Org, warehouse: Warehouse, scope: Scope, describe: Mapping[str, Any], rows: int, seed: int) -> Sampled:
    """Compare up to `rows` live rows of the mirror with the org, cell by cell, by describe type.

    Rows stamped since the cursor are left out. What differs is read from the org a second time, and counts only if it
    differs then as well.
    """
    compared = _compared_fields(scope, describe)
    found = Sampled()
    for ids in chunks(_choose(warehouse, scope, rows, seed), AT_ONCE):
        mirror = _mirror_rows(warehouse, scope, ids, list(compared))
        first = _differences(org, scope, mirror, compared, found)
        again = sorted({d.id for d in first})
        if again:
            second = Sampled()
            still = set(_differences(org, scope, {id: mirror[id] for id in again}, compared, second))
            first = [d for d in first if d in still]
            found.rows -= len(again) - second.rows
            found.changed += second.changed
            found.absent += second.absent
        found.different += [d for d in first if not compared[d.field].drifts]
        found.formulas += [d for d in first if compared[d.field].drifts]
    return found


@dataclass(frozen=True)
class _Kind:
    sql_type: str
    drifts: bool
    """The org changes it without moving a stamp."""


def _compared_fields(scope: Scope, describe: Mapping[str, Any]) -> dict[str, _Kind]:
    """Fields that the mirror holds and the org shows now."""
    kept = {f["name"]: f for f in scope.mapping.keep(describe)}
    drifts = scope.mapping.drifts
    return {name: _Kind(kind, drifts(kept[name])) for name, kind in scope.types.items() if name in kept}


def _choose(warehouse: Warehouse, scope: Scope, rows: int, seed: int) -> list[str]:
    with warehouse.read() as con:
        chosen = con.execute(
            sa.text(
                f"SELECT m.Id FROM salesforce.{scope.sobject} m WHERE {scope.alive('m')} "
                "ORDER BY md5(concat(CAST(:seed AS TEXT), m.Id)), m.Id LIMIT :rows"
            ),
            {"seed": str(seed), "rows": rows},
        )
        return [str(row[0]) for row in chosen]


def _mirror_rows(
    warehouse: Warehouse, scope: Scope, ids: Sequence[str], names: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    columns = ", ".join(f"m.{column(name)}" for name in names)
    listed = sa.bindparam("ids", list(ids), sa.Text, expanding=True)
    query = sa.text(f"SELECT {columns} FROM salesforce.{scope.sobject} m WHERE m.Id IN :ids").bindparams(listed)
    with warehouse.read() as con:
        rows = [dict(zip(names, row, strict=True)) for row in con.execute(query)]
    return {str(row["Id"]): row for row in rows}


def _differences(
    org: Org,
    scope: Scope,
    mirror: Mapping[str, Mapping[str, Any]],
    compared: Mapping[str, _Kind],
    found: Sampled,
) -> list[Difference]:
    differences: list[Difference] = []
    for id, there in org.retrieve(scope.sobject, sorted(mirror), list(compared)).items():
        if there is None:
            found.absent.append(id)
            continue
        if scope.stamp and there.get(scope.stamp) and when(str(there[scope.stamp])) >= scope.until:
            found.changed += 1
            continue
        found.rows += 1
        differences += _cells(scope, id, there, mirror[id], compared)
    return differences


def _cells(
    scope: Scope, id: str, there: Mapping[str, Any], here: Mapping[str, Any], compared: Mapping[str, _Kind]
) -> list[Difference]:
    found = []
    for name, kind in compared.items():
        try:
            value = cells.typed(there.get(name), kind.sql_type)
        except ValueError:
            value = str(there.get(name))
        if not cells.equal(value, here[name]):
            found.append((name, value))
    missed = scope.stamp in {name for name, _ in found}
    return [Difference(id, name, value, here[name], "missed" if missed else "unstamped") for name, value in found]
