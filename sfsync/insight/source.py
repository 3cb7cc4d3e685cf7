"""Source: the warehouse as an analysis sees it: one clock, one set of settings, portable SQL in, rows out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from sfsync.errors import InputError, nearest
from sfsync.insight.fiscal import Fiscal, Kind, Period
from sfsync.moments import local_day
from sfsync.rules.rule import Param
from sfsync.rules.sql import Clock, parse, render
from sfsync.salesforce.ids import to18
from sfsync.warehouse import Warehouse
from sfsync.warehouse.schema import column

TERMINAL_STATUSES = ("Closed - Not Converted", "Unqualified", "Disqualified")
AUTOMATIC_REPLIES = ("automatic reply%", "auto-reply%", "autoreply%", "out of office%")
DATED_RATE = "DatedConversionRate"
NUMBERS = ("DECIMAL", "NUMERIC", "DOUBLE", "FLOAT", "REAL", "INT")
"""What the types of columns with numbers have in their names, in either database."""
BATCH = 5000


@dataclass(frozen=True)
class Settings:
    """How this org counts. The mirror answers what has no default here."""

    amount_field: str = "Amount"
    currency: str | None = None
    """Code of the currency of every total; None: the org's corporate one, else the one most opportunities have."""
    fiscal_start_month: int | None = None
    """None: the org's own, else January."""
    fiscal_named_by_start: bool | None = None
    custom_fiscal_years: bool = False
    """The org defines its own fiscal years; they are read from Period, and refused without it."""
    owners: Sequence[str] = ()
    """Ids; empty for everybody."""
    closed_unconverted_statuses: Sequence[str] | None = None
    """Lead statuses that end a lead without conversion; None: those of the usual names that exist."""
    response_sla_hours: float = 24
    """Until somebody should have been in touch with a lead; elapsed hours."""
    sla_hours_by_source: Mapping[str, str] = field(default_factory=dict)
    """LeadSource → its own hours, a number as text."""
    touch_exclude_subjects: Sequence[str] = ()
    """LIKE patterns: tasks of such a Subject are no contact, as mails that are logged by themselves."""
    automatic_replies: Sequence[str] = AUTOMATIC_REPLIES
    """LIKE patterns of subjects in small letters: these tasks are no attempt to get in touch."""
    dead_days: int = 90

    @cached_property
    def patterns(self) -> Mapping[str, Mapping[str, str]]:
        """Setting → name of a parameter → one of its patterns; every SQL of a Source may name these parameters."""
        return {
            name: {f"{name}_{place}": pattern for place, pattern in enumerate(getattr(self, name))}
            for name in ("touch_exclude_subjects", "automatic_replies")
        }


