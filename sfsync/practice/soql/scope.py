"""What the names of one FROM mean: fields, parents through lookups, and the joins these need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from sfsync.practice.errors import ApiError
from sfsync.practice.schema import COMPOUND_TYPES, Field, Schema, SObject
from sfsync.practice.soql import nodes
from sfsync.practice.soql.faults import Source
from sfsync.practice.soql.model import Options

_MOST_LEVELS = 5
_MOST_PARENTS = 55
_TEXT = frozenset(["string", "textarea", "picklist", "combobox", "phone", "url", "email", "encryptedstring", "anyType"])
_IDS = frozenset(["id", "reference"])
_NAME_FIELDS = (
    "Id Name FirstName LastName Alias Email Phone Title Username IsActive ProfileId UserRoleId RecordTypeId".split()
)
_WSDL = "Please reference your WSDL or the describe call for the appropriate names."


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Binder:
    """Collects bound values; `bind` gives the placeholder."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def bind(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


@dataclass(frozen=True)
class Operand:
    """A value a query can show, filter, group or sort by."""

    sql: str
    type: str
    name: str
    """As error messages call it."""
    pos: int
    path: tuple[str, ...] = ()
    field: Field | None = None
    join: Join | None = None
    aggregate: bool = False

    @property
    def is_text(self) -> bool:
        return self.type in _TEXT

    @property
    def is_id(self) -> bool:
        return self.type in _IDS

    @property
    def long_text(self) -> bool:
        return self.type == "base64" or (self.type == "textarea" and self.field is not None and self.field.length > 255)

    def folded(self, sql: str | None = None) -> str:
        """The SQL by which two values of this field are the same: without case, unless the field has it."""
        sql = sql or self.sql
        exact = not (self.is_text or self.type == "multipicklist") or (self.field and self.field.case_sensitive)
        return sql if exact else f"lower({sql})"


@dataclass
class Join:
    """The table of the FROM, or of a parent reached through a lookup."""

    alias: str
    sobject: SObject
    path: tuple[str, ...] = ()
    key: str = ""
    """The lookup's SQL; empty for the table of the FROM itself."""
    targets: tuple[SObject, ...] = ()
    """For a polymorphic parent, what it can be; `sobject` is then the Name they share."""
    formulas: dict[str, str] = field(default_factory=dict)
    reference: Field | None = None

    def column(self, name: str) -> str:
        return f"{self.alias}.{quoted(name)}"

    def use(self, wanted: Field) -> str:
        """The SQL of a field of this table."""
        if wanted.formula is not None:
            self.formulas[wanted.name] = wanted.formula
        return self.column(wanted.name)


