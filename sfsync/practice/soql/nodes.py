"""The syntax tree of a SOQL query. `pos` is always an offset in the query's text, for error messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Path:
    text: str
    pos: int

    @property
    def parts(self) -> list[str]:
        return self.text.split(".")


@dataclass(frozen=True, slots=True)
class Literal:
    """kind: string number date datetime time relative (LAST_N_DAYS:3) word (null, true, TODAY). text: as written."""

    kind: str
    text: str
    pos: int


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple[Expression | Literal, ...]
    pos: int


Expression: TypeAlias = Path | Call


@dataclass(frozen=True, slots=True)
class Aliased:
    expression: Expression
    alias: str
    pos: int


@dataclass(frozen=True, slots=True)
class When:
    sobject: Path
    fields: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class TypeOfItem:
    relationship: Path
    whens: tuple[When, ...]
    otherwise: tuple[Path, ...] | None


@dataclass(frozen=True, slots=True)
class Compare:
    left: Expression
    operator: str
    right: Literal
    pos: int


@dataclass(frozen=True, slots=True)
class Among:
    """operator: IN, NOT IN, INCLUDES or EXCLUDES."""

    left: Expression
    operator: str
    values: tuple[Literal, ...]
    pos: int


@dataclass(frozen=True, slots=True)
class SemiJoin:
    left: Expression
    negated: bool
    query: Query
    pos: int


@dataclass(frozen=True, slots=True)
class Not:
    operand: Condition


@dataclass(frozen=True, slots=True)
class Junction:
    operator: str
    operands: tuple[Condition, ...]


Condition: TypeAlias = Compare | Among | SemiJoin | Not | Junction


@dataclass(frozen=True, slots=True)
class Order:
    expression: Expression
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    pos: int


@dataclass(frozen=True, slots=True)
class Query:
    items: tuple[Expression | Aliased | TypeOfItem | Query, ...]
    sobject: Path
    alias: Word | None = None
    scope: Word | None = None
    where: Condition | None = None
    security: Word | None = None
    group: tuple[Expression, ...] = ()
    having: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: Word | None = None
    offset: Word | None = None
    view: Word | None = None
