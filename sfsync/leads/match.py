"""Leads whose company is an account already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sfsync.insight.leaddata import ACTIVE
from sfsync.insight.source import Source
from sfsync.leads.score import Only, need_normalised


@dataclass(frozen=True, slots=True)
class Matched:
    """An account that may be the lead's company."""

    lead: str
    account: str
    name: str | None
    owner: str | None
    by: str
    """domain or name."""


def matches(source: Source, *, account: str | None = None, only: Only | None = None) -> dict[str, list[Matched]]:
    """Active lead's Id → accounts, the likeliest first.

    A corporate e-mail domain equal to the account's website, or one label below or above it; or the same normalised
    name in the same country (or an unknown one). Order: by domain, same country, customer before prospect, most
    contacts, Id. account: only this one. only: which leads.
    """
    need_normalised(source, "Lead")
    need_normalised(source, "Account")
    only = only or Only()
    rows = source.stream(
        _sql(source, account, only.where),
        terminal=source.terminal_statuses,
        **({"account": account} if account else {}),
        **only.values,
    )
    found: dict[str, list[Matched]] = {}
    for r in rows:
        found.setdefault(r.lead, []).append(
            Matched(r.lead, r.account, r.name, r.owner, "domain" if r.by_domain else "name")
        )
    return found


def parents(source: Source) -> Mapping[str, str]:
    """Account's Id → its parent's, for those that have one."""
    if not source.has("Account", "ParentId"):
        return {}
    rows = source.rows("SELECT a.Id AS id, a.ParentId AS parent FROM live.Account a WHERE a.ParentId IS NOT NULL")
    return {r.id: r.parent for r in rows}


def root(account: str, parents: Mapping[str, str]) -> str:
    """The top of an account's hierarchy; in a loop the smallest Id."""
    seen = [account]
    while (parent := parents.get(seen[-1])) is not None:
        if parent in seen:
            return min(seen[seen.index(parent) :])
        seen.append(parent)
    return seen[-1]


def _sql(source: Source, account: str | None, leads_where: str) -> str:
    one = " AND a.Id = :account" if account else ""
    kind = source.column("Account", "a", "Type", "text")
    leads = (
        "SELECT l.Id AS id, n.company, n.country, CASE WHEN n.email_free IS TRUE OR n.email_disposable IS TRUE "
        "THEN NULL ELSE n.email_domain END AS domain "
        f"FROM live.Lead l JOIN sfsync.norm_Lead n ON n.Id = l.Id WHERE {ACTIVE} AND {leads_where}"
    )
    accounts = (
        "SELECT a.Id AS id, a.Name AS name, a.OwnerId AS owner, "
        f"{kind} AS kind, n.company, n.country, n.web_domain AS domain FROM live.Account a "
        f"JOIN sfsync.norm_Account n ON n.Id = a.Id WHERE TRUE{one}"
    )
    # A hash join for each way to be of one organisation: nothing compares every lead with every account.
    above = "SUBSTRING({0}.domain FROM STRPOS({0}.domain, '.') + 1)"
    ways = (
        ("l.domain = a.domain", "TRUE"),
        (f"{above.format('l')} = a.domain", "a.domain LIKE '%.%'"),
        (f"l.domain = {above.format('a')}", "l.domain LIKE '%.%'"),
    )
    found = [
        f"SELECT l.id AS lead, a.id AS account, 1 AS by_domain FROM ({leads}) l JOIN ({accounts}) a ON {on} "
        f"WHERE {where}"
        for on, where in ways
    ]
    found.append(
        f"SELECT l.id AS lead, a.id AS account, 0 AS by_domain FROM ({leads}) l JOIN ({accounts}) a "
        "ON l.company = a.company WHERE l.company <> '' "
        "AND (l.country IS NULL OR a.country IS NULL OR l.country = a.country)"
    )
    contacts = "SELECT CAST(NULL AS text) AS account, 0 AS n WHERE 1 = 0"
    if source.has("Contact", "AccountId"):
        contacts = "SELECT c.AccountId AS account, COUNT(*) AS n FROM live.Contact c GROUP BY c.AccountId"
    return (
        "SELECT m.lead, m.account, a.name, a.owner, m.by_domain FROM (SELECT x.lead, x.account, "
        f"MAX(x.by_domain) AS by_domain FROM ({' UNION ALL '.join(found)}) x GROUP BY x.lead, x.account) m "
        f"JOIN ({accounts}) a ON a.id = m.account JOIN sfsync.norm_Lead n ON n.Id = m.lead "
        f"LEFT JOIN ({contacts}) c ON c.account = m.account ORDER BY m.lead, m.by_domain DESC, "
        "CASE WHEN n.country = a.country THEN 0 ELSE 1 END, CASE WHEN a.kind LIKE 'Customer%' THEN 0 ELSE 1 END, "
        "COALESCE(c.n, 0) DESC, m.account"
    )
