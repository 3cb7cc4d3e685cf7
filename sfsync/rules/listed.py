"""Which picklist values each record type has, as the org told, written out as SQL."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlglot import exp

from sfsync.warehouse.tables import picklists

Lists = Mapping[tuple[str, str], Mapping[str, frozenset[str]]]
"""(sObject, casefolded field) → RecordTypeId → the values it has there; in the order of the Ids."""


def read_lists(con: sa.Connection) -> Lists:
    """What the last pull was told. A record type that is not in it was not asked for."""
    columns = (picklists.c[name] for name in ("sobject", "field", "record_type", "listed"))
    found: dict[tuple[str, str], dict[str, frozenset[str]]] = {}
    for sobject, field, record_type, listed in con.execute(sa.select(*columns).order_by(picklists.c.record_type)):
        found.setdefault((sobject, field.casefold()), {})[record_type] = frozenset(map(str, json.loads(listed)))
    return found


def in_type(value: str, active: Sequence[str], lists: Mapping[str, frozenset[str]]) -> str:
    """An expression over a row `r`: false when its record type lacks the active value, else true or null.

    value: an expression. active: the field's values. lists: RecordTypeId → those it has.
    """
    alike: dict[tuple[str, ...], list[str]] = {}
    for record_type, listed in lists.items():
        if not listed.issuperset(active):
            alike.setdefault(tuple(v for v in active if v in listed), []).append(record_type)
    lacking = " or ".join(
        f"(r.RecordTypeId in ({texts(t)}) and {_lacks(value, active, has)})" for has, t in alike.items()
    )
    return f"not ({lacking})" if lacking else "true"


def _lacks(value: str, active: Sequence[str], has: Collection[str]) -> str:
    """By the shorter of the two lists."""
    lacks = [v for v in active if v not in set(has)]
    return f"{value} in ({texts(lacks)})" if len(lacks) <= len(has) else _none_of(value, has)


def _none_of(value: str, has: Collection[str]) -> str:
    return f"{value} not in ({texts(has)})" if has else "true"


def process_stages(con: sa.Connection, lists: Lists, *, shared: bool) -> str:
    """SELECT record_type, stage: those of each record type's sales process; "" when none is known.

    shared: live.RecordType says which types have one process. An inactive type, which the org is not asked about, then
    has the stages of another type with its process.
    """
    stages = dict(lists.get(("Opportunity", "stagename"), {}))
    if shared:
        rows = con.exec_driver_sql(
            "SELECT t.BusinessProcessId, t.Id FROM live.RecordType t "
            "WHERE t.SobjectType = 'Opportunity' AND t.BusinessProcessId IS NOT NULL ORDER BY t.Id"
        ).all()
        told = {process: stages[id] for process, id in rows if id in stages}
        stages |= {id: told[process] for process, id in rows if process in told and id not in stages}
    pairs = ", ".join(f"({text(t)}, {text(stage)})" for t, listed in stages.items() for stage in sorted(listed))
    return f"select v.record_type, v.stage from (values {pairs}) as v(record_type, stage)" if pairs else ""


def texts(values: Collection[str]) -> str:
    return ", ".join(map(text, values))


def text(value: str) -> str:
    return exp.Literal.string(value).sql(dialect="postgres")
