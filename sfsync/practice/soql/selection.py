"""The select list of a query that returns records: the columns asked for, then the hidden ones an answer needs."""

from __future__ import annotations

from sfsync.practice.errors import ApiError
from sfsync.practice.schema import COMPOUND_TYPES
from sfsync.practice.soql import nodes
from sfsync.practice.soql.faults import Source
from sfsync.practice.soql.limits import whole
from sfsync.practice.soql.model import Column, Parent, TypeOf
from sfsync.practice.soql.scope import Join, Operand, Scope, find_sobject, quoted

_MOST_UNBOUNDED = 200


class Selection:
    """Collects result columns: first every `add`, then `columns`, `parents`, `typeofs` and `hide`, `sql` last."""

    def __init__(self, scope: Scope):
        self.scope = scope
        self.source = scope.source
        self._shown: list[Operand] = []
        self._labels: set[str] = set()
        self._typeofs: list[tuple[nodes.TypeOfItem, int]] = []
        self._hidden: dict[str, str] = {}

    @property
    def count(self) -> int:
        """How many columns have been asked for so far."""
        return len(self._shown)

    def add(self, path: nodes.Path) -> None:
        self._add(self.scope.resolve(path))

    def add_field(self, name: str, pos: int) -> None:
        """A field of the FROM by its own name."""
        self._add(self.scope.operand(self.scope.base, name, pos))

    def add_type_of(self, item: nodes.TypeOfItem) -> None:
        self._typeofs.append((item, self.count))

    def _add(self, operand: Operand) -> None:
        label = ".".join(operand.path)
        if label in self._labels:
            raise self.source.invalid_field(operand.pos, f"duplicate field selected: {label}")
        if self.scope.options.bulk and operand.type in COMPOUND_TYPES:
            raise ApiError(400, "API_ERROR", "Selecting compound data not supported in Bulk Query")
        self._labels.add(label)
        self._shown.append(operand)

    def sort_by_label(self) -> None:
        """The column order of Bulk queries before version 50."""
        self._shown.sort(key=lambda operand: operand.path)

    def hide(self, name: str, sql: str) -> int:
        """Add a hidden column, once; its index in the result row."""
        self._hidden.setdefault(name, sql)
        return self.count + list(self._hidden).index(name)

    def columns(self) -> tuple[Column, ...]:
        return tuple(self._column(operand) for operand in self._shown)

    def _column(self, operand: Operand) -> Column:
        parts = self._parts(operand) if operand.type in COMPOUND_TYPES else {}
        return Column(operand.path, operand.field, ".".join(operand.path), operand.type, parts)

    def _parts(self, operand: Operand) -> dict[str, int]:
        join, label = operand.join, "#" + ".".join(operand.path)
        if join is None:
            return {}
        return {f.name: self.hide(f"{label}.{f.name}", join.use(f)) for f in join.sobject.parts(operand.name)}

    def parents(self) -> tuple[Parent, ...]:
        """The parents of the columns asked for, outer ones first."""
        paths = {operand.path[:length]: None for operand in self._shown for length in range(1, len(operand.path))}
        return tuple(self._parent(self.scope.joins[path]) for path in sorted(paths, key=len))

    def _parent(self, join: Join) -> Parent:
        label = "#" + ".".join(join.path)
        identity = self.hide(f"{label}.Id", join.column("Id"))
        if not join.targets:
            return Parent(join.path, (join.sobject.name,), identity)
        kind = self.hide(f"{label}.Type", join.column("Type"))
        return Parent(join.path, tuple(t.name for t in join.targets), identity, kind)

    def typeofs(self) -> tuple[TypeOf, ...]:
        return tuple(self._type_of(item, position) for item, position in self._typeofs)

    def _type_of(self, item: nodes.TypeOfItem, position: int) -> TypeOf:
        join = self.scope.relationship(item.relationship)
        if not join.targets or len(join.path) > 1:
            reason = f"TYPEOF needs a polymorphic relationship of the FROM object, not '{item.relationship.text}'"
            raise self.source.malformed(item.relationship.pos, reason)
        taken = [operand.path[0] for operand in self._shown if len(operand.path) > 1]
        taken += [
            self.scope.relationship(other.relationship).path[0] for other, _ in self._typeofs if other is not item
        ]
        if join.path[0] in taken:
            raise self.source.invalid_field(item.relationship.pos, f"duplicate field selected: {join.path[0]}")
        parent = self._parent(join)
        assert parent.type_index is not None
        branches = {}
        for when in item.whens:
            sobject = find_sobject(self.scope.schema, self.source, when.sobject)
            if sobject.name not in parent.sobjects or sobject.name in branches:
                reason = f"'{when.sobject.text}' cannot stand here in a TYPEOF of '{item.relationship.text}'"
                raise self.source.malformed(when.sobject.pos, reason)
            branches[sobject.name] = self._branch(self.scope.branch(join, sobject), sobject.name, when.fields)
        otherwise = None if item.otherwise is None else self._branch(join, "", item.otherwise)
        return TypeOf(join.path[-1], position, parent.id_index, parent.type_index, branches, otherwise)

    def _branch(self, join: Join, kind: str, fields: tuple[nodes.Path, ...]) -> tuple[tuple[Column, int], ...]:
        found = []
        for path in fields:
            operand = self.scope.operand(join, path.text, path.pos)
            if operand.type in COMPOUND_TYPES:
                raise self.source.malformed(path.pos, f"compound field '{operand.name}' cannot stand in a TYPEOF here")
            index = self.hide(f"#{'.'.join(join.path)}:{kind}.{operand.name}", operand.sql)
            found.append((Column((operand.name,), operand.field, operand.name, operand.type), index))
        return tuple(found)

    def sql(self) -> str:
        shown = [f"{operand.sql} AS {quoted('.'.join(operand.path))}" for operand in self._shown]
        return ", ".join(shown + [f"{sql} AS {quoted(name)}" for name, sql in self._hidden.items()])


