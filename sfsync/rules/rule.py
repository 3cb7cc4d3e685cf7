"""Rule: one YAML file, read and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sfsync.model import Confidence, Op, Severity

if TYPE_CHECKING:
    from sfsync.rules.sql import Statement

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
CONFIDENCES: tuple[Confidence, ...] = ("auto", "assisted", "manual")
Param = str | int | float | bool | None | Sequence[str] | Mapping[str, str]


@dataclass(frozen=True)
class Part:
    """One SELECT of a rule and the object it looks at; most rules have one part."""

    sobject: str
    sql: str
    """As written: Id, and where it fits kind, severity, sobject, and columns for message and fix."""
    scope: str
    """A SELECT of the records looked at, one row each: the denominator of the rule's rate."""


@dataclass(frozen=True)
class Fix:
    """How the columns of an offending row become a proposed change."""

    confidence: Confidence
    set: Mapping[str, str]
    """Field (or `:name` for the one a parameter names, `{column}` for the one each row names) → column of the SELECT. A
    null column leaves its field alone; all null is no fix. Of a conversion: account and contact, null for a new one."""
    kinds: tuple[str, ...] = ()
    """The kinds of finding it is for; empty for all."""
    when: str | None = None
    """A boolean column that must be true."""
    clear: tuple[str, ...] = ()
    """Fields to be emptied; only where the row says what they hold."""
    op: Op = "update"
    """update, create (of a record of `sobject`), convert (of the lead), or merge (with the records in `merge`)."""
    sobject: str = ""
    """What is created."""
    merge: str = ""
    """The column with the Ids of the records that are one with this, separated by spaces; null: no fix."""


@dataclass(frozen=True)
class Similar:
    """A second look at the rows in Python: only rows with two texts alike enough are findings.

    Databases disagree about similarity, so the SELECT yields the candidates, brought together by an equality, and
    sfsync.normalise.similar measures them.
    """

    left: str
    right: str
    at_least: str
    """The parameter with the least similarity, 0 to 1."""
    kinds: tuple[str, ...] = ()
    """The kinds of row it is for; empty for all."""
    other: str | None = None
    """The column with the second record's Id: one finding for each group of alike records, not for each pair."""


@dataclass(frozen=True)
class Guard:
    """A reason not to run the rule, and the SELECT of one boolean that is true when it holds."""

    when: str
    reason: str
    kind: str = ""
    """The one kind of finding that is left out; empty: the whole rule is not evaluated."""


@dataclass(frozen=True)
class Example:
    """A small world and what the rule must say about it."""

    group: Literal["passes", "flagged", "not_evaluated"]
    name: str
    world: Mapping[str, Sequence[Mapping[str, Any]]]
    """sObject → records; fields not given are null, records are not deleted unless they say so."""
    expect: Sequence[Mapping[str, Any]] = ()
    """Findings: Id, and where given kind, sobject, severity, fix, confidence, message."""
    params: Mapping[str, Param] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    """Tables (`Task`) or columns (`Task.Subject`) the warehouse of this example lacks."""
    reason: str = ""
    """Text the reason for not being evaluated must contain."""
    describe: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What sfsync.fields says: `Lead.Industry` → its type, and `picklist` or `reference_to` as a list."""
    clock: Mapping[str, Any] = field(default_factory=dict)
    """as_of (date), now (datetime), time_zone, where the rule needs them."""


@dataclass(frozen=True)
class Rule:
    """What is wrong, why it matters, how to find it, how to mend it."""

    code: str
    title: str
    severity: Severity
    basis: Literal["platform", "house"]
    """Whether the platform itself promises it (then a finding means: pull again), or the org's way of working."""
    parts: tuple[Part, ...]
    message: Mapping[str, str]
    """Kind → text with {Column} placeholders; "" is for every other kind."""
    why: str
    source: str = ""
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Table → columns without which the rule cannot be evaluated; `:name` is the column a parameter names."""
    optional: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Table → columns used when they are there; a missing table counts as empty, a missing column is null."""
    params: Mapping[str, Param] = field(default_factory=dict)
    """Name → default; its type is the type a configured value must have."""
    fixes: tuple[Fix, ...] = ()
    """The first that applies to a finding is proposed."""
    advice: str = ""
    """What a person can do where no fix applies."""
    guards: tuple[Guard, ...] = ()
    profiles: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    views: Mapping[str, Statement] = field(default_factory=dict)
    """The derived views it reads; what they need and their parameters are among its own."""
    similar: Similar | None = None
    path: Path = Path()

    def columns(self, tables: Mapping[str, tuple[str, ...]], params: Mapping[str, Param]) -> dict[str, tuple[str, ...]]:
        """`needs` or `optional` with the columns the parameters name; one that names none is left out."""
        return {
            table: tuple(str(name) for c in columns if (name := params[c[1:]] if c.startswith(":") else c) is not None)
            for table, columns in tables.items()
        }

    @property
    def objects(self) -> tuple[str, ...]:
        return tuple(part.sobject for part in self.parts)

    @property
    def confidence(self) -> str:
        """The strongest confidence offered: auto, assisted or manual."""
        offered = {fix.confidence for fix in self.fixes}
        return next((c for c in CONFIDENCES if c in offered), "manual")


def table_key(schema: str, table: str) -> str:
    """How `needs:` names a table: `Lead` for live.Lead, `norm_Lead` for sfsync.norm_Lead, else schema.table."""
    if schema == "live" or (schema == "sfsync" and table.casefold().startswith("norm_")):
        return table
    return f"{schema}.{table}"


def table_name(key: str) -> str:
    """The inverse of table_key."""
    if "." in key:
        return key
    return f"sfsync.{key}" if key.casefold().startswith("norm_") else f"live.{key}"


def text_sql(text: str) -> str:
    """A literal in SQL that is written by hand."""
    return "'" + text.replace("'", "''") + "'"
