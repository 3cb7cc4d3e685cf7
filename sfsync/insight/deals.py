"""The opportunities as they were on a day: from the mirror, a daily snapshot, or rebuilt from OpportunityHistory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from sfsync.errors import InputError
from sfsync.insight.money import BY_RATE, SUMS, Rates, Tally
from sfsync.insight.source import DATED_RATE, Source

SNAPSHOT_DAYS = 7
"""A snapshot this many days old still speaks for a day without one."""
REBUILT = (
    "rebuilt from OpportunityHistory: owners are today's, and records deleted since are known only while the mirror "
    "has them"
)
Origin = Literal["mirror", "snapshot", "history"]


@dataclass(frozen=True)
class Stage:
    name: str
    label: str
    order: int
    is_closed: bool
    is_won: bool
    is_active: bool
    probability: Decimal
    """Percent, the stage's default."""
    category: str | None


@dataclass(frozen=True)
class State:
    """All live opportunities at the end of a day, as a SELECT.

    Columns of the SELECT, named d in queries: id, name, account, owner, stage, amount (exact, record's currency),
    close_date, probability and stage_probability (percent), category, is_closed, is_won, is_private, created (date),
    currency, rate and target_rate (see Rates.rate).
    """

    day: date
    origin: Origin
    taken: date
    """The day the values are of: `day`, or that of the snapshot used, or of the last pull."""
    sql: str
    first_hand: date | None = None
    """The day of the oldest snapshot, where one from before it is told from another source."""

    @property
    def note(self) -> str | None:
        if self.origin == "history":
            return f"{self.day} is {REBUILT}" + (f"; first-hand from {self.first_hand}" if self.first_hand else "")
        if self.taken == self.day:
            return None
        if self.origin == "mirror":
            return f"the mirror is of {self.taken}: run `sfsync pull` to see what changed since"
        return f"{self.day} is answered by the snapshot of {self.taken}"