def select_fields(selection: Selection, call: nodes.Call, query: nodes.Query) -> None:
    """`FIELDS(ALL)`, `FIELDS(STANDARD)` or `FIELDS(CUSTOM)` in a select list. Raises ApiError for any other call."""
    source, sobject = selection.source, selection.scope.sobject
    if call.name.upper() != "FIELDS":
        raise source.malformed(call.pos, f"The function {call.name}() is not supported here.")
    group = (
        call.arguments[0].text.upper() if len(call.arguments) == 1 and isinstance(call.arguments[0], nodes.Path) else ""
    )
    if group not in ("ALL", "STANDARD", "CUSTOM"):
        raise source.malformed(call.pos, "FIELDS takes ALL, STANDARD or CUSTOM")
    bulk = selection.scope.options.bulk
    if group != "STANDARD":
        _check_bounded(source, call, query, bulk)
    wanted = [f for f in sobject.fields.values() if group == "ALL" or f.custom == (group == "CUSTOM")]
    if not wanted:
        raise source.malformed(call.pos, f"{sobject.name} has no fields for FIELDS({group})")
    for field in wanted:
        if not (bulk and field.type in COMPOUND_TYPES):
            selection.add_field(field.name, call.pos)


def _check_bounded(source: Source, call: nodes.Call, query: nodes.Query, bulk: bool) -> None:
    if bulk:
        reason = "The SOQL FIELDS function is not supported with an unbounded set of fields in this API"
        raise source.malformed(call.pos, reason)
    limit = whole(source, query.limit)
    if (limit is None or limit > _MOST_UNBOUNDED) and not _few_ids(query.where):
        raise source.malformed(call.pos, f"The SOQL FIELDS function must have a LIMIT of at most {_MOST_UNBOUNDED}")


def _few_ids(where: nodes.Condition | None) -> bool:
    """The WHERE names at most 200 Ids."""
    if isinstance(where, nodes.Junction) and where.operator == "AND":
        return any(_few_ids(part) for part in where.operands)
    if not isinstance(where, nodes.Compare | nodes.Among) or not isinstance(where.left, nodes.Path):
        return False
    if where.left.parts[-1].casefold() != "id" or len(where.left.parts) > 1:
        return False
    if isinstance(where, nodes.Compare):
        return where.operator == "="
    return where.operator == "IN" and len(where.values) <= _MOST_UNBOUNDED


def filterable(source: Source, operand: Operand) -> Operand:
    """The operand, unless it cannot stand in a WHERE. Raises ApiError."""
    refused = operand.type in COMPOUND_TYPES or operand.type == "encryptedstring" or operand.long_text
    if refused or (operand.field is not None and not operand.field.filterable):
        raise source.invalid_field(operand.pos, f"field '{operand.name}' can not be filtered in a query call")
    return operand
