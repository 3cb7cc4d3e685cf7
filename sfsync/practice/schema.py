"""What the practice org's objects and fields are: the one description that describe, SOQL and saving all read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

NUMBER_TYPES = frozenset(["int", "long", "double", "currency", "percent"])
COMPOUND_TYPES = frozenset({"address", "location"})


@dataclass(frozen=True)
class PickValue:
    value: str
    label: str
    active: bool = True
    default: bool = False


@dataclass(frozen=True)
class Field:
    """One field. `type` is the describe's type: id string textarea picklist reference boolean currency ..."""

    name: str
    type: str
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    defaulted: bool = False
    """The server fills it when a create leaves it out."""
    values: tuple[PickValue, ...] = ()
    restricted: bool = False
    """Only the picklist's own values are accepted."""
    refers: tuple[str, ...] = ()
    relationship: str | None = None
    compound: str | None = None
    """The compound field this is a part of, as BillingAddress for BillingCity, or Name for LastName."""
    external_id: bool = False
    unique: bool = False
    id_lookup: bool = False
    case_sensitive: bool = False
    filterable: bool = True
    sortable: bool = True
    groupable: bool = True
    custom: bool = False
    name_field: bool = False
    formula: str | None = None
    """A DuckDB SQL expression over quoted columns of the same table; the field is then not stored."""
    default: str | bool | int | None = None

    @property
    def calculated(self) -> bool:
        return self.formula is not None

    @property
    def stored(self) -> bool:
        """Has a column of its own in the table."""
        return self.formula is None and self.type not in COMPOUND_TYPES

    @property
    def required(self) -> bool:
        """A create must give it."""
        return self.createable and not self.nillable and not self.defaulted

    @property
    def polymorphic(self) -> bool:
        return len(self.refers) > 1

    @property
    def column_type(self) -> str:
        """The DuckDB type of the column (of the expression, for a formula)."""
        if self.type in ("currency", "percent", "double"):
            return f"DECIMAL({self.precision or 18},{self.scale})"
        simple = {"boolean": "BOOLEAN", "date": "DATE", "datetime": "TIMESTAMP", "time": "TIME"}
        return simple.get(self.type) or ("BIGINT" if self.type in ("int", "long") else "VARCHAR")


@dataclass(frozen=True)
class SObject:
    name: str
    prefix: str
    label: str
    plural: str
    fields: Mapping[str, Field]
    """By name, in the order of the describe; fields hidden from the integration user are not here."""
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    queryable: bool = True
    mergeable: bool = False
    undeletable: bool = True
    replicateable: bool = True
    bulk: bool = True
    """The Bulk API accepts it."""

    @cached_property
    def _by_folded(self) -> dict[str, Field]:
        return {name.casefold(): f for name, f in self.fields.items()}

    @cached_property
    def _by_relationship(self) -> dict[str, Field]:
        return {f.relationship.casefold(): f for f in self.fields.values() if f.relationship}

    def field(self, name: str) -> Field | None:
        """Case-insensitive."""
        return self.fields.get(name) or self._by_folded.get(name.casefold())

    def parent(self, relationship: str) -> Field | None:
        """The reference field behind `Account` or `Owner`. Case-insensitive."""
        return self._by_relationship.get(relationship.casefold())

    def parts(self, compound: str) -> tuple[Field, ...]:
        """The stored parts of a compound field, in describe order."""
        return tuple(f for f in self.fields.values() if f.compound == compound and f.name != compound)

    @cached_property
    def stored_fields(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields.values() if f.stored)

    @cached_property
    def name_field(self) -> Field | None:
        return next((f for f in self.fields.values() if f.name_field), None)


@dataclass(frozen=True)
class Child:
    """One element of a describe's childRelationships."""

    sobject: str
    field: str
    relationship: str | None
    cascade: bool = False
    """Deleting the parent deletes these too."""
    restricted: bool = False
    """The parent cannot be deleted while there are any."""


@dataclass
class Schema:
    """The objects as the integration user sees them. Changed only through `put`, `hide` and `show`."""

    sobjects: Mapping[str, SObject] = field(default_factory=dict)
    relations: Mapping[str, tuple[Child, ...]] = field(default_factory=dict)
    """Parent's name → its children."""
    version: int = 1
    """Grows with every change of fields."""

    def __post_init__(self) -> None:
        self._full: dict[str, SObject] = dict(self.sobjects)
        self._hidden: set[tuple[str, str]] = set()
        self._rebuild()

    def get(self, name: str) -> SObject | None:
        """Case-insensitive."""
        return self.sobjects.get(name) or self._by_folded.get(name.casefold())

    def full(self, name: str) -> SObject:
        """The object with its hidden fields too, by its exact name. Raises KeyError."""
        return self._full[name]

    def children(self, name: str) -> list[Child]:
        return list(self.relations.get(name, ()))

    def child(self, parent: str, relationship: str) -> Child | None:
        """Case-insensitive."""
        wanted = relationship.casefold()
        found = self.get(parent)
        if found is None:
            return None
        return next((c for c in self.children(found.name) if (c.relationship or "").casefold() == wanted), None)

    def put(self, sobject: SObject) -> None:
        """Add or replace an object (given with all its fields, hidden ones included)."""
        self._full[sobject.name] = sobject
        self._changed()

    def add(self, sobject: SObject) -> None:
        """Add an object; those it refers to have it as a child from then on, deleted with none of them."""
        named = {r: list(self.relations.get(r, ())) for f in sobject.fields.values() for r in f.refers}
        for f in sobject.fields.values():
            for parent in f.refers:
                named[parent].append(Child(sobject.name, f.name, None))
        self.relations = {**self.relations, **{parent: tuple(found) for parent, found in named.items()}}
        self.put(sobject)

    def hide(self, sobject: str, name: str) -> None:
        """Make a field invisible in describe, queries and saves, as field-level security does."""
        if name not in self._full[sobject].fields:
            raise KeyError(f"{sobject}.{name}")
        self._hidden.add((sobject, name))
        self._changed()

    def show(self, sobject: str, name: str) -> None:
        self._hidden.discard((sobject, name))
        self._changed()

    def hidden(self) -> list[tuple[str, str]]:
        return sorted(self._hidden)

    def _changed(self) -> None:
        self._rebuild()
        self.version += 1

    def _rebuild(self) -> None:
        visible = {name: self._visible(obj) for name, obj in self._full.items()}
        self._by_folded = {name.casefold(): obj for name, obj in visible.items()}
        self.sobjects = visible

    def _visible(self, obj: SObject) -> SObject:
        gone = {name for owner, name in self._hidden if owner == obj.name}
        return without(obj, gone) if gone else obj


def without(obj: SObject, names: Iterable[str]) -> SObject:
    """The same object without some of its fields."""
    gone = set(names)
    return replace(obj, fields={n: f for n, f in obj.fields.items() if n not in gone})