@dataclass
class Deals:
    """Opportunities of one source, at any day."""

    source: Source

    def __post_init__(self) -> None:
        self.source.need(
            "Opportunity", "StageName", "CloseDate", "IsClosed", "IsWon", self.source.settings.amount_field
        )
        self.source.need("OpportunityStage", "MasterLabel", "IsClosed", "IsWon", "DefaultProbability")
        self.source.need_number("Opportunity", self.source.settings.amount_field)
        self.rates = Rates(self.source)

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """In the order of the sales process: by SortOrder, then name."""
        s = self.source
        api, order = (
            s.column("OpportunityStage", "s", "ApiName", "text"),
            s.column("OpportunityStage", "s", "SortOrder", "bigint"),
        )
        active = s.column("OpportunityStage", "s", "IsActive", "boolean")
        category = s.column("OpportunityStage", "s", "ForecastCategory", "text")
        found = s.rows(
            f"SELECT COALESCE({api}, s.MasterLabel) AS name, s.MasterLabel AS label, {order} AS sort, "
            f"s.IsClosed AS is_closed, s.IsWon AS is_won, {active} AS is_active, s.DefaultProbability AS probability, "
            f"{category} AS category FROM live.OpportunityStage s"
        )
        made = [
            Stage(
                *(r.name, r.label, int(r.sort or 0), bool(r.is_closed), bool(r.is_won), r.is_active is not False),
                Decimal(r.probability or 0),
                r.category,
            )
            for r in found
        ]
        return tuple(sorted(made, key=lambda stage: (stage.order, stage.name)))

    @cached_property
    def by_name(self) -> Mapping[str, Stage]:
        """By API name, and by label where no API name is spelt so."""
        return {stage.label: stage for stage in self.stages} | {stage.name: stage for stage in self.stages}

    def order(self, stage: str | None) -> tuple[int, str]:
        """Sorts stages by their place in the process, unknown ones last."""
        known = self.by_name.get(stage or "")
        return (known.order, stage or "") if known else (10**9, stage or "")

    def at(self, day: date) -> State:
        """The state at the end of a day. Raises InputError when nothing can tell it."""
        if day >= self.source.today:
            return State(day, "mirror", min(self.pulled or day, day), self._mirror())
        taken = self._snapshot_before(day)
        if taken:
            return State(day, "snapshot", taken, self._snapshot(taken))
        if self.source.has("salesforce.OpportunityHistory", "OpportunityId", "StageName", "CreatedDate"):
            return State(day, "history", day, self._history(day), self.first_hand)
        raise InputError(
            f"nothing tells how opportunities stood on {day}: no snapshot of that week, and OpportunityHistory is not "
            "in the warehouse. Add OpportunityHistory to `objects:` and run `sfsync pull`."
        )

    @cached_property
    def pulled(self) -> date | None:
        """The day up to which opportunities were pulled."""
        if not self.source.has("sfsync.cursors"):
            return None
        found = self.source.rows(
            "SELECT local_date(c.until) AS day FROM sfsync.cursors c WHERE c.sobject = 'Opportunity'"
        )
        return found[0].day if found else None

    @cached_property
    def first_hand(self) -> date | None:
        """The day of the oldest snapshot."""
        if not self.source.has("sfsync.opportunity_snapshot"):
            return None
        found = self.source.rows("SELECT MIN(s.day) AS day FROM sfsync.opportunity_snapshot s")
        day: date | None = found[0].day
        return day

    @property
    def first_hand_note(self) -> str:
        if self.first_hand:
            return f"history is first-hand from {self.first_hand}"
        return (
            "history is not first-hand yet: no snapshot has been kept, earlier days are rebuilt from OpportunityHistory"
        )

    def sums(
        self, state: State, keys: Mapping[str, str], where: str = "TRUE", *, join: str = "", **values: Any
    ) -> list[tuple[Any, Tally]]:
        """(row with the keys, tally) per group and currency. keys: name → expression over the deals d."""
        listed = "".join(f"{expression} AS {name}, " for name, expression in keys.items())
        places = "".join(f"{i + 1}, " for i in range(len(keys)))
        sql = (
            f"SELECT {listed}{SUMS} FROM ({state.sql}) d {join} WHERE ({where}) AND {self.source.owned('d.owner')} "
            f"GROUP BY {places}{BY_RATE}"
        )
        return [(row, self.rates.tally(row)) for row in self.select(sql, **values)]

    def select(self, sql: str, **values: Any) -> list[Any]:
        """Rows of a SELECT over states; the lists their SQL names are filled in."""
        return self.source.rows(sql, **self._lists, **values)

    def stream(self, sql: str, **values: Any) -> Iterator[Any]:
        """The same rows one by one; see `Source.stream`."""
        self.rates.prepare()
        return self.source.stream(sql, **self._lists, **values)

    @cached_property
    def _lists(self) -> dict[str, Any]:
        return {
            "closed_stages": self._named(lambda stage: stage.is_closed),
            "won_stages": self._named(lambda stage: stage.is_won),
            "stage_probabilities": {name: str(stage.probability) for name, stage in self.by_name.items()},
            "owners": list(self.source.settings.owners),
            "dated_against": self.rates.dated_against,
        }

    def _named(self, which: Any) -> Sequence[str]:
        return [name for name, stage in self.by_name.items() if which(stage)]

    # -- the three SELECTs

    def _mirror(self) -> str:
        amount = self.source.settings.amount_field
        return self._joined(
            "SELECT o.Id AS id, o.StageName AS stage, "
            f"{_exact('o.' + amount)} AS amount, o.CloseDate AS close_date, {self._own('Probability', 'decimal')} AS "
            f"probability, {self._own('ForecastCategory', 'text')} AS category, o.IsClosed AS is_closed, "
            f"o.IsWon AS is_won, o.OwnerId AS owner, {self._own('AccountId', 'text')} AS account "
            "FROM live.Opportunity o"
        )

    def _snapshot(self, taken: date) -> str:
        self._only_amount(taken)
        return self._joined(
            "SELECT s.id AS id, s.stagename AS stage, "
            f"{_exact('s.amount')} AS amount, s.closedate AS close_date, s.probability AS probability, "
            "s.forecastcategory AS category, s.isclosed AS is_closed, s.iswon AS is_won, s.ownerid AS owner, "
            f"s.accountid AS account FROM sfsync.opportunity_snapshot s WHERE s.day = CAST('{taken}' AS DATE)"
        )

    def _history(self, day: date) -> str:
        self._only_amount(day)
        source = self.source
        gone = "o._deleted_reason IS NULL" if source.has("salesforce.Opportunity", "_deleted_reason") else "TRUE"
        if source.has("salesforce.Opportunity", "_deleted_reason", "_pulled_at", "SystemModstamp"):
            when = "CASE WHEN o._deleted_reason = 'purged' THEN o._pulled_at ELSE o.SystemModstamp END"
            gone = f"({gone} OR local_date({when}) > CAST('{day}' AS DATE))"
        return self._joined(
            "SELECT h.OpportunityId AS id, h.StageName AS stage, "
            f"{_exact('h.Amount')} AS amount, h.CloseDate AS close_date, h.Probability AS probability, "
            "h.ForecastCategory AS category, COALESCE(h.StageName IN (cfg('closed_stages')), FALSE) AS is_closed, "
            "COALESCE(h.StageName IN (cfg('won_stages')), FALSE) AS is_won, o.OwnerId AS owner, "
            f"{self._own('AccountId', 'text')} AS account FROM ({latest_history(self.source.end_of(day))}) h "
            f"JOIN salesforce.Opportunity o ON o.Id = h.OpportunityId WHERE {gone}"
        )

    def _joined(self, values: str) -> str:
        """The values of a day with what does not change: name, creation, currency, its rate, the stage's default."""
        currency = self.source.column("salesforce.Opportunity", "f", "CurrencyIsoCode", "text")
        private = self.source.column("salesforce.Opportunity", "f", "IsPrivate", "boolean")
        rate = target = "CAST(NULL AS DECIMAL(18,6))"
        join = ""
        if self.rates.dated:
            rate, join = "r.ConversionRate", _dated("r", "f.CurrencyIsoCode")
        if self.rates.dated_against:
            target, join = "q.ConversionRate", f"{join} {_dated('q', ':dated_against')}"
        name = self.source.column("salesforce.Opportunity", "f", "Name", "text")
        return (
            f"SELECT v.id, {name} AS name, v.account, v.owner, v.stage, v.amount, v.close_date, "
            "CAST(v.probability AS DECIMAL(9,4)) AS probability, CAST(p.value AS DECIMAL(9,4)) AS stage_probability, "
            "v.category, COALESCE(v.is_closed, FALSE) AS is_closed, COALESCE(v.is_won, FALSE) AS is_won, "
            f"COALESCE({private}, FALSE) AS is_private, local_date(f.CreatedDate) AS created, {currency} AS currency, "
            f"{rate} AS rate, {target} AS target_rate "
            f"FROM ({values}) v LEFT JOIN salesforce.Opportunity f ON f.Id = v.id "
            f"LEFT JOIN cfg('stage_probabilities') p ON p.key = v.stage {join}"
        )

    def _own(self, name: str, kind: str) -> str:
        return self.source.column("salesforce.Opportunity", "o", name, kind)

    def _snapshot_before(self, day: date) -> date | None:
        if not self.first_hand or self.first_hand > day:
            return None
        found = self.source.rows(
            "SELECT MAX(s.day) AS day FROM sfsync.opportunity_snapshot s WHERE s.day <= CAST(:day AS DATE) "
            "AND s.day >= CAST(:first AS DATE)",
            day=day,
            first=day - timedelta(days=SNAPSHOT_DAYS),
        )
        taken: date | None = found[0].day
        return taken

    def _only_amount(self, day: date) -> None:
        if self.source.settings.amount_field.casefold() != "amount":
            raise InputError(
                f"{self.source.settings.amount_field} on {day} is not known: snapshots and OpportunityHistory keep "
                "Amount only. Use Amount for days before today."
            )


