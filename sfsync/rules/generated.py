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

from sfsync.rules.listed import lacking, process_stages, read_lists, text
from sfsync.warehouse.schema import column

OPEN = {"Lead": ("IsConverted", "r.IsConverted is not true"), "Opportunity": ("IsClosed", "r.IsClosed is not true")}
"""sObject → the field that says whether a record is done with, and the condition that it is not."""

TYPED = ("Lead", "Opportunity", "Account", "Contact")
"""sObjects whose records have a RecordTypeId, which is chosen from a list like a picklist's value."""


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
    branches = list(VIEWS[name](_fields(kept), kept))
    if not branches:
        return None
    tree = sqlglot.parse_one("\nunion all\n".join(branches), read="postgres")
    assert isinstance(tree, exp.Query)
    tree.meta["generated"] = True  # its columns follow from the describe, not from what a rule declares
    tree.meta["branches"] = branches
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


def _references(fields: Sequence[Field], kept: Kept) -> Iterable[str]:
    for field in fields:
        if targets := _kept_targets(field, kept):
            yield _select(field, _points_there(field, targets, kept))


def _lost(fields: Sequence[Field], kept: Kept) -> Iterable[str]:
    """Ids that are referred to and are no live record's. They are few beside the rows, and looked up at once.

    Of a target that is only kept from some day on, only those known as deleted.
    """
    partly = _partly_kept(kept)
    for targets, named in _by_targets(fields, kept).items():
        ids = " union all ".join(
            f"select distinct {_name(field)} as id from live.{field.sobject} r where {_filled(field, there)}"
            for field, there in named
        )
        nowhere = " and ".join(f"not exists (select 1 from live.{t} t where t.Id = i.id)" for t in targets)
        joins = " ".join(f"left join salesforce.{t} t{i} on t{i}.Id = n.id" for i, t in enumerate(targets))
        deleted = " or ".join(f"t{i}.Id is not null" for i in range(len(targets)))
        yield (
            f"select {text(','.join(targets))} as targets, n.id as target_id, "
            f"case when {deleted} then 'deleted' else 'missing' end as state "
            f"from (select distinct i.id from ({ids}) i where {nowhere}) n {joins}"
            + (f" where {deleted}" if partly & set(targets) else "")
        )


def _broken(fields: Sequence[Field], kept: Kept) -> Iterable[str]:
    for targets, named in _by_targets(fields, kept).items():
        for field, there in named:
            lost = f" join v_lost_reference l on l.target_id = {_name(field)} and l.targets = {text(','.join(targets))}"
            yield _select(field, there, "l.state", join=lost)


def _by_targets(fields: Sequence[Field], kept: Kept) -> dict[tuple[str, ...], list[tuple[Field, list[str]]]]:
    """The sObjects that fields may point at → the fields, each with what narrows it to Ids of theirs."""
    together: dict[tuple[str, ...], list[tuple[Field, list[str]]]] = {}
    for field in fields:
        if targets := _kept_targets(field, kept):
            together.setdefault(targets, []).append((field, _points_there(field, targets, kept)))
    return together


def _kept_targets(field: Field, kept: Kept) -> tuple[str, ...]:
    return tuple(target for target in field.targets if _has(kept, target))


def _points_there(field: Field, targets: Sequence[str], kept: Kept) -> list[str]:
    """Of a field that may point at objects which are not kept: only Ids that begin like those of one that is.

    All Ids of an sObject begin with the same three characters.
    """
    if len(targets) == len(field.targets):
        return []
    firsts = [kept.con.exec_driver_sql(f"SELECT left(Id, 3) FROM salesforce.{t} LIMIT 1").scalar() for t in targets]
    prefixes = ", ".join(text(str(first)) for first in firsts if first)
    return [f"left(r.{column(field.name)}, 3) in ({prefixes})" if prefixes else "1 = 0"]


def _partly_kept(kept: Kept) -> set[str]:
    rows = kept.con.exec_driver_sql("SELECT sobject FROM sfsync.cursors WHERE start IS NOT NULL")
    return {str(row[0]) for row in rows}


def _picklists(fields: Sequence[Field], kept: Kept) -> Iterable[str]:
    lists = read_lists(kept.con)
    for field in fields:
        if not field.values:
            continue
        typed = _has(kept, field.sobject, "RecordTypeId")
        several = field.type == "multipicklist"
        value = "u.value" if several else _name(field)
        active = ", ".join(map(text, field.values))
        lacks = lacking(field.values, lists.get((field.sobject, field.name.casefold()), {})) if typed else ""
        source = [f"live.{field.sobject} r"]
        if several:
            source.append(f"cross join unnest(string_to_array({_name(field)}, ';')) as u(value)")
        if lacks:
            source.append(f"left join ({lacks}) as x(type, value) on x.type = r.RecordTypeId and x.value = {value}")
        yield (
            f"select {text(field.sobject)} as sobject, r.Id, {text(field.name)} as field, {value} as value, "
            f"{value} in ({active}) as known, {str(field.restricted).lower()} as restricted, "
            f"{_is_open(field.sobject, kept)} as is_open, {'x.value is null' if lacks else 'true'} as in_type, "
            f"{'r.RecordTypeId' if typed else 'cast(null as text)'} as record_type, {_name(field)} as whole, "
            f"{str(several).lower()} as several from {' '.join(source)} where {value} <> ''"
        )


def _picklist_records(fields: Sequence[Field], kept: Kept) -> Iterable[str]:
    typed = [sobject for sobject in TYPED if _has(kept, sobject)]
    for sobject in dict.fromkeys([*(field.sobject for field in fields if field.values), *typed]):
        yield f"select {text(sobject)} as sobject, r.Id, {_is_open(sobject, kept)} as is_open from live.{sobject} r"


def _process_stages(_: Sequence[Field], kept: Kept) -> Iterable[str]:
    select = process_stages(kept.con, read_lists(kept.con), shared=_has(kept, "RecordType", "BusinessProcessId"))
    return [select] if select else []


def _is_open(sobject: str, kept: Kept) -> str:
    done, still_open = OPEN.get(sobject, ("", "true"))
    return still_open if not done or _has(kept, sobject, done) else "true"


def _select(field: Field, conditions: Iterable[str], *more: str, join: str = "") -> str:
    columns = ", ".join(["r.Id", f"{text(field.name)} as field", f"{_name(field)} as target_id", *more])
    source = f"live.{field.sobject} r{join}"
    return f"select {text(field.sobject)} as sobject, {columns} from {source} where {_filled(field, conditions)}"


def _filled(field: Field, conditions: Iterable[str]) -> str:
    return " and ".join([f"{_name(field)} <> ''", *conditions])


def _name(field: Field) -> str:
    return f"r.{column(field.name)}"


VIEWS: Mapping[str, Callable[[Sequence[Field], Kept], Iterable[str]]] = {
    "v_reference": _references,
    "v_lost_reference": _lost,
    "v_broken_reference": _broken,
    "v_picklist_use": _picklists,
    "v_picklist_record": _picklist_records,
    "v_process_stage": _process_stages,
}
