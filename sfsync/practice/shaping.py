"""Result rows of a compiled query as the JSON records of the REST API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from sfsync.practice.soql.model import ChildQuery, Column, Compiled, Parent, TypeOf

Values = tuple[Any, ...]
Children = Mapping[str, Mapping[str, list[Values]]]
"""Subquery's label → parent's Id → rows."""


def json_value(kind: str) -> Callable[[Any], Any]:
    """How a stored value of a describe type is written in JSON."""
    return _WRITERS.get(kind, _same)


def _same(value: Any) -> Any:
    return value


def _datetime(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat(timespec="seconds") + ".000+0000"


def _date(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def _time(value: time | None) -> str | None:
    return None if value is None else value.isoformat(timespec="seconds") + ".000Z"


_WRITERS: dict[str, Callable[[Any], Any]] = {
    **{"datetime": _datetime, "date": _date, "time": _time},
}


def attributes(sobject: str, record_id: str | None, version: float) -> dict[str, str]:
    return {"type": sobject, "url": f"/services/data/v{version:.1f}/sobjects/{sobject}/{record_id}"}


class Shape:
    """How the rows of one query become JSON records, worked out once."""

    def __init__(self, query: Compiled, version: float):
        self._query = query
        self._version = version
        self._parents = {p.path: p for p in query.parents}
        items: list[tuple[int, int, Column | ChildQuery | TypeOf, int]] = [
            (index, 1, column, index) for index, column in enumerate(query.columns)
        ]
        items += [(child.position, 0, child, -1) for child in query.children]
        items += [(typeof.position, 0, typeof, -1) for typeof in query.typeofs]
        self._items = [(item, index) for _, _, item, index in sorted(items, key=lambda i: i[:2])]
        self._children = {c.label: Shape(c.query, version) for c in query.children}
        self._writers = {id(c): json_value(c.type) for c in query.columns}
        for typeof in query.typeofs:
            for columns in (*typeof.branches.values(), typeof.otherwise or ()):
                self._writers |= {id(c): json_value(c.type) for c, _ in columns}

    def records(self, rows: Sequence[Values], children: Children) -> list[dict[str, Any]]:
        if self._query.kind == "aggregate":
            return [self._aggregate(row) for row in rows]
        return [self._record(row, children) for row in rows]

    def _aggregate(self, row: Values) -> dict[str, Any]:
        record: dict[str, Any] = {"attributes": {"type": "AggregateResult"}}
        for index, column in enumerate(self._query.columns):
            record[column.label] = self._writers[id(column)](row[index])
        return record

    def _record(self, row: Values, children: Children) -> dict[str, Any]:
        query = self._query
        own_id = row[query.id_index] if query.id_index is not None else None
        record: dict[str, Any] = {"attributes": attributes(query.sobject, own_id, self._version)}
        for item, index in self._items:
            if isinstance(item, Column):
                self._place(record, row, item, index)
            elif isinstance(item, ChildQuery):
                record[item.label] = self._subquery(item, children[item.label].get(own_id or "", []))
            else:
                record[item.relationship] = self._typeof(item, row)
        return record

    def _place(self, record: dict[str, Any], row: Values, column: Column, index: int) -> None:
        target = record
        for depth in range(1, len(column.path)):
            found = self._parent(target, column.path[:depth], row)
            if found is None:
                return
            target = found
        target[column.path[-1]] = self._value(column, index, row)

    def _parent(self, holder: dict[str, Any], path: tuple[str, ...], row: Values) -> dict[str, Any] | None:
        """The nested object of a parent, made on first use; None when the record has no such parent."""
        if path[-1] not in holder:
            parent: Parent = self._parents[path]
            parent_id = row[parent.id_index]
            kind = row[parent.type_index] if parent.type_index is not None else parent.sobjects[0]
            holder[path[-1]] = {"attributes": attributes(kind, parent_id, self._version)} if parent_id else None
        found: dict[str, Any] | None = holder[path[-1]]
        return found

    def _value(self, column: Column, index: int, row: Values) -> Any:
        if not column.parts:
            return self._writers[id(column)](row[index])
        return address(column.path[-1], {name: row[place] for name, place in column.parts.items()})

    def _typeof(self, typeof: TypeOf, row: Values) -> dict[str, Any] | None:
        kind, record_id = row[typeof.type_index], row[typeof.id_index]
        columns = typeof.columns_for(kind) if record_id else None
        if columns is None:
            return None
        record: dict[str, Any] = {"attributes": attributes(kind, record_id, self._version)}
        for column, index in columns:
            record[column.path[-1]] = self._value(column, index, row)
        return record

    def _subquery(self, child: ChildQuery, rows: list[Values]) -> dict[str, Any] | None:
        if not rows:
            return None
        records = self._children[child.label].records(rows, {})
        return {"totalSize": len(records), "done": True, "records": records}


def address(name: str, parts: Mapping[str, Any]) -> dict[str, Any] | None:
    """A compound address of its parts, as BillingCity under `city`; None when every part is empty."""
    if all(value is None for value in parts.values()):
        return None
    prefix = len(name.removesuffix("Address"))
    made = {}
    for part, value in sorted(parts.items()):
        key = part[prefix:]
        degrees = part.endswith(("Latitude", "Longitude"))
        made[key[0].lower() + key[1:]] = float(value) if degrees and value is not None else value
    return made
