"""Which picklist values each record type has, as the org told, written out as SQL."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

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


def lacking(active: Sequence[str], lists: Mapping[str, frozenset[str]]) -> str:
    """Rows (record_type, value) of the active values that a record type lacks; "" when none lacks any.

    active: a field's values. lists: RecordTypeId → those it has.
    """
    return _rows((record_type, v) for record_type, has in lists.items() for v in active if v not in has)


def process_stages(con: sa.Connection, lists: Lists, *, shared: bool) -> str:
    """SELECT record_type, stage: those of each record type's sales process; "" when none is known.

    shared: live.RecordType says which types have one process. An inactive type, which the org is not asked about, then
    has the stages of another type with its process.
    """
    stages = dict(lists.get(("Opportunity", "stagename"), {}))
    if shared:
        types = con.exec_driver_sql(
            "SELECT t.BusinessProcessId, t.Id FROM live.RecordType t "
            "WHERE t.SobjectType = 'Opportunity' AND t.BusinessProcessId IS NOT NULL ORDER BY t.Id"
        ).all()
        told = {process: stages[id] for process, id in types if id in stages}
        stages |= {id: told[process] for process, id in types if process in told and id not in stages}
    rows = _rows((record_type, stage) for record_type, listed in stages.items() for stage in sorted(listed))
    return f"select v.record_type, v.stage from ({rows}) as v(record_type, stage)" if rows else ""


def _rows(pairs: Iterable[tuple[str, str]]) -> str:
    listed = ", ".join(f"({text(a)}, {text(b)})" for a, b in pairs)
    return f"values {listed}" if listed else ""


def text(value: str) -> str:
    return exp.Literal.string(value).sql(dialect="postgres")