@dataclass
class Source:
    """Reads one warehouse through one open connection."""

    warehouse: Warehouse
    con: sa.Connection
    clock: Clock
    settings: Settings = field(default_factory=Settings)

    @property
    def as_of(self) -> date:
        return self.clock.as_of

    @cached_property
    def today(self) -> date:
        """The real day in the org's time zone; `as_of` may lie before it."""
        return local_day(self.clock.now, self.clock.time_zone)

    def end_of(self, day: date) -> datetime:
        """The first moment after a day in the org's time zone, in UTC."""
        try:
            zone: tzinfo = ZoneInfo(self.clock.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            zone = UTC
        return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)

    # -- SQL

    def rows(self, sql: str, **values: Param | date | Decimal) -> list[Any]:
        """The rows of one SELECT in the rules' common SQL, as named tuples; write all names of columns in lower case.

        values: for `:name` (days as text, to be cast) and cfg('name'); `:response_sla_hours`,
        cfg('sla_hours_by_source') and the names of `settings.patterns` are known.
        """
        return list(self.con.exec_driver_sql(self._text(sql, values), execution_options={"no_parameters": True}))

    def stream(self, sql: str, **values: Param | date | Decimal) -> Iterator[Any]:
        """The same rows, few of them in memory at a time. Ask nothing else before the last is taken."""
        options = {"no_parameters": True, "stream_results": True}
        with self.con.exec_driver_sql(self._text(sql, values), execution_options=options) as found:
            for some in found.partitions(BATCH):
                yield from some

    def _text(self, sql: str, values: Mapping[str, Param | date | Decimal]) -> str:
        params = {**self._known, **{name: _param(value) for name, value in values.items()}}
        return render(parse(sql, params), self.warehouse.dialect, self.clock, params)

    @cached_property
    def _known(self) -> Mapping[str, Param]:
        own = self.settings
        hours: dict[str, Param] = {
            "response_sla_hours": own.response_sla_hours,
            "sla_hours_by_source": own.sla_hours_by_source,
        }
        return hours | {name: text for of in own.patterns.values() for name, text in of.items()}

    def columns(self, table: str) -> Mapping[str, str]:
        """Casefolded name → type of `live.<table>`, or of `schema.table`."""
        key = table if "." in table else f"live.{table}"
        if key not in self._columns:
            found = self.warehouse.columns(self.con, key)
            self._columns[key] = {name.casefold(): kind for name, kind in found.items()}
        return self._columns[key]

    @cached_property
    def _columns(self) -> dict[str, dict[str, str]]:
        return {}

    def has(self, table: str, *columns: str) -> bool:
        there = self.columns(table)
        return bool(there) and all(name.casefold() in there for name in columns)

    def need(self, table: str, *columns: str) -> None:
        """Raises InputError, saying what to pull, when the mirror lacks the table or one of the columns."""
        there = self.columns(table)
        if not there:
            raise InputError(f"{table} is not in the warehouse. Add it to `objects:` and run `sfsync pull`.")
        for name in columns:
            if name.casefold() not in there:
                raise InputError(f"{table} has no {name} in the warehouse.{nearest(name, list(there))}")

    def need_number(self, table: str, name: str) -> None:
        """Raises InputError when a column that is there holds anything but numbers."""
        kind = self.columns(table)[name.casefold()]
        if not any(number in kind.upper() for number in NUMBERS):
            raise InputError(f"{table}.{name} holds no numbers ({kind.lower()}): name a field with amounts.")

    def record(self, table: str, id: str) -> str:
        """The Id, given with 15 or 18 characters, of a live record. Raises InputError when there is none."""
        with suppress(ValueError):
            id = to18(id.strip())
        if not self.rows(f"SELECT r.Id AS id FROM live.{table} r WHERE r.Id = :id", id=id):
            raise InputError(f'there is no {table} "{id}" in the mirror.')
        return id

    def column(self, table: str, alias: str, name: str, kind: str) -> str:
        """`alias.Name`, or a null of that type when the mirror lacks the column."""
        return f"{alias}.{column(name)}" if self.has(table, name) else f"CAST(NULL AS {kind})"

    # -- the org

    @cached_property
    def fiscal(self) -> Fiscal:
        """The org's fiscal calendar: its Period rows, where they differ from the settings of Organization.

        A first month among our settings goes before both. Raises InputError for custom fiscal years without Period.
        """
        start, named = self.settings.fiscal_start_month, self.settings.fiscal_named_by_start
        if self.has("Organization", "FiscalYearStartMonth"):
            named_by = self.column("Organization", "o", "UsesStartDateAsFiscalYearName", "boolean")
            found = self.rows(f"SELECT o.FiscalYearStartMonth AS month, {named_by} AS named FROM live.Organization o")
            if found:
                start = start or found[0].month
                named = bool(found[0].named) if named is None else named
        standard = Fiscal(int(start or 1), bool(named))
        own = self.settings.custom_fiscal_years or self.settings.fiscal_start_month is None
        periods = self._periods() if own else []
        if self.settings.custom_fiscal_years and not periods:
            raise InputError(
                "the org has custom fiscal years, and its Period rows are not in the warehouse. "
                "Add Period to `objects:` and pull, or give the period as two days, as 2026-01-01..2026-03-31."
            )
        differs = any(standard.period(p.kind, p.start).start != p.start for p in periods if p.kind != "month")
        return Fiscal(standard.start_month, standard.named_by_start, periods) if differs else standard

    def _periods(self) -> list[Period]:
        if not self.has("Period", "Type", "StartDate", "EndDate"):
            return []
        label = self.column("Period", "p", "FullyQualifiedLabel", "text")
        found = self.rows(
            f"SELECT p.Type AS type, p.StartDate AS first_day, p.EndDate AS last_day, {label} AS label "
            "FROM live.Period p WHERE p.Type IN ('Month', 'Quarter', 'Year') AND p.StartDate IS NOT NULL "
            "AND p.EndDate IS NOT NULL ORDER BY p.StartDate, p.Type"
        )
        kinds: dict[str, Kind] = {"Month": "month", "Quarter": "quarter", "Year": "year"}
        return [
            Period(r.first_day, r.last_day, r.label or f"{r.first_day}..{r.last_day}", kinds[r.type]) for r in found
        ]

    @cached_property
    def users(self) -> Mapping[str, str]:
        """Id → name of every user and queue the mirror knows."""
        found: dict[str, str] = {}
        for table in ("Group", "User"):
            if self.has(table, "Name"):
                found |= {r.id: r.name for r in self.rows(f"SELECT u.Id AS id, u.Name AS name FROM live.{table} u")}
        return found

    @cached_property
    def terminal_statuses(self) -> tuple[str, ...]:
        """Lead statuses that end a lead without conversion."""
        given = self.settings.closed_unconverted_statuses
        return tuple(TERMINAL_STATUSES if given is None else given)

    def owned(self, column: str) -> str:
        """A condition on the owner, for the settings' `owners`; call with `owners=source.settings.owners`."""
        return f"{column} IN (cfg('owners'))" if self.settings.owners else "TRUE"

    @property
    def common(self) -> dict[str, Any]:
        """Parameters every table names."""
        shown: dict[str, Any] = {"as_of": self.as_of, "time_zone": self.clock.time_zone}
        if self.settings.owners:
            shown["owners"] = list(self.settings.owners)
        return shown


@contextmanager
def open_source(
    warehouse: Warehouse,
    *,
    as_of: date,
    now: datetime,
    time_zone: str = "UTC",
    settings: Settings | None = None,
) -> Iterator[Source]:
    """A Source for the block; reads only. as_of: the day in the org's time zone. now: aware, the real moment."""
    with warehouse.read(whole=True) as con:
        yield Source(warehouse, con, Clock(as_of, now, time_zone), settings or Settings())


def _param(value: Param | date | Decimal) -> Param:
    if isinstance(value, (date, Decimal)):
        return str(value)
    return value
