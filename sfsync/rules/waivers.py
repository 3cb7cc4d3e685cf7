"""sfsync.waivers: findings that people have decided to live with, for a reason and often for a time.

A waived finding stays among the findings. It does not count for the exit code and its fix is not planned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from sfsync.errors import ConfigError, nearest
from sfsync.model import Finding
from sfsync.moments import iso
from sfsync.rules.rule import Rule
from sfsync.salesforce.ids import to18
from sfsync.warehouse import Warehouse, tables

Key = tuple[str, str | None, str | None, str | None]
_COVERS = (
    "w.rule = f.rule AND (w.kind IS NULL OR w.kind = f.kind) "
    "AND (w.id IS NULL OR (w.id = f.id AND w.sobject = f.sobject))"
)


@dataclass(frozen=True)
class Waiver:
    """One decision. What it leaves open (None) it is given for: a rule's every kind, its every record."""

    rule: str
    kind: str | None
    sobject: str | None
    id: str | None
    reason: str
    who: str
    waived_at: datetime
    """UTC."""
    until: date | None = None
    """Its last day, in the org's time zone; None: until it is taken back."""

    @property
    def key(self) -> Key:
        return self.rule, self.kind, self.sobject, self.id

    def holds(self, day: date) -> bool:
        return self.until is None or day <= self.until

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "kind": self.kind,
            "sobject": self.sobject,
            "id": self.id,
            "reason": self.reason,
            "who": self.who,
            "waived_at": iso(self.waived_at),
            "until": None if self.until is None else self.until.isoformat(),
        }


class Waivers:
    """The waivers that hold on a day; the narrowest that covers a finding is its waiver."""

    def __init__(self, waivers: Iterable[Waiver] = (), day: date = date.min):
        self._by_key = {w.key: w for w in waivers if w.holds(day)}

    def of(self, finding: Finding) -> Waiver | None:
        rule, kind, sobject, id = finding.rule, finding.kind, finding.ref.sobject, finding.ref.id
        keys: tuple[Key, ...] = (
            (rule, kind, sobject, id),
            (rule, None, sobject, id),
            (rule, kind, None, None),
            (rule, None, None, None),
        )
        return next((self._by_key[key] for key in keys if key in self._by_key), None)


def waived_sql() -> str:
    """A condition on a row `f` of sfsync.findings: a waiver covers it on the day `:today`."""
    return (
        f"EXISTS (SELECT 1 FROM sfsync.waivers w WHERE {_COVERS} "
        "AND (w.until IS NULL OR w.until >= CAST(:today AS DATE)))"
    )


def read_waivers(con: sa.Connection) -> list[Waiver]:
    """Every waiver, expired ones too, by rule, sObject, Id and kind."""
    found = (
        Waiver(r.rule, r.kind, r.sobject, r.id, r.reason, r.who, r.waived_at.astimezone(UTC), r.until)
        for r in con.execute(sa.select(tables.waivers))
    )
    return sorted(found, key=_order)


def covered(con: sa.Connection) -> dict[Key, int]:
    """Waiver's key → how many open findings it covers, whether it still holds or not."""
    rows = con.execute(
        sa.text(
            "SELECT w.rule, w.kind, w.sobject, w.id, count(f.rule) FROM sfsync.waivers w "
            f"LEFT JOIN sfsync.findings f ON {_COVERS} AND f.resolved_at IS NULL "
            "GROUP BY w.rule, w.kind, w.sobject, w.id"
        )
    )
    return {(rule, kind, sobject, id): int(n) for rule, kind, sobject, id, n in rows}


def waive(
    warehouse: Warehouse,
    rule: Rule,
    *,
    ids: Sequence[str] = (),
    kind: str | None = None,
    reason: str,
    until: date | None = None,
    who: str = "",
    now: datetime,
    today: date,
) -> list[Waiver]:
    """Waive a rule's findings: those of the Ids, of 15 or 18 characters, or of the whole rule without any.

    kind: only this case of the rule. until: the last day. A waiver of the same rule, kind and Id is replaced. Returns
    the new waivers, sorted. Raises ConfigError, with the nearest, for a kind or Id the rule never found anything of,
    and for an empty reason or a day that has passed; nothing is written then.
    """
    problems = [] if reason.strip() else ["a waiver needs a reason: say why the finding may stay."]
    if until is not None and until < today:
        problems.append(f"the waiver would have ended on {until} already; today is {today}.")
    if not ids:
        refs: list[tuple[str | None, str | None]] = [(None, None)]
    with warehouse.write() as con:
        problems += _kind_problems(con, rule, kind)
        if ids:
            refs, unknown = _found(con, rule.code, kind, ids)
            problems += unknown
        if problems:
            raise ConfigError(problems)
        made = sorted(
            (Waiver(rule.code, kind, sobject, id, reason.strip(), who, now, until) for sobject, id in refs), key=_order
        )
        for waiver in made:
            con.execute(sa.delete(tables.waivers).where(_same(waiver.key)))
        con.execute(
            sa.insert(tables.waivers), [{c.name: getattr(w, c.name) for c in tables.waivers.columns} for w in made]
        )
        mark(con, today)
    return made


