"""Views whose SQL follows from the org's describe: one SELECT for each reference or picklist field that is kept.

A view file of the same name says which columns they have; its SQL stands in until the warehouse is known.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa
import sqlglot
from sqlglot import exp

from sfsync.warehouse.schema import column

OPEN = {"Lead": ("IsConverted", "r.IsConverted is not true"), "Opportunity": ("IsClosed", "r.IsClosed is not true")}
"""sObject → the field that says whether a record is done with, and the condition that it is not."""


class Kept(Protocol):
    """What the warehouse keeps; rules/evaluate.py's Catalog."""

    con: sa.Connection

    def columns(self, key: str) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Field:
    """A field of sfsync.fields that is a column of a table that is there."""

    sobject: str
    name: str
    type: str
    restricted: bool
    values: tuple[str, ...]
    """Of a picklist, the active ones."""
    targets: tuple[str, ...]
    """Of a reference, all sObjects it may point at, kept or not."""


def generate(name: str, kept: Kept) -> exp.Query | None:
    """The view's SELECT for this warehouse; None when there is nothing to look at, or the view is not one of these."""
    if name not in VIEWS:
        return None
    branches = [text for field in _fields(kept) for text in VIEWS[name](field, kept)]
    if not branches:
        return None
    tree = sqlglot.parse_one("\nunion all\n".join(branches), read="postgres")
    assert isinstance(tree, exp.Query)
    tree.meta["generated"] = True  # its columns follow from the describe, not from what a rule declares
    return tree


def _fields(kept: Kept) -> list[Field]:
    rows = kept.con.exec_driver_sql(
        "SELECT sobject, field, type, restricted, picklist, reference_to FROM sfsync.fields "
        "WHERE gone_at IS NULL AND (picklist IS NOT NULL OR reference_to IS NOT NULL) ORDER BY sobject, ordinal, field"
    ).all()
    found = [
        Field(sobject, name, kind, bool(restricted), tuple(json.loads(values or "[]")), tuple(json.loads(to or "[]")))
        for sobject, name, kind, restricted, values, to in rows
    ]
    return [field for field in found if _has(kept, field.sobject, field.name)]


def _has(kept: Kept, sobject: str, *names: str) -> bool:
    there = {name.casefold() for name in kept.columns(sobject)}
    return {"id", *(name.casefold() for name in names)} <= there


def _references(field: Field, kept: Kept) -> Iterable[str]:
    targets = [target for target in field.targets if _has(kept, target)]
    if targets:
        yield _select(field, _points_there(field, targets, kept))


def _broken(field: Field, kept: Kept) -> Iterable[str]:
    """What points at no live record. Of a target that is only kept from some day on, only what is known as deleted."""
    targets = [target for target in field.targets if _has(kept, target)]
    if not targets:
        return
    name = f"r.{column(field.name)}"
    partly = [target for target in targets if target in _partly_kept(kept)]
    gone = " or ".join(_exists("salesforce", target, name) for target in targets)
    lost = [f"not {_exists('live', target, name)}" for target in targets]
    known = [f"({gone})"] if partly else []
    state = f"case when {gone} then 'deleted' else 'missing' end as state"
    yield _select(field, [*_points_there(field, targets, kept), *lost, *known], state)


def _points_there(field: Field, targets: Sequence[str], kept: Kept) -> list[str]:
    """Of a field that may point at objects which are not kept: only Ids that begin like those of one that is.

    All Ids of an sObject begin with the same three characters.
    """
    if len(targets) == len(field.targets):
        return []
    firsts = [kept.con.exec_driver_sql(f"SELECT left(Id, 3) FROM salesforce.{t} LIMIT 1").scalar() for t in targets]
    prefixes = ", ".join(_text(str(first)) for first in firsts if first)
    return [f"left(r.{column(field.name)}, 3) in ({prefixes})" if prefixes else "1 = 0"]


def _exists(schema: str, target: str, name: str) -> str:
    return f"exists (select 1 from {schema}.{target} t where t.Id = {name})"


def _partly_kept(kept: Kept) -> set[str]:
    rows = kept.con.exec_driver_sql("SELECT sobject FROM sfsync.cursors WHERE start IS NOT NULL")
    return {str(row[0]) for row in rows}


def _picklists(field: Field, kept: Kept) -> Iterable[str]:
    if not field.values:
        return
    name = f"r.{column(field.name)}"
    done, still_open = OPEN.get(field.sobject, ("", "true"))
    is_open = still_open if not done or _has(kept, field.sobject, done) else "true"
    several = field.type == "multipicklist"
    value = "u.value" if several else name
    known = f"{value} in ({', '.join(exp.Literal.string(v).sql(dialect='postgres') for v in field.values)})"
    yield (
        f"select {_text(field.sobject)} as sobject, r.Id, {_text(field.name)} as field, {value} as value, "
        f"{known} as known, {str(field.restricted).lower()} as restricted, {is_open} as is_open "
        f"from live.{field.sobject} r "
        + (f"cross join unnest(string_to_array({name}, ';')) as u(value) " if several else "")
        + f"where {value} <> ''"
    )


def _select(field: Field, conditions: Iterable[str], *more: str) -> str:
    name = f"r.{column(field.name)}"
    columns = ", ".join(["r.Id", f"{_text(field.name)} as field", f"{name} as target_id", *more])
    where = " and ".join([f"{name} <> ''", *conditions])
    return f"select {_text(field.sobject)} as sobject, {columns} from live.{field.sobject} r where {where}"


def _text(value: str) -> str:
    return exp.Literal.string(value).sql(dialect="postgres")


VIEWS: Mapping[str, Callable[[Field, Kept], Iterable[str]]] = {
    "v_reference": _references,
    "v_broken_reference": _broken,
    "v_picklist_use": _picklists,
}
