"""A proposal of an owner for every lead that waits for one, out of the mirror."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from sys import intern
from typing import Any

from sfsync.insight.leaddata import ACTIVE
from sfsync.insight.source import Source
from sfsync.insight.table import Table, counted, make, percent
from sfsync.leads.ladder import LADDER, Assignment, Office, Waiting, distribute
from sfsync.leads.made import Made
from sfsync.leads.match import matches, parents
from sfsync.leads.model import Model
from sfsync.leads.pools import read_state
from sfsync.leads.score import Only, need_normalised, scores
from sfsync.leads.untouched import Untouched, untouched
from sfsync.model import Ref
from sfsync.plan.proposal import Proposal

DOMAIN = "CASE WHEN n.email_free IS TRUE OR n.email_disposable IS TRUE THEN NULL ELSE n.email_domain END"


def assign(source: Source, model: Model, *, reassign_owned: bool = False) -> list[Assignment]:
    """Propose an owner for every active lead that waits for one, in work order. Writes nothing.

    Waiting are leads owned by a queue, an inactive user or an intake user, and those of `untouched`; with
    reassign_owned all. Raises WarehouseError without normalised values, InputError when the mirror lacks what it takes.
    """
    source.need("User", "Name", "IsActive")
    need_normalised(source, "Lead")
    rules = model.assign
    kind = source.column("User", "u", "UserType", "text")
    users = source.rows(f"SELECT u.Id AS id, u.IsActive AS active, {kind} AS kind FROM live.User u")
    active = frozenset(u.id for u in users if u.active is True)
    outside = {u.id for u in users if u.kind not in (None, "Standard")} | set(rules.not_reps) | set(rules.intake_users)
    reps = active - outside
    late = untouched(source, reps, rules.max_reassignments)
    only = Only() if reassign_owned else _waiting(active - set(rules.intake_users), late)
    found = scores(source, model.scoring, only)
    leads = _leads(source, only, late)
    order = [*found.leads.ids(), *sorted(found.excluded)]
    del found  # points and their reasons are not looked at again
    accounts = matches(source, only=only) if source.has("Account", "OwnerId") else {}
    office = Office(
        rules,
        active,
        reps,
        _load(source, only),
        accounts=accounts,
        parents=parents(source) if accounts else {},
        deals=_deals(source) if accounts else {},
        companies=_book(source, "n.company", only, reps),
        domains=_book(source, DOMAIN, only, reps),
        names=source.users,
        state=read_state(source.con),
    )
    return distribute((leads[id] for id in order if id in leads), office)


def _waiting(keepers: Collection[str], late: Collection[str]) -> Only:
    """Leads of everybody but the active users who keep theirs, and those that are late."""
    if not keepers:
        return Only()
    others = "l.OwnerId IS NULL OR l.OwnerId NOT IN (cfg('keepers'))"
    if not late:
        return Only(f"({others})", {"keepers": sorted(keepers)})
    # One text of all Ids: a list of as many values would take longer to read than the query to run.
    listed = "l.Id IN (SELECT UNNEST(STRING_TO_ARRAY(:late, ',')))"
    return Only(f"({others} OR {listed})", {"keepers": sorted(keepers), "late": ",".join(sorted(late))})


def assign_table(source: Source, assignments: Sequence[Assignment]) -> Table:
    """The assignments as a table; facts: share per reason, share falling back, leads per new owner.

    Its rows are made as they are read.
    """
    given: dict[str, int] = {}
    for a in assignments:
        if a.moves:
            to = source.users.get(a.owner or "", a.owner or "")
            given[to] = given.get(to, 0) + 1
    steps = {step: sum(a.step == step for a in assignments) for step in LADDER}
    shares: dict[str, Decimal | None] = {s: percent(n, len(assignments)) for s, n in steps.items() if n}
    stays = sum(not a.moves for a in assignments)
    empty = make(
        "Proposed owners",
        ("id", "step", "from", "to", "detail"),
        (),
        facts={"steps": steps, "share_percent": shares, "given": dict(sorted(given.items()))},
        notes=[counted(stays, "lead stays where it is", "leads stay where they are")],
        parameters=source.common,
    )
    return replace(empty, rows=Made(assignments, partial(_row, source.users)))


def _row(users: Mapping[str, str], place: int, a: Assignment) -> Mapping[str, Any]:
    return {
        "id": a.lead.id,
        "step": a.step,
        "from": users.get(a.lead.owner or "", a.lead.owner),
        "to": users.get(a.owner or "", a.owner) if a.moves else None,
        "detail": a.detail,
    }


def proposals(assignments: Iterable[Assignment]) -> Sequence[Proposal]:
    """A new OwnerId for each lead that moves, by its Id, for `sfsync.plan`, which looks at guards and present values
    itself. Each is made when it is looked at."""
    return Made(sorted((a for a in assignments if a.moves), key=lambda a: a.lead.id), _proposal)


def _proposal(place: int, a: Assignment) -> Proposal:
    return Proposal(Ref("Lead", a.lead.id), {"OwnerId": str(a.owner)}, a.because, distributes=True)


def _leads(source: Source, only: Only, late: Mapping[str, Untouched]) -> dict[str, Waiting]:
    def own(name: str, kind: str = "text") -> str:
        return source.column("Lead", "l", name, kind)

    rows = source.stream(
        f"SELECT l.Id AS id, l.OwnerId AS owner, n.company, {DOMAIN} AS domain, n.country, "
        f"COALESCE({own('StateCode')}, {own('State')}) AS state, {own('PostalCode')} AS postal, "
        f"{own('Industry')} AS industry, {own('NumberOfEmployees', 'bigint')} AS employees, "
        f"{own('RecordTypeId')} AS record_type, {own('LeadSource')} AS lead_source, "
        f"{own('DoNotCall', 'boolean')} IS TRUE AND {own('HasOptedOutOfEmail', 'boolean')} IS TRUE AS no_contact "
        f"FROM live.Lead l LEFT JOIN sfsync.norm_Lead n ON n.Id = l.Id WHERE {ACTIVE} AND {only.where}",
        terminal=source.terminal_statuses,
        **only.values,
    )

    def same(text: str | None) -> str | None:
        """One object for the texts that come again and again."""
        return None if text is None else intern(text)

    return {
        r.id: Waiting(
            r.id,
            same(r.owner),
            r.company,
            r.domain,
            same(r.country),
            same(r.state),
            r.postal,
            same(r.industry),
            None if r.employees is None else int(r.employees),
            same(r.record_type),
            same(r.lead_source),
            bool(r.no_contact),
            late.get(r.id),
        )
        for r in rows
    }


def _load(source: Source, only: Only) -> dict[str, int]:
    """User → active leads that are not distributed."""
    rows = source.rows(
        f"SELECT l.OwnerId AS owner, COUNT(*) AS n FROM live.Lead l WHERE {ACTIVE} AND NOT {only.where} "
        "AND l.OwnerId IS NOT NULL GROUP BY l.OwnerId",
        terminal=source.terminal_statuses,
        **only.values,
    )
    return {r.owner: int(r.n) for r in rows}


def _book(source: Source, key: str, only: Only, reps: Collection[str]) -> dict[str, str]:
    """Company or domain of a lead that is distributed → the rep who has another active lead of it, the oldest."""
    if not reps:
        return {}
    active = f"FROM live.Lead l JOIN sfsync.norm_Lead n ON n.Id = l.Id WHERE {ACTIVE}"
    rows = source.rows(
        f"SELECT x.k AS k, x.owner AS owner FROM (SELECT {key} AS k, l.OwnerId AS owner, "
        f"ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY l.Id) AS place {active} AND NOT {only.where} "
        f"AND l.OwnerId IN (cfg('reps')) AND {key} <> '') x "
        f"WHERE x.place = 1 AND x.k IN (SELECT {key} {active} AND {only.where})",
        terminal=source.terminal_statuses,
        reps=sorted(reps),
        **only.values,
    )
    return {r.k: r.owner for r in rows}


def _deals(source: Source) -> dict[str, list[str]]:
    if not source.has("Opportunity", "AccountId", "IsClosed", "Amount"):
        return {}
    rows = source.rows(
        "SELECT o.AccountId AS account, o.OwnerId AS owner FROM live.Opportunity o WHERE o.IsClosed IS NOT TRUE "
        "AND o.AccountId IS NOT NULL ORDER BY o.AccountId, o.Amount DESC NULLS LAST, o.Id"
    )
    found: dict[str, list[str]] = {}
    for r in rows:
        found.setdefault(r.account, []).append(r.owner)
    return found
