"""How planning reads the mirror: described fields, the records to be touched, and long lists in parts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa

from sfsync.model import Ref
from sfsync.plan.values import Wire, loads, to_wire
from sfsync.warehouse import Warehouse
from sfsync.warehouse.schema import column

T = TypeVar("T")
CHUNK = 10_000
BATCH = 20_000


@dataclass(frozen=True)
class FieldInfo:
    """One field as the last pull's describe told it."""

    name: str
    type: str
    length: int | None = None
    scale: int | None = None
    nillable: bool = True
    updateable: bool = True
    createable: bool = True
    restricted: bool = False
    identifies: bool = False
    """Unique or an external Id: its value belongs to one record."""
    active: frozenset[str] | None = None
    """The active picklist values; None for other types."""
    gone: bool = False
    """The org no longer has it, or hides it from this user."""


Fields = Mapping[str, FieldInfo]
"""By casefolded name."""


@dataclass(frozen=True)
class Row:
    """A live record: values in wire form, for the fields asked that the mirror has."""

    ref: Ref
    values: Mapping[str, Wire] = field(default_factory=dict)


def read_fields(con: sa.Connection, sobject: str) -> dict[str, FieldInfo]:
    """casefolded name → FieldInfo; empty when the object was never pulled."""
    rows = con.execute(
        sa.text(
            "SELECT field, type, length, scale, nillable, updateable, createable, restricted, identifies, picklist, "
            "gone_at FROM sfsync.fields WHERE sobject = :s"
        ),
        {"s": sobject},
    )
    return {row[0].casefold(): _info(row) for row in rows}


def read_rows(
    con: sa.Connection, warehouse: Warehouse, sobject: str, ids: Collection[str], names: Collection[str]
) -> dict[str, Row]:
    """Live records by Id. Fields the mirror lacks are absent from the row; deleted records are absent altogether."""
    known = {c.casefold(): c for c in warehouse.columns(con, f"live.{sobject}")}
    columns = sorted({known[n.casefold()] for n in names if n.casefold() in known} - {"Id"})
    if not known:
        return {}
    listed = ", ".join(["Id", *map(column, columns)])
    # One text of all Ids: as many parameters would take longer than the query.
    query = sa.text(f"SELECT {listed} FROM live.{sobject} WHERE Id IN (SELECT unnest(string_to_array(:ids, ',')))")
    found = {}
    for chunk in chunks(sorted(ids), CHUNK):
        for id, *values in con.execute(query, {"ids": ",".join(chunk)}):
            wires = {name: to_wire(value) for name, value in zip(columns, values, strict=True)}
            found[id] = Row(Ref(sobject, id), wires)
    return found


def count_live(con: sa.Connection, warehouse: Warehouse, sobject: str) -> int | None:
    """Live rows of the mirror; None when it does not keep the object."""
    if not warehouse.has_table(con, f"live.{sobject}"):
        return None
    return int(con.execute(sa.text(f"SELECT count(*) FROM live.{sobject}")).scalar_one())


def by_id(con: sa.Connection, sql: str, values: Mapping[str, Any], size: int = BATCH) -> Iterator[Any]:
    """The rows of a SELECT, without holding them all: asked for in parts, so that other questions fit in between.

    sql: its first column is an Id; it keeps those above :after, in the order of their characters (COLLATE "C"), and
    takes LIMIT :size.
    """
    after = ""
    while True:
        rows = con.execute(sa.text(sql), {**values, "after": after, "size": size}).all()
        full = len(rows) == size
        # The last Id may have more rows than fit: it comes whole with the next part.
        whole = [r for r in rows if r[0] != rows[-1][0]] if full else rows
        yield from whole
        if not full:
            return
        if whole:
            after = whole[-1][0]
        else:
            size *= 2


def places_by_code(fields: Fields) -> dict[str, str]:
    """Country and state fields that follow a picklist of codes → that picklist: {"Country": "CountryCode", …}."""
    named = (f for f in fields.values() if f.name.endswith(("Country", "State")))
    codes = ((f.name, fields.get(f"{f.name}Code".casefold())) for f in named)
    return {name: code.name for name, code in codes if code is not None and not code.gone}


def chunks(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of so many, the last one shorter."""
    left = iter(items)
    while some := list(islice(left, size)):
        yield some


def _info(row: Sequence[Any]) -> FieldInfo:
    name, type, length, scale, nillable, updateable, createable, restricted, identifies, picklist, gone_at = row
    return FieldInfo(
        name=name,
        type=type,
        length=length,
        scale=scale,
        nillable=nillable is not False,
        updateable=updateable is True,
        createable=createable is True,
        restricted=restricted is True,
        identifies=identifies is True,
        active=None if picklist is None else frozenset(map(str, loads(picklist))),
        gone=gone_at is not None,
    )
