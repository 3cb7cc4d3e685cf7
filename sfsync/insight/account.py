"""One account and everybody and everything around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sfsync.errors import InputError, nearest
from sfsync.insight.deals import Deals
from sfsync.insight.money import Tally, total
from sfsync.insight.source import Source
from sfsync.insight.table import Table, counted, exact, make, money
from sfsync.insight.touch import touched, touches

MANY = 10
ALIKE = 1000
"""Names at most compared with one that nobody has."""


def account_view(source: Source, name: str, *, children: bool = False) -> list[Table]:
    """Tables: account (one row each), contacts, open opportunities, closed ones, leads that match it, open findings.

    name: an Id, the account's name, or a part of it that fits one account only. children: with all accounts below it.
    Raises InputError when no account fits, or several do.
    """
    source.need("Account", "Name", "OwnerId")
    top = _find(source, name)
    accounts = _family(source, top) if children else [top]
    data = Deals(source)
    leads = _leads(source, accounts)
    deals = _deals(data, accounts)
    contacts = _contacts(source, accounts)
    around = [*accounts, *(r["id"] for table in (contacts, deals, leads) for r in table.rows)]
    summary = _summary(data, accounts, contacts, leads)
    is_open = [r for r in deals.rows if r["outcome"] == "open"]
    closed = [r for r in deals.rows if r["outcome"] != "open"]
    return [
        summary,
        contacts,
        make("Open opportunities", deals.columns, is_open, parameters=source.common),
        make("Won and lost opportunities", deals.columns, closed, parameters=source.common),
        leads,
        _findings(source, around),
    ]


def _find(source: Source, name: str) -> str:
    """The Id of the one account that is meant; an Id beats a name, a whole name a part of one."""
    wanted = name.strip().casefold()
    by_id: list[Any] = []
    by_name: list[Any] = []
    by_part: list[Any] = []
    alike: list[str] = []
    for r in source.stream("SELECT a.Id AS id, a.Name AS name FROM live.Account a"):
        called = (r.name or "").casefold()
        if name in (r.id, r.id[:15]):
            by_id.append(r)
        if called == wanted:
            by_name.append(r)
        elif wanted and wanted in called:
            by_part.append(r)
        elif called[:2] == wanted[:2] and len(alike) < ALIKE:
            alike.append(r.name or "")
    for found in (by_id, by_name, by_part):
        if len(found) == 1:
            id: str = found[0].id
            return id
        if found and wanted:
            first = sorted(found, key=lambda r: (r.name or "", r.id))[:MANY]
            listed = ", ".join(f"{r.name} ({r.id})" for r in first)
            more = f" and {len(found) - MANY:,} more" if len(found) > MANY else ""
            raise InputError(f'{len(found):,} accounts are called "{name}": {listed}{more}. Give the Id of one.')
    raise InputError(f'there is no account "{name}" in the mirror.{nearest(name, alike)}')


def _family(source: Source, top: str) -> list[str]:
    """The account and all below it, from the top down; a loop is walked once."""
    found = {top: None}
    level = [top] if source.has("Account", "ParentId") else []
    while level:
        rows = source.rows(
            "SELECT a.Id AS id FROM live.Account a WHERE a.ParentId IN (cfg('parents')) ORDER BY a.Id", parents=level
        )
        level = [r.id for r in rows if r.id not in found]
        found |= dict.fromkeys(level)
    return list(found)


def _summary(data: Deals, accounts: Sequence[str], contacts: Table, leads: Table) -> Table:
    source = data.source
    kind = source.column("Account", "a", "Type", "text")
    found = data.sums(
        data.at(source.as_of),
        {"account": "d.account", "won": "d.is_won", "closed": "d.is_closed"},
        "d.account IN (cfg('accounts'))",
        accounts=list(accounts),
    )
    active = source.column("User", "u", "IsActive", "boolean") if source.has("User") else "CAST(NULL AS boolean)"
    join = "LEFT JOIN live.User u ON u.Id = a.OwnerId" if source.has("User") else ""
    rows = source.rows(
        f"SELECT a.Id AS id, a.Name AS name, {kind} AS kind, a.OwnerId AS owner, {active} AS owner_active, "
        f"{touched(source, 'Account', 'a')} AS touch FROM live.Account a {join} "
        f"{touches(source, 'Account', 'a')} WHERE a.Id IN (cfg('accounts'))",
        accounts=list(accounts),
    )
    lines = []
    for r in sorted(rows, key=lambda r: accounts.index(r.id)):
        own = [(row, t) for row, t in found if row.account == r.id]
        is_open, won, lost = (
            _of(own, closed, is_won) for closed, is_won in ((False, False), (True, True), (True, False))
        )
        lines.append(
            {
                "id": r.id,
                "name": r.name,
                "type": r.kind,
                "owner": source.users.get(r.owner, r.owner),
                "owner_active": r.owner_active,
                "last_touch": r.touch,
                "contacts": sum(c["account"] == r.name for c in contacts.rows),
                "open_n": is_open.n,
                "open_amount": money(is_open.amount),
                "open_weighted": money(is_open.weighted),
                "won_n": won.n,
                "won_amount": money(won.amount),
                "lost_n": lost.n,
                "lost_amount": money(lost.amount),
                "leads": sum(r.id == lead["account"] for lead in leads.rows),
            }
        )
    left_out = total(t for _, t in found).n_no_rate
    columns = tuple(lines[0]) if lines else ("id",)
    return make("Account", columns, lines, notes=data.rates.notes(left_out), parameters=source.common)


def _of(found: Sequence[tuple[Any, Tally]], closed: bool, won: bool) -> Tally:
    return total(t for r, t in found if bool(r.closed) is closed and bool(r.won) is won)


def _contacts(source: Source, accounts: Sequence[str]) -> Table:
    columns = ("id", "name", "title", "account", "last_touch", "open_roles")
    if not source.has("Contact", "AccountId", "Name"):
        return make("Contacts", columns, [], notes=["Contact is not in the mirror"])
    title = source.column("Contact", "c", "Title", "text")
    rows = source.rows(
        f"SELECT c.Id AS id, c.Name AS name, {title} AS title, a.Name AS account, "
        f"{touched(source, 'Contact', 'c')} AS last_touch FROM live.Contact c "
        "JOIN live.Account a ON a.Id = c.AccountId "
        f"{touches(source, 'Contact', 'c')} WHERE c.AccountId IN (cfg('accounts')) "
        "ORDER BY c.Name, c.Id",
        accounts=list(accounts),
    )
    roles = _roles(source, accounts)
    lines = [{**{n: getattr(r, n) for n in columns[:5]}, "open_roles": roles.get(r.id, [])} for r in rows]
    return make("Contacts", columns, lines, parameters=source.common)


def _roles(source: Source, accounts: Sequence[str]) -> Mapping[str, list[str]]:
    """Contact → its roles on open opportunities of the accounts."""
    if not source.has("OpportunityContactRole", "OpportunityId", "ContactId"):
        return {}
    role = source.column("OpportunityContactRole", "r", "Role", "text")
    rows = source.rows(
        f"SELECT r.ContactId AS contact, o.Name AS deal, {role} AS role FROM live.OpportunityContactRole r "
        "JOIN live.Opportunity o ON o.Id = r.OpportunityId WHERE o.IsClosed IS NOT TRUE "
        "AND o.AccountId IN (cfg('accounts')) ORDER BY r.ContactId, o.Name, o.Id",
        accounts=list(accounts),
    )
    found: dict[str, list[str]] = {}
    for r in rows:
        found.setdefault(r.contact, []).append(f"{r.role or '(no role)'} on {r.deal}")
    return found


def _deals(data: Deals, accounts: Sequence[str]) -> Table:
    columns = ("id", "name", "outcome", "stage", "owner", "close_date", "amount", "currency", "probability")
    state = data.at(data.source.as_of)
    rows = data.select(
        "SELECT d.id, d.name, d.stage, d.owner, d.close_date, d.amount, d.currency, d.probability, "
        "CASE WHEN d.is_won IS TRUE THEN 'won' WHEN d.is_closed IS TRUE THEN 'lost' ELSE 'open' END AS outcome "
        f"FROM ({state.sql}) d WHERE d.account IN (cfg('accounts')) ORDER BY d.close_date DESC, d.id",
        accounts=list(accounts),
    )
    lines = [
        {
            **{n: getattr(r, n) for n in columns},
            "owner": data.source.users.get(r.owner, r.owner),
            "amount": None if r.amount is None else money(r.amount),
            "probability": None if r.probability is None else exact(r.probability),
        }
        for r in rows
    ]
    return make("Opportunities", columns, lines, parameters=data.source.common)


def _leads(source: Source, accounts: Sequence[str]) -> Table:
    from sfsync.leads.match import matches

    columns = ("id", "name", "status", "owner", "account", "by")
    if not (
        source.has("Lead", "OwnerId", "Status") and source.has("sfsync.norm_Lead") and source.has("sfsync.norm_Account")
    ):
        return make(
            "Leads of the same company", columns, [], notes=["leads are not matched: normalised values are missing"]
        )
    found = {m.lead: m for id in accounts for of in matches(source, account=id).values() for m in of}
    name = source.column("Lead", "l", "Name", "text")
    rows = source.rows(
        f"SELECT l.Id AS id, {name} AS name, l.Status AS status, l.OwnerId AS owner FROM live.Lead l "
        "WHERE l.Id IN (cfg('leads')) ORDER BY l.Id",
        leads=list(found),
    )
    lines = [
        {"id": r.id, "name": r.name, "status": r.status, "owner": source.users.get(r.owner, r.owner),
         "account": found[r.id].account, "by": found[r.id].by}
        for r in rows
    ]  # fmt: skip
    return make("Leads of the same company", columns, lines, parameters=source.common)


def _findings(source: Source, ids: Sequence[str]) -> Table:
    columns = ("severity", "rule", "kind", "sobject", "id", "message")
    if not source.has("sfsync.findings"):
        return make("Findings", columns, [])
    waived = "f.waived IS TRUE" if source.has("sfsync.findings", "waived") else "FALSE"
    rows = source.rows(
        f"SELECT {', '.join('f.' + c for c in columns)}, {waived} AS waived FROM sfsync.findings f "
        "WHERE f.resolved_at IS NULL AND f.id IN (cfg('ids')) ORDER BY f.severity, f.rule, f.sobject, f.id, f.kind",
        ids=list(dict.fromkeys(ids)),
    )
    left_out = sum(bool(r.waived) for r in rows)
    return make(
        "Findings",
        columns,
        [{c: getattr(r, c) for c in columns} for r in rows if not r.waived],
        notes=[counted(left_out, "waived finding left out", "waived findings left out")],
        parameters=source.common,
    )