def unwaive(
    warehouse: Warehouse, rule: str, *, ids: Sequence[str] = (), kind: str | None = None, today: date
) -> list[Waiver]:
    """Take back the waivers of a rule that name one of the Ids and the kind, where given; returns them, sorted.

    Raises ConfigError, with the nearest, when there is no waiver of the rule, or none that names an Id or the kind.
    """
    with warehouse.write() as con:
        every = read_waivers(con)
        own = [w for w in every if w.rule == rule.upper()]
        if not own:
            raise ConfigError(f'no waiver of rule "{rule}".{nearest(rule, sorted({w.rule for w in every}))}')
        if kind is not None:
            own = [w for w in own if w.kind == kind]
            if not own:
                raise ConfigError(f'no waiver of {rule.upper()} names the kind "{kind}". `sfsync check waivers` lists.')
        wanted = {_id(id) for id in ids}
        missing = sorted(wanted - {w.id for w in own})
        if missing:
            raise ConfigError([_not_waived(rule.upper(), id, own) for id in missing])
        gone = [w for w in own if not wanted or w.id in wanted]
        for waiver in gone:
            con.execute(sa.delete(tables.waivers).where(_same(waiver.key)))
        mark(con, today)
    return gone


def mark(con: sa.Connection, today: date) -> None:
    """Bring the column `waived` of the open findings up to date."""
    conditions = [("FALSE", f"NOT {waived_sql()}")]
    if con.execute(sa.select(sa.exists().select_from(tables.waivers))).scalar():
        conditions.append(("TRUE", waived_sql()))
    for value, condition in conditions:
        con.execute(
            sa.text(
                f"UPDATE sfsync.findings AS f SET waived = {value} WHERE f.resolved_at IS NULL "
                f"AND f.waived IS NOT {value} AND {condition}"
            ),
            {"today": today},
        )


def _order(waiver: Waiver) -> tuple[str, ...]:
    return waiver.rule, waiver.sobject or "", waiver.id or "", waiver.kind or ""


def _same(key: Key) -> sa.ColumnElement[bool]:
    w = tables.waivers.c
    pairs = zip((w.rule, w.kind, w.sobject, w.id), key, strict=True)
    return sa.and_(*(column.is_(None) if value is None else column == value for column, value in pairs))


def _id(text: str) -> str:
    """18 characters for a record's Id; a finding may also be about a metadata value, which stays as it is."""
    try:
        return to18(text.strip())
    except ValueError:
        return text.strip()


def _kind_problems(con: sa.Connection, rule: Rule, kind: str | None) -> list[str]:
    if kind is None:
        return []
    f = tables.findings.c
    found = {row[0] for row in con.execute(sa.select(f.kind).distinct().where(f.rule == rule.code))}
    known = sorted({*found, *rule.message, *(k for fix in rule.fixes for k in fix.kinds)} - {"", None})
    if kind in known:
        return []
    have = f"There are {', '.join(known)}." if known else "It has one case only: leave the kind out."
    return [f'rule {rule.code} has no kind "{kind}".{nearest(kind, known)} {have}']


def _found(
    con: sa.Connection, rule: str, kind: str | None, ids: Sequence[str]
) -> tuple[list[tuple[str | None, str | None]], list[str]]:
    """((sObject, Id) of what the rule found there, a problem for each Id it found nothing of)."""
    f = tables.findings.c
    where = [f.rule == rule, *([] if kind is None else [f.kind == kind])]
    known: dict[str, set[str]] = {}
    for sobject, id in con.execute(sa.select(f.sobject, f.id).distinct().where(*where)):
        known.setdefault(id, set()).add(sobject)
    wanted = list(dict.fromkeys(_id(id) for id in ids))
    of_kind = "" if kind is None else f' of kind "{kind}"'
    problems = [
        f'{rule} has no finding{of_kind} for "{id}".{nearest(id, sorted(known))} '
        "`sfsync check --list` shows them; run it again after a pull."
        for id in wanted
        if id not in known
    ]
    return [(sobject, id) for id in wanted for sobject in sorted(known.get(id, ()))], problems


def _not_waived(rule: str, id: str, own: Sequence[Waiver]) -> str:
    text = f'no waiver of {rule} names "{id}".{nearest(id, [w.id for w in own if w.id])}'
    return text + (" The whole rule is waived: take that back instead." if any(w.id is None for w in own) else "")
