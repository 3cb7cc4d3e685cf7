"""Leads that should be converted → conversions: into the contact or account there is, else into new ones.

No opportunity is made unless a person writes one into the line. Those with a contact come first, then those with an
account, then the rest: so whoever pushes in this order can look for duplicates among what the rest made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from sfsync.model import Change, Confidence, Ref
from sfsync.plan.drafting import Drafting
from sfsync.plan.facts import Facts, read_facts
from sfsync.plan.fixes import Fixes, Other
from sfsync.plan.guards import World, check_record, needs, not_convertible, picklist_active
from sfsync.plan.mirror import CHUNK, Row, batched, read_rows
from sfsync.plan.plan import Refused

LEAD = ("Status", "SystemModstamp", "IsConverted")


@dataclass(frozen=True)
class Into:
    """What one lead shall be converted into. No Id: a new record."""

    ref: Ref
    account: str | None
    contact: str | None
    because: tuple[Mapping[str, Any], ...]
    confidence: Confidence

    @property
    def turn(self) -> int:
        return 0 if self.contact else 1 if self.account else 2


def converts(drafting: Drafting) -> Iterator[Change]:
    """Leads with a contact, with an account, with neither; each by Id."""
    fixes = drafting.fixes
    if "Lead" not in fixes.sobjects("convert"):
        return
    facts = read_facts(drafting.con, drafting.warehouse, "Lead")
    statuses = _statuses(drafting)
    for turn in range(3):
        wanted = (into for into in _wanted(fixes) if into.turn == turn)
        for some in batched(wanted, CHUNK):
            yield from _changes(drafting, facts, statuses, some)
        fixes = replace(fixes, refuse=lambda _: None)  # what was wrong has been said


def _wanted(fixes: Fixes) -> Iterator[Into]:
    """One for each lead, whatever number of rules proposes it."""
    for ref, group in groupby(fixes.others("convert", "Lead"), key=lambda found: found.ref):
        found = list(group)
        contacts, accounts = _named(found, "contact"), _named(found, "account")
        if len(contacts) > 1 or (not contacts and len(accounts) > 1):
            into = " or ".join(contacts or accounts)
            rules = " and ".join(str(f.because["rule"]) for f in found)
            fixes.refuse(Refused("CONFLICT", ref, f"{rules} would convert it into {into}; waive one of the findings"))
            continue
        because = tuple(f.because for f in found)
        confidence: Confidence = "auto" if all(f.confidence == "auto" for f in found) else "assisted"
        yield Into(ref, next(iter(accounts), None), next(iter(contacts), None), because, confidence)


def _named(found: Sequence[Other], key: str) -> list[str]:
    return sorted({str(f.fix["after"][key]) for f in found if f.fix["after"].get(key)})


def _statuses(drafting: Drafting) -> list[str]:
    """The statuses a conversion may leave, in the org's order."""
    known = drafting.warehouse.columns(drafting.con, "live.LeadStatus")
    if "IsConverted" not in known:
        return []
    name = "coalesce(ApiName, MasterLabel)" if "ApiName" in known else "MasterLabel"
    order = "SortOrder, 1" if "SortOrder" in known else "1"
    query = f"SELECT {name} FROM live.LeadStatus WHERE IsConverted IS TRUE ORDER BY {order}"
    return list(drafting.con.execute(sa.text(query)).scalars())


def _changes(drafting: Drafting, facts: Facts, statuses: Sequence[str], wanted: Sequence[Into]) -> Iterator[Change]:
    def rows(sobject: str, ids: set[str], names: set[str]) -> dict[str, Row]:
        return read_rows(drafting.con, drafting.warehouse, sobject, ids, names)

    leads = rows("Lead", {into.ref.id for into in wanted}, {*LEAD, *needs("Lead")})
    contacts = rows("Contact", {into.contact for into in wanted if into.contact}, {"AccountId"})
    accounts = rows("Account", {into.account for into in wanted if into.account}, set())
    for into in wanted:
        if into.ref.id not in leads:
            drafting.gone(into.ref)
            continue
        world = World(into.ref, facts, leads[into.ref.id].values, drafting.wanted.guards)
        contact = contacts.get(into.contact or "")
        own = contact.values.get("AccountId") if contact else None
        account = str(own) if own else into.account
        status = _status(world, statuses)
        reason = (
            _missing("contact", into.contact, contacts)
            or (_missing("account", account, accounts) if not into.contact else None)
            or not_convertible(world, status, into.contact, str(own) if own else None)
        )
        against = ("GUARD-08", reason) if reason else check_record(world, {})
        if against:
            drafting.refuse(against[0], into.ref, against[1])
            continue
        after = {"account": account, "contact": into.contact, "status": status, "owner": None}
        before = {name: world.row.get(name) for name in ("OwnerId", "Status", "SystemModstamp")}
        yield Change("convert", into.ref, before, after, into.because, into.confidence)


def _status(world: World, statuses: Sequence[str]) -> str | None:
    """The first status that the lead's record type has, too."""
    return next((status for status in statuses if picklist_active(world, "Status", status) is None), None)


def _missing(what: str, id: str | None, rows: Mapping[str, Row]) -> str | None:
    if id is None or id in rows:
        return None
    return f"{what} {id} is not in the mirror, or was deleted or merged; run `sfsync check` again"