class Scope:
    """One FROM of a query, and the parents its names lead to."""

    def __init__(
        self, schema: Schema, source: Source, options: Options, sobject: SObject, query: nodes.Query, tag: str
    ):
        self.schema = schema
        self.source = source
        self.options = options
        self.sobject = sobject
        self.tag = tag
        self.base = Join(f"{tag}0", sobject)
        self.joins: dict[tuple[str, ...], Join] = {(): self.base}
        self._prefixes = {sobject.name.casefold()}
        if query.alias:
            self._prefixes.add(query.alias.text.casefold())

    def resolve(self, path: nodes.Path) -> Operand:
        """The field a dotted name means. Raises ApiError INVALID_FIELD."""
        parts = self._unprefixed(path.parts)
        if len(parts) - 1 > _MOST_LEVELS:
            raise self.source.malformed(path.pos, f"SOQL relationship depth is more than {_MOST_LEVELS}: {path.text}")
        join = self.base
        for name in parts[:-1]:
            join = self._parent(join, name, path)
        return self.operand(join, parts[-1], path.pos)

    def operand(self, join: Join, name: str, pos: int) -> Operand:
        found = join.sobject.field(name)
        if found is None:
            raise self.source.invalid_field(pos, no_such_column(name, join.sobject.name))
        sql = "NULL" if found.type in COMPOUND_TYPES else join.use(found)
        return Operand(sql, found.type, found.name, pos, (*join.path, found.name), found, join)

    def relationship(self, path: nodes.Path) -> Join:
        """The parent a dotted name means, as the `Owner` of TYPEOF."""
        join = self.base
        for name in self._unprefixed(path.parts):
            join = self._parent(join, name, path)
        return join

    def branch(self, parent: Join, sobject: SObject) -> Join:
        """One of the sObjects a polymorphic parent can be, joined by itself with all its fields."""
        return self._add((*parent.path, f"#{sobject.name}"), Join("", sobject, parent.path, parent.key))

    def from_clause(self) -> str:
        """FROM and its joins. Call it last: it knows all fields used by then."""
        return "FROM " + " ".join(self._joined(join) for join in self.joins.values())

    def visible(self) -> str | None:
        """The condition that leaves out soft-deleted rows, if there is anything to leave out."""
        if self.options.all_rows or not self._deletable(self.sobject):
            return None
        return f"NOT {self.base.column('IsDeleted')}"

    def _unprefixed(self, parts: list[str]) -> list[str]:
        """Without the FROM's own name or alias in front."""
        if len(parts) > 1 and parts[0].casefold() in self._prefixes and self.sobject.parent(parts[0]) is None:
            return parts[1:]
        return parts

    def _parent(self, join: Join, name: str, path: nodes.Path) -> Join:
        reference = join.sobject.parent(name)
        targets = [t for r in (reference.refers if reference else ()) if (t := self.schema.get(r))]
        if reference is None or reference.relationship is None or not targets:
            raise self.source.invalid_field(path.pos, no_such_relationship(name))
        where = (*join.path, reference.relationship)
        if where in self.joins:
            return self.joins[where]
        if len(self.joins) > _MOST_PARENTS:
            raise self.source.malformed(path.pos, f"Maximum number of parent relationships is {_MOST_PARENTS}")
        several = reference.polymorphic
        sobject = name_object(targets) if several else targets[0]
        made = Join("", sobject, where, join.use(reference), tuple(targets) if several else (), reference=reference)
        return self._add(where, made)

    def _add(self, where: tuple[str, ...], join: Join) -> Join:
        join.alias = f"{self.tag}{len(self.joins)}"
        return self.joins.setdefault(where, join)

    def _joined(self, join: Join) -> str:
        relation = self._union(join) if join.targets else self._table(join)
        if not join.key:
            return f"{relation} {join.alias}"
        condition = f"{join.column('Id')} = {join.key}"
        if not join.targets and not self.options.all_rows and self._deletable(join.sobject):
            condition += f" AND NOT {join.column('IsDeleted')}"
        return f"LEFT JOIN {relation} {join.alias} ON {condition}"

    def _table(self, join: Join) -> str:
        table = quoted(join.sobject.name)
        if not join.formulas:
            return table
        computed = ", ".join(f"({sql}) AS {quoted(name)}" for name, sql in join.formulas.items())
        return f"(SELECT *, {computed} FROM {table})"

    def _union(self, join: Join) -> str:
        parts = [self._as_name(target, join.sobject.fields.values()) for target in join.targets]
        return f"({' UNION ALL '.join(parts)})"

    def _as_name(self, target: SObject, fields: Iterable[Field]) -> str:
        """One kind of parent in the shape all kinds share."""
        columns = []
        for wanted in fields:
            own = target.field(wanted.name)
            if wanted.name == "Type":
                value = f"'{target.name}'"
            elif own is None:
                value = f"CAST(NULL AS {wanted.column_type})"
            else:
                value = f"({own.formula})" if own.formula else quoted(own.name)
            columns.append(f"{value} AS {quoted(wanted.name)}")
        alive = ' WHERE NOT "IsDeleted"' if not self.options.all_rows and self._deletable(target) else ""
        return f"SELECT {', '.join(columns)} FROM {quoted(target.name)}{alive}"

    def _deletable(self, sobject: SObject) -> bool:
        return "IsDeleted" in self.schema.full(sobject.name).fields


def name_object(targets: list[SObject]) -> SObject:
    """The fields which a polymorphic parent shows whatever it is: Id, Type, Name and what else its kinds share."""
    fields = {"Type": Field("Type", "string", length=40)}
    for name in _NAME_FIELDS:
        own = next((f for t in targets if (f := t.field(name))), None)
        if own is not None:
            fields[name] = replace(own, formula=None, case_sensitive=False)
    return SObject("Name", "", "Name", "Names", fields)


def no_such_column(name: str, sobject: str) -> str:
    return (
        f"No such column '{name}' on entity '{sobject}'. If you are attempting to use a custom field, be sure to "
        f"append the '__c' after the custom field name. {_WSDL}"
    )


def no_such_relationship(name: str, place: str = "field path") -> str:
    return (
        f"Didn't understand relationship '{name}' in {place}. If you are attempting to use a custom relationship, be "
        f"sure to append the '__r' after the custom relationship name. {_WSDL}"
    )


def find_sobject(schema: Schema, source: Source, path: nodes.Path) -> SObject:
    """The object of a FROM. Raises ApiError INVALID_TYPE, in the words for an unknown or unreadable object."""
    found = schema.get(path.text)
    if found is None or not found.queryable:
        raise source.error(
            path.pos,
            "INVALID_TYPE",
            f"sObject type '{path.text}' is not supported. If you are attempting to use a custom object, be sure to "
            f"append the '__c' after the entity name. {_WSDL}",
        )
    return found


def malformed_id(source: Source, pos: int, value: str) -> ApiError:
    return source.error(pos, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value}")
