"""Who should take which lead: the first step of the ladder that applies decides, and its name is kept as the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from sys import intern
from typing import Any

from sfsync.leads.match import Matched, root
from sfsync.leads.model import Assigning, Territory
from sfsync.leads.pools import Dealer, Standing, State
from sfsync.leads.untouched import REASON, Untouched
from sfsync.normalise.company import norm_company
from sfsync.normalise.country import country_code

LADDER = ("EXCLUDED", "NAMED", "OPEN_DEAL", "ACCOUNT_OWNER", "SAME_COMPANY", "TERRITORY", "POOL", "FALLBACK", REASON)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A lead to be distributed, with what the ladder looks at."""

    id: str
    owner: str | None
    company: str | None = None
    """Normalised."""
    domain: str | None = None
    """Corporate e-mail domain."""
    country: str | None = None
    """ISO code."""
    state: str | None = None
    postal_code: str | None = None
    industry: str | None = None
    employees: int | None = None
    record_type: str | None = None
    lead_source: str | None = None
    no_contact: bool = False
    """Opted out of both calls and e-mail."""
    untouched: Untouched | None = None
    """It was given to its owner before, who has not been in touch."""

    @property
    def had(self) -> frozenset[str]:
        """Who shall not get it."""
        return self.untouched.had if self.untouched else frozenset()


@dataclass(frozen=True, slots=True)
class Assignment:
    """What is proposed for one lead."""

    lead: Waiting
    step: str
    """Of LADDER."""
    owner: str | None
    """The new owner; None when the lead stays where it is."""
    detail: str
    pool: str | None = None
    turn: int = 0
    """Place among all leads the pool has given out, from 1."""
    state: Mapping[str, Any] = field(default_factory=dict)
    """The pool's state after this assignment."""

    @property
    def moves(self) -> bool:
        return self.owner is not None and self.owner != self.lead.owner

    @property
    def because(self) -> dict[str, Any]:
        reason: dict[str, Any] = {"rule": f"ASSIGN-{self.step}", "kind": "reassign", "detail": self.detail}
        if self.pool and self.turn:
            reason |= {"pool": self.pool, "turn": self.turn, "state": dict(self.state)}
        return reason


