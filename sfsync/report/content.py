"""What a report says, as data: sections of texts, facts, tables and charts. Every format is written from this."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from sfsync.insight.table import plain

Kind = Literal[
    "text", "prose", "number", "money", "percent", "days", "hours", "date", "moment", "record", "severity", "rule"
]
ChartKind = Literal["bars", "stacked", "waterfall", "funnel", "lines"]
TextKind = Literal["plain", "note", "problem", "why", "fix", "formula"]


@dataclass(frozen=True)
class Record:
    """A record of the org, to be linked."""

    sobject: str
    id: str
    name: str | None = None

    def __str__(self) -> str:
        return self.name or self.id


@dataclass(frozen=True)
class Text:
    text: str
    kind: TextKind = "plain"

    @property
    def lead(self) -> str:
        """What a reader is told first, in bold where that can be; often nothing."""
        leads = {"why": "Why it matters.", "fix": "What to do.", "formula": "How the score is computed."}
        return leads.get(self.kind, "")

    def as_json(self) -> dict[str, Any]:
        return {"type": "text", "kind": self.kind, "text": self.text}


@dataclass(frozen=True)
class Facts:
    """Single values with their names."""

    title: str
    facts: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {"type": "facts", "title": self.title, "facts": {k: _json(v) for k, v in self.facts.items()}}


@dataclass(frozen=True)
class Column:
    name: str
    label: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Table:
    key: str
    """Unique within the report; letters, digits, hyphens."""
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Any]]
    """One value per column; None is not known, not applicable."""
    notes: tuple[str, ...] = ()
    total: int | None = None
    """How many rows there are in all, where these are only the first."""
    file: str | None = None
    """The CSV with all of them, beside the report."""
    long: bool = False
    """A list to look things up in, rather than to read."""

    @property
    def told(self) -> bool:
        """Whether its rows are told one by one rather than compared down the columns."""
        return any(column.kind in ("prose", "record") for column in self.columns)

    @property
    def cut(self) -> bool:
        return self.total is not None and self.total > len(self.rows)

    def as_json(self) -> dict[str, Any]:
        return {
            "type": "table",
            "key": self.key,
            "title": self.title,
            "columns": [{"name": c.name, "label": c.label, "kind": c.kind} for c in self.columns],
            "rows": [{c.name: _json(v) for c, v in zip(self.columns, row, strict=True)} for row in self.rows],
            "notes": list(self.notes),
            "total": len(self.rows) if self.total is None else self.total,
            "file": self.file,
        }


@dataclass(frozen=True)
class Chart:
    """Drawn where a format can draw; its numbers always stand in a table as well."""

    key: str
    title: str
    kind: ChartKind
    labels: Sequence[str]
    series: Mapping[str, Sequence[float | None]]
    """Name → one value per label. bars, waterfall and funnel have one series."""
    unit: str = ""
    description: str = ""
    """What it shows, in words with numbers: for who cannot see it."""

    @property
    def empty(self) -> bool:
        return not any(value for values in self.series.values() for value in values)

    def as_json(self) -> dict[str, Any]:
        series = {name: list(values) for name, values in self.series.items()}
        return {
            "type": "chart",
            "key": self.key,
            "title": self.title,
            "kind": self.kind,
            "labels": list(self.labels),
            "series": series,
            "unit": self.unit,
            "description": self.description,
        }


@dataclass(frozen=True)
class Group:
    """Blocks that belong together, under a heading of their own."""

    key: str
    title: str
    blocks: Sequence[Block]
    severity: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "type": "group",
            "key": self.key,
            "title": self.title,
            "severity": self.severity,
            "blocks": [block.as_json() for block in self.blocks],
        }


Block = Text | Facts | Table | Chart | Group


@dataclass(frozen=True)
class Section:
    key: str
    title: str
    blocks: Sequence[Block]

    def as_json(self) -> dict[str, Any]:
        return {"key": self.key, "title": self.title, "blocks": [block.as_json() for block in self.blocks]}


@dataclass(frozen=True)
class Score:
    """0 to 100, and what it is made of."""

    value: int | None
    """None when no rule could be judged."""
    judged: int
    """Rules that count."""
    left_out: int
    """Rules not evaluated, or without a record to look at."""
    formula: str
    before: int | None = None
    """As the last report said."""
    missing: str = ""
    """Why there is no value, where there is none."""

    def as_json(self) -> dict[str, Any]:
        return {
            "value": self.value,
            "judged": self.judged,
            "left_out": self.left_out,
            "formula": self.formula,
            "before": self.before,
            "missing": self.missing,
        }


@dataclass(frozen=True)
class Report:
    org_id: str
    org_name: str
    instance_url: str
    is_sandbox: bool
    made_at: datetime
    """UTC."""
    as_of: date
    """In the org's time zone."""
    time_zone: str
    score: Score
    sections: Sequence[Section]
    client: str | None = None
    logo: str | None = None
    """A data: URI of an image."""
    checked_at: datetime | None = None
    """When the rules were last evaluated, UTC."""
    findings: Mapping[str, int] = field(default_factory=dict)
    """Open ones by severity."""
    failed: tuple[str, ...] = ()
    """Parts that could not be made because something broke, as "forecast: KeyError"."""
    files: tuple[str, ...] = ()
    """CSV files written beside the report, relative to it."""

    @property
    def title(self) -> str:
        return f"{self.client or self.org_name}: state of the Salesforce org"

    def summary(self) -> dict[str, Any]:
        """What sfsync.runs keeps of it; the next report compares itself with this."""
        return {
            "score": self.score.value,
            "checked_at": None if self.checked_at is None else self.checked_at.isoformat(),
            "findings": dict(self.findings),
            "sections": [section.key for section in self.sections],
            "failed": list(self.failed),
        }

    def as_json(self) -> dict[str, Any]:
        return {
            "sfsync_report": 1,
            "title": self.title,
            "client": self.client,
            "org": {
                "org_id": self.org_id,
                "org_name": self.org_name,
                "instance_url": self.instance_url,
                "is_sandbox": self.is_sandbox,
                "time_zone": self.time_zone,
            },
            "made_at": _json(self.made_at),
            "as_of": _json(self.as_of),
            "checked_at": _json(self.checked_at),
            "score": self.score.as_json(),
            "findings": dict(self.findings),
            "failed": list(self.failed),
            "files": list(self.files),
            "sections": [section.as_json() for section in self.sections],
        }

    def section(self, key: str) -> Section:
        """Raises LookupError when the report has no such section."""
        for section in self.sections:
            if section.key == key:
                return section
        raise LookupError(f"the report has no section {key}")

    def tables(self) -> dict[str, Table]:
        """Every table by its key."""
        return {b.key: b for section in self.sections for b in walk(section.blocks) if isinstance(b, Table)}

    def charts(self) -> dict[str, Chart]:
        return {b.key: b for section in self.sections for b in walk(section.blocks) if isinstance(b, Chart)}


def walk(blocks: Sequence[Block]) -> Iterator[Block]:
    """The blocks and those inside groups, in reading order."""
    for block in blocks:
        yield block
        if isinstance(block, Group):
            yield from walk(block.blocks)


def _json(value: Any) -> Any:
    if isinstance(value, Record):
        return {"sobject": value.sobject, "id": value.id, "name": value.name}
    return plain(value)