def state_notes(states: Iterable[State]) -> list[str]:
    """What a reader must know of these moments, said once for all that were rebuilt."""
    found = list(states)
    rebuilt = sorted({state.day for state in found if state.origin == "history"})
    notes = [state.note for state in found if state.origin != "history" and state.note]
    if len(rebuilt) > 1:
        notes.append(f"{len(rebuilt)} days from {rebuilt[0]} to {rebuilt[-1]} are {REBUILT}")
    elif rebuilt:
        notes.append(f"{rebuilt[0]} is {REBUILT}")
    return notes


def latest_history(until: datetime) -> str:
    """The last OpportunityHistory row of each opportunity before a moment.

    The newest moments are found first: only rows of these are put in order, not the whole history.
    """
    values = ("OpportunityId", "StageName", "Amount", "CloseDate", "Probability", "ForecastCategory")
    return (
        f"SELECT {', '.join(f'n.{name}' for name in values)} FROM "
        f"(SELECT {', '.join(f'h.{name}' for name in values)}, ROW_NUMBER() "
        "OVER (PARTITION BY h.OpportunityId ORDER BY h.Id DESC) AS place "
        "FROM salesforce.OpportunityHistory h JOIN (SELECT x.OpportunityId AS id, MAX(x.CreatedDate) AS at "
        f"FROM salesforce.OpportunityHistory x WHERE x.CreatedDate < CAST('{until}' AS timestamp with time zone) "
        "GROUP BY x.OpportunityId) m ON m.id = h.OpportunityId AND m.at = h.CreatedDate) n WHERE n.place = 1"
    )


def _dated(alias: str, code: str) -> str:
    """A join of the rate of a currency on the close date."""
    return (
        f"LEFT JOIN live.{DATED_RATE} {alias} ON {alias}.IsoCode = {code} AND v.close_date >= {alias}.StartDate "
        f"AND v.close_date < {alias}.NextStartDate"
    )


def _exact(column: str) -> str:
    return f"CAST({column} AS DECIMAL(24,6))"