@dataclass
class Office:
    """Who is there, who owns what: everything the ladder may look at besides the lead."""

    rules: Assigning
    active: frozenset[str]
    """Active users."""
    reps: frozenset[str]
    """Those of them who take leads."""
    load: dict[str, int]
    """User → open leads, but for those that are distributed."""
    accounts: Mapping[str, Sequence[Matched]] = field(default_factory=dict)
    """Lead → accounts it may belong to, the likeliest first."""
    parents: Mapping[str, str] = field(default_factory=dict)
    deals: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Account → owners of its open opportunities, the largest first."""
    companies: dict[str, str] = field(default_factory=dict)
    """Company → owner of another active lead of it; grows as leads are given out."""
    domains: dict[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    state: State = field(default_factory=dict)

    def __post_init__(self) -> None:
        here = self.active - set(self.rules.absent)
        stand = {name: self.state.get(name, Standing()) for name in self.rules.pools}
        self.dealers = {
            name: Dealer(pool, self.load, here, self.rules.lead_cap, stand[name].after)
            for name, pool in self.rules.pools.items()
        }
        self.turns = {name: standing.turn for name, standing in stand.items()}
        self.named = {norm_company(n.company) or "": n.owner for n in self.rules.named_accounts if n.company}
        self.named_domains = {(n.domain or "").lower(): n.owner for n in self.rules.named_accounts if n.domain}

    def name(self, user: str | None) -> str:
        return self.names.get(user or "", user or "(nobody)")


def distribute(leads: Iterable[Waiting], office: Office) -> list[Assignment]:
    """One assignment per lead, in the order given: earlier ones fill the pools that later ones draw from."""
    found = []
    for lead in leads:
        made = _again(lead, office) if lead.untouched else _ladder(lead, office)
        owner = made.owner or lead.owner
        if owner:
            office.load[owner] = office.load.get(owner, 0) + 1
        if owner and owner in office.reps and made.step != "FALLBACK":
            for book, key in ((office.companies, lead.company), (office.domains, lead.domain)):
                if key:
                    book.setdefault(key, owner)
        found.append(made)
    return found


def _ladder(lead: Waiting, office: Office) -> Assignment:
    return (
        _excluded(lead, office)
        or _named(lead, office)
        or _account(lead, office)
        or _same_company(lead, office)
        or _territory(lead, office)
        or _from_pool(lead, office, "POOL", office.rules.default_pool, "default pool")
    )


def _again(lead: Waiting, office: Office) -> Assignment:
    """By the same ladder to somebody who has not had it; it stays where nobody else may have it."""
    made = _ladder(lead, office)
    if made.step == "EXCLUDED" or lead.untouched is None:
        return made
    detail = (
        f"{office.name(lead.owner)} was not in touch since {lead.untouched.since:%Y-%m-%d %H:%M} UTC; {made.detail}"
    )
    if made.step == "FALLBACK" or made.owner in lead.had:
        return Assignment(lead, REASON, None, detail)
    return replace(made, step=REASON, detail=intern(detail))


def _excluded(lead: Waiting, office: Office) -> Assignment | None:
    countries = {country_code(c) or c for c in office.rules.excluded_countries}
    reason = None
    if lead.no_contact:
        reason = "wants neither calls nor e-mail"
    elif lead.lead_source and lead.lead_source in office.rules.excluded_sources:
        reason = f"source {lead.lead_source} is not distributed"
    elif lead.country and lead.country in countries:
        reason = f"country {lead.country} is not distributed"
    return Assignment(lead, "EXCLUDED", None, reason) if reason else None


def _named(lead: Waiting, office: Office) -> Assignment | None:
    for book, key in ((office.named_domains, lead.domain), (office.named, lead.company)):
        owner = book.get(key) if key else None
        if owner in office.active:
            return Assignment(lead, "NAMED", owner, f"{key} is a named account")
    return None


def _account(lead: Waiting, office: Office) -> Assignment | None:
    found = office.accounts.get(lead.id, ())
    if not found:
        return None
    best = found[0]
    top = root(best.account, office.parents)
    family = [m for m in found if root(m.account, office.parents) == top]
    owners = list(dict.fromkeys(m.owner for m in family if m.owner))
    if len(owners) > 1:
        names = " and ".join(office.name(owner) for owner in owners)
        return _fallback(lead, office, f"matched accounts of one hierarchy belong to {names}")
    for match in found:
        deal_owner = next((o for o in office.deals.get(match.account, ()) if o in office.active), None)
        if deal_owner:
            return Assignment(lead, "OPEN_DEAL", deal_owner, f"open opportunity on {_said(match)}")
    if best.owner in office.reps:
        return Assignment(lead, "ACCOUNT_OWNER", best.owner, f"owner of {_said(best)}")
    return None


def _said(match: Matched) -> str:
    return f"{match.account} (matched by {match.by})"


def _same_company(lead: Waiting, office: Office) -> Assignment | None:
    for book, key, what in (
        (office.companies, lead.company, "company"),
        (office.domains, lead.domain, "e-mail domain"),
    ):
        owner = book.get(key) if key else None
        if owner in office.reps and owner not in lead.had:
            return Assignment(lead, "SAME_COMPANY", owner, intern(f"has another lead of the same {what}"))
    return None


def _territory(lead: Waiting, office: Office) -> Assignment | None:
    for place, rule in enumerate(office.rules.territories, 1):
        if meets(lead, rule):
            return _from_pool(lead, office, "TERRITORY", rule.pool, f"territory rule {place}")
    return None


def meets(lead: Waiting, rule: Territory) -> bool:
    """Whether all conditions given hold; a lead without the data fails them."""
    lists: tuple[tuple[Sequence[str], str | None], ...] = (
        ([country_code(c) or c for c in rule.countries], lead.country),
        (rule.states, lead.state),
        (rule.industries, lead.industry),
        (rule.record_types, lead.record_type),
        (rule.sources, lead.lead_source),
    )
    if any(wanted and (value or "").casefold() not in {w.casefold() for w in wanted} for wanted, value in lists):
        return False
    postal = (lead.postal_code or "").replace(" ", "").upper()
    if rule.postal_prefixes and not any(postal.startswith(p.replace(" ", "").upper()) for p in rule.postal_prefixes):
        return False
    if rule.employees_min is None and rule.employees_max is None:
        return True
    if lead.employees is None or lead.employees < (rule.employees_min or 0):
        return False
    return rule.employees_max is None or lead.employees <= rule.employees_max


def _from_pool(lead: Waiting, office: Office, step: str, name: str | None, detail: str) -> Assignment:
    dealer = office.dealers.get(name or "")
    if dealer is None or name is None:
        return _fallback(lead, office, "no territory rule matches, and there is no default pool")
    owner = dealer.deal(lead.had)
    if owner is None:
        other = "else " if lead.untouched else ""
        text = f"nobody {other}in pool {name} is available below the cap of {office.rules.lead_cap}"
        return _fallback(lead, office, text)
    office.turns[name] += 1
    detail = intern(f"{detail}: {name}, by {dealer.pool.method}")
    return Assignment(lead, step, owner, detail, name, office.turns[name], dealer.state)


def _fallback(lead: Waiting, office: Office, why: str) -> Assignment:
    return Assignment(lead, "FALLBACK", office.rules.triage, why)
